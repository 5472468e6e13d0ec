import * as tf from "../../src/core/tf.ts";
import type * as ours from "../../src/ops/relu/relu6.ts";

/** tfjs's own. */
export const relu6: typeof ours.relu6 = (x) => tf.relu6(x);

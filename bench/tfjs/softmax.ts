import * as tf from "../../src/core/tf.ts";
import type * as ours from "../../src/ops/softmax/softmax.ts";

/** tfjs's own. */
export const softmax: typeof ours.softmax = (x) => tf.softmax(x);

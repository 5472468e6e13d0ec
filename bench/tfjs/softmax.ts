import * as tf from "../../src/core/tf.ts";
import type * as ours from "../../src/ops/softmax/softmax.ts";

/** tfjs's own. */
export const softmax: typeof ours.softmax = (x) => tf.softmax(x);

/** Softmax of pixels. */
export const pixelSoftmax: typeof ours.pixelSoftmax = (x) => tf.softmax(x);

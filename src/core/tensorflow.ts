/** TensorFlow.js as one value, for users of the public API. @module */
import * as tfjs from "./tf.ts";

/**
 * TensorFlow.js, the copy that this library computes with; tensors of another copy are
 * unknown to it. Besides, `tf.differentiable` gives a function a gradient of its own.
 */
export const tf: typeof tfjs = tfjs;

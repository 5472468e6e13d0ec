import * as tf from "../../src/core/tf.ts";
import { argmaxConfidence } from "../../src/ops/argmax_confidence/argmax_confidence.ts";
import { softmaxCrossEntropy } from "../../src/ops/cross_entropy/cross_entropy.ts";
import { randomTensor, testWasmKernels } from "../support/mod.ts";

const SHAPES = [[1, 1], [3, 2], [65, 7], [130, 19], [64, 8]] as const;

function byShape(compute: (logits: tf.Tensor2D) => tf.Tensor[]) {
  return Object.fromEntries(SHAPES.map(([rows, classes]) => [
    `${rows} × ${classes}`,
    () => compute(randomTensor<tf.Rank.R2>([rows, classes], "logits")),
  ]));
}

// Some are no class.
function lossAndGradient(logits: tf.Tensor2D): tf.Tensor[] {
  const [rows, classes] = logits.shape;
  const labels = Int32Array.from({ length: rows }, (_, i) => i * 7 % (classes + 1));
  const f = (z: tf.Tensor) => softmaxCrossEntropy(z, tf.tensor1d(labels, "int32"));
  return [f(logits), tf.grad(f)(logits, randomTensor<tf.Rank.R1>([rows], "dy"))];
}

testWasmKernels("softmaxCrossEntropy", {
  ...byShape(lossAndGradient),
  "what is no number": () => lossAndGradient(tf.tensor2d([[1, NaN, 2], [1, 2, 3]])),
}, 1e-6);

testWasmKernels("argmaxConfidence", {
  ...byShape((logits) => {
    const { labels, confidence } = argmaxConfidence(logits);
    return [labels, confidence];
  }),
  "equal logits": () => {
    const { labels, confidence } = argmaxConfidence(tf.ones([3, 5]));
    return [labels, confidence];
  },
}, 1e-6);

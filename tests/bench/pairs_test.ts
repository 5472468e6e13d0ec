import assert from "node:assert/strict";
import * as attention from "../../bench/pairs/attention.ts";
import * as convolution from "../../bench/pairs/convolution.ts";
import * as normalization from "../../bench/pairs/normalization.ts";
import {
  inputGradients,
  normalTensor,
  type Pair,
  type Results,
} from "../../bench/pairs/pair.ts";
import * as pixels from "../../bench/pairs/pixels.ts";
import * as resampling from "../../bench/pairs/resampling.ts";
import * as update from "../../bench/pairs/update.ts";
import * as tf from "../../src/core/tf.ts";
import { assertClose, onEachBackend } from "../support/mod.ts";

/** Small and odd. */
const PAIRS: Readonly<Record<string, Pair>> = {
  conv2d: convolution.conv2dPair([2, 7, 6, 5], 4, 3, { padding: 1 }),
  "conv2d of stride 2": convolution.conv2dPair([1, 9, 8, 3], 4, 3, {
    stride: 2,
    padding: 1,
  }),
  "conv2d of stride 2 with TensorFlow's padding": convolution.conv2dPair(
    [1, 9, 8, 3],
    4,
    3,
    { stride: 2, padding: "same" },
  ),
  "conv2d of touching patches": convolution.conv2dPair([1, 8, 8, 3], 4, 4, { stride: 4 }),
  "dilated conv2d": convolution.conv2dPair([1, 9, 8, 3], 4, 3, {
    dilation: 2,
    padding: 2,
  }),
  "conv2d of one pixel": convolution.conv2dPair([2, 5, 4, 6], 3, 1),
  depthwise: convolution.depthwisePair([2, 7, 6, 5]),
  "dilated depthwise": convolution.depthwisePair([1, 9, 8, 3], 3, 2),
  linear: convolution.linearPair(21, 5, 6),
  "batched matmul": convolution.matMulPair(2, [5, 7, 6]),
  "layer norm": normalization.layerNormPair(11, 6),
  "batch norm": normalization.batchNormPair([2, 5, 4, 3]),
  "frozen batch norm": normalization.frozenBatchNormPair([2, 5, 4, 3]),
  gelu: normalization.geluPair(11, 6),
  relu: normalization.reluPair(11, 6),
  relu6: normalization.relu6Pair(11, 6),
  softmax: normalization.softmaxPair(11, 6),
  "scale channels": normalization.scaleChannelsPair(11, 6),
  "dropout of elements": normalization.dropoutPair([3, 5, 4, 7], "element"),
  "dropout of channels": normalization.dropoutPair([3, 5, 4, 7], "channel"),
  "dropout of samples": normalization.dropoutPair([3, 5, 4, 7], "sample"),
  attention: attention.attentionPair([2, 12, 5, 6], 2),
  "attention with one head": attention.singleHeadPair([2, 9, 7], [4, 6]),
  gram: attention.gramPair([2, 12, 5]),
  windows: attention.windowsPair([2, 7, 5, 3], 3, 1),
  "window bias": attention.windowBiasPair([2, 3], 2, 3, 0),
  "window bias of rolled maps": attention.windowBiasPair([2, 3], 2, 3, 1),
  "grid bias": attention.gridBiasPair([2, 3], [3, 4], 2),
  "resize bilinear": resampling.resizeBilinearPair([2, 4, 5, 3], [9, 7]),
  "resize bilinear, corners aligned": resampling.resizeBilinearPair(
    [2, 4, 5, 3],
    [9, 7],
    true,
  ),
  "resize nearest": resampling.resizeNearestPair([2, 4, 6, 3], [8, 12]),
  "resize bicubic": resampling.resizeBicubicPair([4, 4, 3], [7, 3]),
  "max pool": resampling.maxPoolPair([2, 7, 6, 3]),
  "average pool": resampling.averagePoolPair([2, 8, 6, 3], 2),
  "adaptive average pool": resampling.adaptiveAveragePoolPair([2, 7, 5, 3], [3, 2]),
  "cross entropy": pixels.crossEntropyPair([2, 5, 4, 6]),
  "cross entropy of enlarged logits": pixels.upsampledCrossEntropyPair([2, 5, 4, 6], 3),
  "upsampled argmax": pixels.upsampledArgmaxPair([2, 5, 4, 6], 3),
  "argmax and confidence": pixels.argmaxConfidencePair([2, 5, 4, 6]),
  "channel distance": pixels.channelDistancePair([2, 5, 4, 6]),
  "class mix": pixels.classMixPair([2, 5, 4]),
  "color jitter": pixels.colorJitterPair([3, 5, 4]),
  "gaussian blur": pixels.gaussianBlurPair([2, 19, 20]),
  "order statistic": pixels.orderStatisticPair(101),
  adamw: update.adamwPair(37),
  sgd: update.sgdPair(37),
  lerp: update.lerpPair(37),
};

const list = (results: Results) => results instanceof tf.Tensor ? [results] : results;

for (const [name, pair] of Object.entries(PAIRS)) {
  onEachBackend(`tfjs gives what ours gives: ${name}`, async () => {
    const { ours, tfjs, differentiableInputs, tolerance } = pair;
    const expected = list(ours(...pair.inputs()));
    const actual = list(tfjs(...pair.inputs()));
    assert.equal(actual.length, expected.length);
    for (const [i, result] of expected.entries()) {
      await assertClose(actual[i] ?? [], result, tolerance, `result ${i}`);
    }
    const [result] = expected;
    if (differentiableInputs === 0 || result === undefined) return;
    const weights = normalTensor(result.shape as tf.ShapeMap[tf.Rank], "weights");
    const inputs = pair.inputs();
    const wanted = inputGradients(ours, differentiableInputs, inputs, weights);
    const found = inputGradients(tfjs, differentiableInputs, inputs, weights);
    for (const [i, gradient] of wanted.entries()) {
      await assertClose(found[i] ?? [], gradient, tolerance, `gradient ${i}`);
    }
  });
}

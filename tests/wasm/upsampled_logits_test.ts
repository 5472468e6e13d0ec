import { valueAndGradients } from "../../src/core/backward.ts";
import * as tf from "../../src/core/tf.ts";
import { upsampledArgmax } from "../../src/ops/argmax_confidence/upsampled_argmax.ts";
import { upsampledCrossEntropy } from "../../src/ops/cross_entropy/upsampled_cross_entropy.ts";
import { randomTensor, testWasmKernels } from "../support/mod.ts";

// Batch, height and width of the logits, classes, height and width of the labels.
const SIZES = [
  [1, 1, 1, 1, 1, 1],
  [2, 1, 3, 2, 4, 5],
  [2, 3, 2, 5, 12, 8],
  [1, 4, 5, 19, 7, 13],
  [2, 6, 5, 8, 6, 5],
  [1, 8, 8, 6, 3, 2],
  [1, 3, 4, 41, 24, 32],
] as const;

type Size = typeof SIZES[number];

function bySize(compute: (size: Size, alignCorners: boolean) => tf.Tensor[]) {
  return Object.fromEntries(
    SIZES.flatMap((size) =>
      [true, false].map((alignCorners) => [
        `${size}, align corners: ${alignCorners}`,
        () => compute(size, alignCorners),
      ])
    ),
  );
}

const logitsOf = ([B, h, w, C]: Size) =>
  tf.mul(randomTensor<tf.Rank.R4>([B, h, w, C], "logits"), 4) as tf.Tensor4D;

// Some are no class.
function labelsOf([B, , , C, H, W]: Size) {
  const labels = Int32Array.from({ length: B * H * W }, (_, i) => i * 7 % (C + 2));
  return tf.tensor3d(labels.map((label) => label === C ? -1 : label), [B, H, W], "int32");
}

function lossAndGradient(
  logits: tf.Tensor4D,
  labels: tf.Tensor3D,
  weights: tf.Tensor | null,
  alignCorners: boolean,
) {
  const { value, grads: [gradient] } = valueAndGradients(
    () => upsampledCrossEntropy(logits, labels, weights, { alignCorners }),
    [logits],
  );
  const alone = upsampledCrossEntropy(logits, labels, weights, { alignCorners });
  return [value, alone, ...gradient === undefined ? [] : [gradient]];
}

testWasmKernels("upsampledCrossEntropy", {
  ...bySize((size, alignCorners) => {
    const [B, , , , H, W] = size;
    const [logits, labels] = [logitsOf(size), labelsOf(size)];
    const weights = tf.relu(randomTensor<tf.Rank.R3>([B, H, W], "weights"));
    return [
      ...lossAndGradient(logits, labels, null, alignCorners),
      ...lossAndGradient(logits, labels, weights, alignCorners),
    ];
  }),
  "what is no number"() {
    const logits = tf.tensor4d([1, 2, 3, 4, 5, 6, NaN, 8, 9], [1, 3, 1, 3]);
    const labels = tf.zeros<tf.Rank.R3>([1, 6, 2], "int32");
    return [upsampledCrossEntropy(logits, labels, null)];
  },
}, 1e-6);

testWasmKernels("upsampledArgmax", {
  ...bySize((size, alignCorners) => {
    const logits = logitsOf(size);
    const { labels, confidence, confidentShare } = upsampledArgmax(
      logits,
      [size[4], size[5]],
      0.7,
      { alignCorners },
    );
    return [labels, confidence, confidentShare];
  }),
  "equal logits": () => {
    const logits = tf.ones<tf.Rank.R4>([1, 2, 2, 7]);
    const { labels, confidence, confidentShare } = upsampledArgmax(logits, [5, 5], 1 / 7);
    return [labels, confidence, confidentShare];
  },
}, 1e-6);

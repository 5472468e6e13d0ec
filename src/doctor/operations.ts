/**
 * Every operation with kernels of its own, on small tensors that are the same on every
 * backend. Together they run every shader: a test asserts it.
 *
 * @module
 */
import { createRandom } from "../core/random.ts";
import * as tf from "../core/tf.ts";
import { argmaxConfidence } from "../ops/argmax_confidence/argmax_confidence.ts";
import { upsampledArgmax } from "../ops/argmax_confidence/upsampled_argmax.ts";
import { attention } from "../ops/attention/attention.ts";
import { flashAttention } from "../ops/attention/webgpu.ts";
import {
  batchMoments,
  batchNorm,
  frozenBatchNorm,
} from "../ops/batch_norm/batch_norm.ts";
import { resizeBicubic } from "../ops/bicubic/bicubic.ts";
import { channelDistance } from "../ops/channel_distance/channel_distance.ts";
import { classMask, pasteSource } from "../ops/class_mix/class_mix.ts";
import { classCounts, classSums } from "../ops/class_sums/class_sums.ts";
import { colorJitter } from "../ops/color_jitter/color_jitter.ts";
import { contrastRoles } from "../ops/contrast_roles/contrast_roles.ts";
import { conv2d } from "../ops/conv2d/conv2d.ts";
import { convSizes } from "../ops/conv2d/conv_sizes.ts";
import { fusedConv2d } from "../ops/conv2d/implicit_gemm.ts";
import { softmaxCrossEntropy } from "../ops/cross_entropy/cross_entropy.ts";
import { upsampledCrossEntropy } from "../ops/cross_entropy/upsampled_cross_entropy.ts";
import { depthwiseConv2d } from "../ops/depthwise_conv2d/depthwise_conv2d.ts";
import { fusedDepthwiseConv2d } from "../ops/depthwise_conv2d/fused_depthwise_conv2d.ts";
import { dropout } from "../ops/dropout/dropout.ts";
import { focalCrossEntropy } from "../ops/focal_cross_entropy/focal_cross_entropy.ts";
import { gatherRows } from "../ops/gather_rows/gather_rows.ts";
import { gelu } from "../ops/gelu/gelu.ts";
import {
  normAndClipFactor,
  scaleAndDispose,
} from "../ops/gradient_norm/gradient_norm.ts";
import {
  multiTensorAdamW,
  multiTensorAdamWFutures,
  multiTensorLerp,
  multiTensorSgd,
  multiTensorSgdFutures,
} from "../ops/in_place/in_place.ts";
import { labelWeights } from "../ops/label_weights/label_weights.ts";
import { layerNorm } from "../ops/layer_norm/layer_norm.ts";
import { lovaszExtension } from "../ops/lovasz_extension/lovasz_extension.ts";
import { fusedMatMul } from "../ops/mat_mul/fused_mat_mul.ts";
import { matMul, matMulWithoutGradient } from "../ops/mat_mul/mat_mul.ts";
import {
  bankSimilarities,
  enqueue,
  sampleEntries,
} from "../ops/memory_bank/memory_bank.ts";
import { nonFiniteCounts } from "../ops/non_finite/non_finite.ts";
import {
  kthValue,
  percentile,
  percentileOfTensorFraction,
} from "../ops/order_statistic/order_statistic.ts";
import { averagePool } from "../ops/pool/average_pool.ts";
import { maxPool } from "../ops/pool/max_pool.ts";
import {
  gridPositionBias,
  gridPositionBiasEntries,
  windowPositionBias,
} from "../ops/position_bias/position_bias.ts";
import { radixSort } from "../ops/radix_sort/radix_sort.ts";
import { relu } from "../ops/relu/relu.ts";
import { relu6 } from "../ops/relu/relu6.ts";
import { resizeBilinear, resizeNearest } from "../ops/resize/resize.ts";
import { sampleFromRows } from "../ops/sample_from_rows/sample_from_rows.ts";
import { separableBlur } from "../ops/separable_blur/separable_blur.ts";
import { pixelSoftmax, softmax } from "../ops/softmax/softmax.ts";
import { columnSum, sumAll } from "../ops/sums/sums.ts";
import {
  windowPartition,
  windowReverse,
  windowSizes,
} from "../ops/window_partition/window_partition.ts";

/**
 * Runs an operation, with its gradients where it has some.
 *
 * @param n The size of everything: a multiple of four, for which kernels read vectors, or
 * an odd number.
 * @returns What it computes; it may keep other tensors, which a scope frees.
 */
export type Operation = (n: number) => tf.Tensor | readonly tf.Tensor[];

/** An odd size and an even one, for which kernels read four elements at a time. */
export const OPERATION_SIZES = [7, 12];

const KEY = { seed: 1, stream: 2, forwardIndex: 3 };
const CLASSES = 5;

const map = (n: number, name: string) => normal<tf.Rank.R4>([2, n, n + 2, n], name);

/** The operations by name. */
export const OPERATIONS: Readonly<Record<string, Operation>> = {
  "matrix product": (n) =>
    withGradients(
      (a, b) => matMul(a, b),
      normal([8 * n, 25 * n], "a"),
      normal([25 * n, n], "b"),
    ),
  "product with a transposed matrix": (n) =>
    withGradients(
      (a, b) => matMul(a, b, { transposeB: true }),
      normal([2, n, n + 1], "a"),
      normal([2, n, n + 1], "b"),
    ),
  "product of transposed matrices": (n) =>
    matMulWithoutGradient(normal([2, n, 3 * n], "a"), normal([2, n, n], "b"), {
      transposeA: true,
    }),
  "product with bias, GELU and residual": (n) =>
    fusedMatMul(normal([5 * n, n], "a"), normal([n, n], "b"), {
      bias: normal([n], "bias"),
      residual: normal([5 * n, n], "residual"),
      gelu: true,
    }),
  "convolution": (n) =>
    withGradients(
      (x, filter, bias) =>
        conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, { padding: 1, bias }),
      map(n, "x"),
      normal([3, 3, n, n], "filter"),
      normal([n], "bias"),
    ),
  "strided convolution": (n) =>
    withGradients(
      (x, filter) =>
        conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, { stride: 2, padding: 1 }),
      map(n, "x"),
      normal([3, 3, n, 2 * n], "filter"),
    ),
  "convolution with bias, GELU and residual": (n) => {
    const [x, filter] = [map(n, "x"), normal<tf.Rank.R4>([3, 3, n, n], "filter")];
    const sizes = convSizes(x.shape, [3, 3], { dilation: 2, padding: 2 });
    const residual = map(n, "residual");
    return fusedConv2d(x, filter, sizes, {
      bias: normal([n], "bias"),
      residual,
      gelu: true,
    });
  },
  "depthwise convolution": (n) =>
    withGradients(
      (x, filter, bias) =>
        depthwiseConv2d(x as tf.Tensor4D, filter as tf.Tensor4D, { padding: 1, bias }),
      map(n, "x"),
      normal([3, 3, n, 1], "filter"),
      normal([n], "bias"),
    ),
  "strided depthwise convolution": (n) =>
    withGradients(
      (x, filter) =>
        depthwiseConv2d(x as tf.Tensor4D, filter as tf.Tensor4D, {
          stride: 2,
          padding: "same",
        }),
      map(n, "x"),
      normal([5, 5, n, 1], "filter"),
    ),
  "depthwise convolution with bias, GELU and residual": (n) => {
    const [x, filter] = [map(n, "x"), normal([5, 5, n, 1], "filter")];
    const sizes = convSizes(x.shape, [5, 5], { padding: 2 });
    const residual = map(n, "residual");
    const bias = normal<tf.Rank>([n], "bias");
    return fusedDepthwiseConv2d(x, filter, sizes, { bias, residual, gelu: true });
  },
  "attention": (n) =>
    withGradients(
      (query, keyValue) => {
        const run = tf.getBackend() === "webgpu" ? flashAttention : attention;
        return run(query as tf.Tensor3D, keyValue as tf.Tensor3D, 2);
      },
      normal([2, 3 * n, 16], "query"),
      normal([2, n, 32], "keyValue"),
    ),
  "layer norm": (n) =>
    withGradients(
      (x, scale, shift) => layerNorm(x, scale, shift, 1e-6),
      normal([9 * n, n], "x"),
      normal([n], "scale"),
      normal([n], "shift"),
    ),
  "batch norm": (n) => {
    const moments = batchMoments(map(n, "x"));
    const gradients = withGradients(
      (x, scale, shift) => batchNorm(x, { scale, shift, epsilon: 1e-5 }, moments),
      map(n, "x"),
      normal([n], "scale"),
      normal([n], "shift"),
    );
    return [moments.mean, moments.variance, ...gradients];
  },
  "batch norm with running statistics": (n) => {
    const variance = tf.add(tf.abs(normal([n], "variance")), 0.1);
    const moments = { mean: normal([n], "mean"), variance };
    return withGradients(
      (x, scale, shift) => frozenBatchNorm(x, { scale, shift, epsilon: 1e-5 }, moments),
      map(n, "x"),
      normal([n], "scale"),
      normal([n], "shift"),
    );
  },
  "GELU": (n) => withGradients((x) => gelu(x), map(n, "x")),
  "ReLU": (n) => withGradients((x) => relu(x), map(n, "x")),
  "ReLU6": (n) => withGradients((x) => relu6(tf.mul(x, 4)), map(n, "x")),
  "softmax": (n) => withGradients((x) => softmax(x), map(n, "x")),
  "softmax of pixels": (n) => withGradients((x) => pixelSoftmax(x), map(n, "x")),
  "dropout": (n) =>
    withGradients(
      (x) => dropout(x, 0.3, "element", { ...KEY, iteration: 3 }),
      map(n, "x"),
    ),
  "distance of channels": (n) =>
    withGradients((a) => channelDistance(a, map(n, "b")), map(n, "a")),
  "sum of columns": (n) => columnSum(map(n, "x")),
  "sum of elements": (n) => sumAll(map(n, "x"), n),
  "cross entropy": (n) =>
    withGradients((z) => softmaxCrossEntropy(z, labels([2, n, n])), logits(n)),
  "cross entropy of upsampled logits": (n) =>
    withGradients(
      (z) => {
        const weights = tf.abs(normal([2, 4 * n, 3 * n], "weights"));
        return upsampledCrossEntropy(z, labels([2, 4 * n, 3 * n]), weights);
      },
      logits(n),
    ),
  "argmax": (n) => Object.values(argmaxConfidence(logits(n))),
  "argmax of upsampled logits": (n) => {
    const { labels, confidence } = upsampledArgmax(logits(n), [4 * n, 3 * n], 0.6);
    return [labels, confidence];
  },
  "bilinear resize": (n) =>
    withGradients((x) => resizeBilinear(x as tf.Tensor4D, [2 * n, n - 1]), map(n, "x")),
  "nearest resize": (n) =>
    withGradients((x) => resizeNearest(x as tf.Tensor4D, [2 * n, n - 1]), map(n, "x")),
  "bicubic resize": (n) =>
    [{ antialias: true }, { offset: 0.1 }].flatMap((options) =>
      withGradients(
        (x) => resizeBicubic(x as tf.Tensor3D, [2 * n, n - 1], options),
        normal([n, n + 2, n], "x"),
      )
    ),
  "maximum of windows": (n) =>
    withGradients(
      (x) => maxPool(x as tf.Tensor4D, { window: 3, stride: 2, padding: 1 }),
      map(n, "x"),
    ),
  "mean of windows": (n) =>
    withGradients(
      (x) => averagePool(x as tf.Tensor4D, { window: 3, stride: 2 }),
      map(n, "x"),
    ),
  "windows": (n) =>
    withGradients((x) => {
      const sizes = windowSizes(x as tf.Tensor4D, 3, 1);
      return windowReverse(tf.mul(windowPartition(x as tf.Tensor4D, sizes), 2), sizes);
    }, map(n, "x")),
  "position bias of a grid": (n) =>
    withGradients(
      (scores, table) =>
        gridPositionBias(scores as tf.Tensor4D, table as tf.Tensor2D, [2, n], [3, n]),
      normal([2, 2, 1 + 2 * n, 1 + 2 * n], "scores"),
      normal([gridPositionBiasEntries(3, n), 2], "table"),
    ),
  "position bias of windows": (n) => {
    const sizes = windowSizes(map(n, "x"), 3, 1);
    return withGradients(
      (scores, table) =>
        windowPositionBias(scores as tf.Tensor4D, table as tf.Tensor2D, sizes),
      normal([2 * sizes.rows * sizes.columns, 2, 9, 9], "scores"),
      normal([25, 2], "table"),
    );
  },
  "focal cross entropy": (n) => {
    const classWeights = tf.tensor1d([1, 0.5, 2, 1, 0]);
    const options = { gamma: 1.5, labelSmoothing: 0.1, classWeights };
    const y = labels([2, n, n]);
    const z = normal([2, n, n, CLASSES], "logits");
    return [
      ...withGradients((z) => focalCrossEntropy(z, y, options), z),
      labelWeights(y, classWeights),
    ];
  },
  "sums by class": (n) => {
    const y = labels([2, n * n]);
    const p = pixelSoftmax(normal([2, n * n, CLASSES], "logits"));
    return [...withGradients((p) => classSums(p, y), p), classCounts(y, CLASSES)];
  },
  "sorted pairs": (n) => {
    const keys = integers([2, 40 * n], 0, 2 ** 30);
    return Object.values(radixSort({ keys, items: integers([2, 40 * n], 0, n) }));
  },
  "Lovász extension": (n) => {
    const y = labels([2, 40 * n]);
    const p = pixelSoftmax(normal([2, 40 * n, CLASSES], "logits"));
    return withGradients((p) => lovaszExtension(p, y, false), p);
  },
  "rows by index": (n) =>
    withGradients(
      (x) => gatherRows(x as tf.Tensor2D, integers([1, 2 * n], -1, n) as tf.Tensor2D),
      normal([n, n], "x"),
    ),
  "order statistics": (n) => {
    const values = map(n, "values");
    return [
      kthValue(values, n),
      percentile(values, 37),
      percentileOfTensorFraction(values, tf.scalar(0.71)),
    ];
  },
  "samples of rows": (n) => {
    const mask = tf.cast(integers([3, 40 * n], 0, 2), "float32") as tf.Tensor2D;
    return [true, false].flatMap((stratified) =>
      Object.values(sampleFromRows(mask, n, stratified, KEY))
    );
  },
  "roles in a contrast": (n) =>
    Object.values(contrastRoles(
      {
        logits: logits(n),
        labels: labels([2, 2 * n, 2 * n]),
        entropy: tf.abs(normal([1, 2 * n, 2 * n], "entropy")),
        entropyBounds: tf.tensor1d([0.5, 1]),
      },
      1,
      { lowRank: 1, highRank: 4, anchorThreshold: 0.1 },
    )),
  "bank of vectors": (n) => {
    const bank = normal<tf.Rank.R3>([2, 2 * n, n], "bank");
    const newKeys = normal<tf.Rank.R3>([2, 3, n], "keys");
    const newCounts = tf.tensor1d([2, 3]);
    const cursor = tf.tensor2d([[n, n, 1], [2 * n - 1, 2 * n, 0]]);
    const index = sampleEntries(cursor, newCounts, 2 * n, [3, 4], KEY);
    const entries = { positives: normal<tf.Rank.R2>([2, n], "positives"), bank, newKeys };
    const similarities = withGradients(
      (anchors) => bankSimilarities(anchors as tf.Tensor3D, { ...entries, index }),
      normal([2, 3, n], "anchors"),
    );
    enqueue(bank, newKeys, newCounts, cursor);
    return [index, ...similarities, bank];
  },
  "blur": (n) =>
    separableBlur(
      map(n, "images"),
      normal<tf.Rank.R2>([2, 5], "rows"),
      normal<tf.Rank.R2>([2, 3], "columns"),
    ),
  "color jitter": (n) => {
    const images = tf.mul(normal<tf.Rank.R4>([2, n, n, 3], "images"), 0.5);
    const settings = tf.tensor2d([
      [1.1, 0.9, 1.2, 0.1, 0, 3, 1, 2],
      [0.9, 1.2, 0.7, -0.2, 2, 1, 3, 4],
    ]);
    const colors = { mean: [124, 116, 104], std: [58, 57, 57] } as const;
    return colorJitter(images as tf.Tensor4D, settings, colors);
  },
  "class mixing": (n) => {
    const shape = [2, n, n];
    const mask = classMask(labels(shape), integers([2, 256], 0, 2));
    const images = (name: string) => normal([...shape, 3], name);
    const { images: mixed, labels: pasted, pixelWeights } = pasteSource(
      mask,
      { images: images("source"), labels: labels(shape) },
      {
        images: images("target"),
        labels: integers(shape, 0, CLASSES),
        pixelWeights: normal(shape, "weights"),
      },
    );
    return [mask, mixed, pasted, pixelWeights];
  },
  "steps of an optimizer": (n) => {
    // Groups of most and of fewer tensors, and one alone.
    const tensors = (name: string) =>
      Array.from({ length: 15 }, (_, i) => normal([n + i], `${name} ${i}`));
    const [g, p, m, v, b] = ["g", "p", "m", "v", "b"].map(tensors) as [
      tf.Tensor[],
      tf.Tensor[],
      tf.Tensor[],
      tf.Tensor[],
      tf.Tensor[],
    ];
    const second = v.map((one) => tf.abs(one));
    const at = (list: readonly tf.Tensor[], i: number) => list[i] as tf.Tensor;
    const rate = (i: number) => 1e-2 / (1 + i);
    multiTensorAdamW(
      g.map((gradient, i) => ({
        gradient,
        parameter: at(p, i),
        moments: [at(m, i), at(second, i)] as const,
        weightDecayStep: i * 1e-3,
        stepSize: rate(i),
      })),
      {
        beta1: 0.9,
        beta2: 0.999,
        oneMinusBeta1: 0.1,
        oneMinusBeta2: 0.001,
        biasCorrection: 1.5,
        epsilon: 1e-8,
      },
    );
    multiTensorSgd(
      g.map((gradient, i) => ({
        gradient,
        parameter: at(p, i),
        momentumBuffer: at(b, i),
        learningRate: rate(i),
        weightDecay: i * 1e-3,
      })),
      0.9,
    );
    const futures = { decay: 0.9, oneMinusDecay: 0.1 };
    const entries = (first: readonly tf.Tensor[], second: readonly tf.Tensor[] | null) =>
      p.map((parameter, i) => ({
        ...{ parameter, average: at(g, i), shift: 0.1 * rate(i) },
        ...{ first: at(first, i), second: second && at(second, i) },
      }));
    multiTensorAdamWFutures(entries(m, second), {
      ...futures,
      ...{ biasCorrection: 1.5, epsilon: 1e-8 },
    });
    multiTensorSgdFutures(entries(b, null), futures);
    multiTensorLerp(p.map((source, i) => ({ target: at(m, i), source })), 0.9);
    return [...g, ...p, ...m, ...second, ...b];
  },
  "clipping by a norm": (n) => {
    // Groups of most and of fewer tensors, and one alone, as above.
    const g = Array.from({ length: 18 }, (_, i) => normal([90 * n + i], `g ${i}`));
    const { norm, factor } = normAndClipFactor(g, 1);
    return [norm, factor, ...scaleAndDispose(g, factor)];
  },
  "numbers that are none": (n) => {
    const values = new Float32Array(100 * n);
    values.set([NaN, Infinity, -Infinity], n);
    return tf.sum(nonFiniteCounts([tf.tensor1d(values)]));
  },
};

/** The result and the gradients by all inputs. */
function withGradients(
  f: (...inputs: [tf.Tensor, tf.Tensor, tf.Tensor]) => tf.Tensor,
  ...inputs: readonly tf.Tensor[]
): tf.Tensor[] {
  const run = f as (...inputs: tf.Tensor[]) => tf.Tensor;
  const y = run(...inputs);
  return [y, ...tf.grads(run)([...inputs], normal(y.shape, "dy"))];
}

const logits = (n: number) => normal<tf.Rank.R4>([2, n, n, CLASSES], "logits");

/** Classes, and among them pixels of none. */
const labels = (shape: readonly number[]) =>
  integers(shape, 0, CLASSES + 1, (drawn) => drawn === CLASSES ? 255 : drawn);

/** int32, drawn from `low` on and below `high`. */
function integers(
  shape: readonly number[],
  low: number,
  high: number,
  valueOf = (drawn: number) => drawn,
): tf.Tensor {
  const random = createRandom(0, `integers/${shape}`);
  const length = tf.util.sizeFromShape([...shape]);
  const draw = () => valueOf(low + random.integer(high - low));
  return tf.tensor(Int32Array.from({ length }, draw), [...shape], "int32");
}

function normal<R extends tf.Rank>(shape: readonly number[], name: string): tf.Tensor<R> {
  const random = createRandom(0, `operations/${name}`);
  const length = tf.util.sizeFromShape([...shape]);
  const values = Float32Array.from({ length }, () => random.normal());
  return tf.tensor(values, [...shape] as tf.ShapeMap[R]);
}

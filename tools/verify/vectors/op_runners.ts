/**
 * What the operators of a golden file are here: for each spelling of `op` the inputs, the
 * order of their axes, and the function.
 *
 * @module
 */
import { batchNorm } from "../../../src/layers/normalization.ts";
import * as tf from "../../../src/core/tf.ts";
import * as z from "../../../src/core/zod.ts";
import { adaptiveAveragePool, averagePool } from "../../../src/ops/pool/average_pool.ts";
import { channelDistance } from "../../../src/ops/channel_distance/channel_distance.ts";
import { conv2d } from "../../../src/ops/conv2d/conv2d.ts";
import { depthwiseConv2d } from "../../../src/ops/depthwise_conv2d/depthwise_conv2d.ts";
import { gelu } from "../../../src/ops/gelu/gelu.ts";
import { layerNorm } from "../../../src/ops/layer_norm/layer_norm.ts";
import { linear } from "../../../src/ops/linear.ts";
import { maxPool } from "../../../src/ops/pool/max_pool.ts";
import { pixelShuffle } from "../../../src/ops/pixel_shuffle.ts";
import { resizeBilinear, resizeNearest } from "../../../src/ops/resize/resize.ts";
import { transposedConv2d } from "../../../src/ops/transposed_conv2d.ts";
import {
  type AxisOrder,
  CHANNELS_LAST,
  CONVOLUTION,
  DEPTHWISE,
  MATRIX,
} from "./vector_file.ts";

/** How to run one case. */
export interface OpRunner {
  /** Differentiable inputs by their name in the file, in the order of `run`. */
  readonly inputs: Readonly<Record<string, AxisOrder>>;
  /** Of the result and of its upstream gradient. */
  readonly output: AxisOrder;
  readonly run: (...inputs: tf.Tensor[]) => tf.Tensor;
  /** Further results by name, asked for after `run`. */
  readonly extraOutputs?: Readonly<Record<string, () => tf.Tensor>>;
}

/** What a case has besides name and operator. */
export interface OpCase {
  readonly fields: Readonly<Record<string, unknown>>;
  /** Whether the file has this input, and its stored shape. */
  readonly shapeOf: (input: string) => readonly number[] | null;
  /** An input that gets no gradient. */
  readonly constant: (input: string) => tf.Tensor;
}

type MakeOpRunner = (match: RegExpExecArray, op: OpCase) => OpRunner;

const int = z.int().nonnegative();
const Size = z.object({ size: z.tuple([int, int]) });
const Bilinear = Size.extend({ align_corners: z.boolean() });
const Grid = z.object({ output: int });
const Epsilon = z.object({ eps: z.number() });
const Convolution = z.object({
  stride: int,
  padding: int,
  dilation: int,
  groups: int,
});

const numberAt = (match: RegExpExecArray, group: number) => Number(match[group]);
const imageInput = { x: CHANNELS_LAST };
const asMap = (x: tf.Tensor | undefined) => x as tf.Tensor4D;

const OP_RUNNERS: readonly (readonly [RegExp, MakeOpRunner])[] = [
  [/^bilinear resize$/, (_, { fields }) => {
    const { size, align_corners: alignCorners } = Bilinear.parse(fields);
    return onMaps((x) => resizeBilinear(x, size, { alignCorners }));
  }],
  [/^nearest resize$/, (_, { fields }) => {
    const { size } = Size.parse(fields);
    return onMaps((x) => resizeNearest(x, size));
  }],
  [/^adaptive_avg_pool2d$/, (_, { fields }) => {
    const { output } = Grid.parse(fields);
    return onMaps((x) => adaptiveAveragePool(x, [output, output]));
  }],
  [/^avg_pool2d kernel (\d+) stride (\d+)/, (match) => {
    const options = { window: numberAt(match, 1), stride: numberAt(match, 2) };
    return onMaps((x) => averagePool(x, options));
  }],
  [
    /^max_pool2d (?:kernel )?(\d+)(?:\/| stride )(\d+)(?:(?:\/| padding )(\d+))?( ceil_mode)?/,
    (match) => {
      const options = {
        window: numberAt(match, 1),
        stride: numberAt(match, 2),
        padding: Number(match[3] ?? 0),
        ceil: match[4] !== undefined,
      };
      return onMaps((x) => maxPool(x, options));
    },
  ],
  [/^layer_norm last dim/, (_, { fields }) => {
    const { eps } = Epsilon.parse(fields);
    return {
      inputs: { x: null, w: null, b: null },
      output: null,
      run: (x, w, b) => layerNorm(requireInput(x), requireInput(w), requireInput(b), eps),
    };
  }],
  [/^gelu exact/, () => onAnyShape((x) => gelu(x))],
  [/^softmax last dim/, () => onAnyShape((x) => tf.softmax(x))],
  [/^softmax dim 1/, () => onMaps((x) => tf.softmax(x))],
  [/^log_softmax dim 1/, () => onMaps((x) => tf.logSoftmax(x))],
  [/^conv2d$/, (_, op) => convolutionRunner(op)],
  [/^conv_transpose2d kernel (\d+) stride \1/, () => ({
    inputs: { ...imageInput, weight: CONVOLUTION, bias: null },
    output: CHANNELS_LAST,
    run: (x, w, b) => tf.add(transposedConv2d(asMap(x), asMap(w)), requireInput(b)),
  })],
  [/^batch_norm/, (_, op) => batchNormRunner(op)],
  [/^pixel_shuffle (\d+)/, (match) => onMaps((x) => pixelShuffle(x, numberAt(match, 1)))],
  [/^a @ b\^T/, () => ({
    inputs: { a: null, b: null },
    output: null,
    run: (a, b) => tf.matMul(requireInput(a), requireInput(b), false, true),
  })],
  [/^linear/, () => ({
    inputs: { x: null, weight: MATRIX, bias: null },
    output: null,
    run: (x, w, b) => linear(requireInput(x), requireInput(w), requireInput(b)),
  })],
  [/^mean over pixels of the channel-wise L2 norm/, () => ({
    inputs: { a: CHANNELS_LAST, b: CHANNELS_LAST },
    output: null,
    run: (a, b) =>
      tf.reshape(tf.mean(channelDistance(requireInput(a), requireInput(b))), [1]),
  })],
];

/** @returns How to run an operator, or null if it is not known here. */
export function opRunnerOf(operator: string, op: OpCase): OpRunner | null {
  for (const [spelling, plan] of OP_RUNNERS) {
    const match = spelling.exec(operator);
    if (match) return plan(match, op);
  }
  return null;
}

function onMaps(run: (x: tf.Tensor4D) => tf.Tensor): OpRunner {
  return { inputs: imageInput, output: CHANNELS_LAST, run: (x) => run(asMap(x)) };
}

function onAnyShape(run: (x: tf.Tensor) => tf.Tensor): OpRunner {
  return { inputs: { x: null }, output: null, run: (x) => run(requireInput(x)) };
}

function requireInput(x: tf.Tensor | undefined): tf.Tensor {
  if (x === undefined) throw new TypeError("Cannot run an operator without its input");
  return x;
}

function convolutionRunner({ fields, shapeOf }: OpCase): OpRunner {
  const { stride, padding, dilation, groups } = Convolution.parse(fields);
  const channels = shapeOf("x")?.[1] ?? 0;
  const outputs = shapeOf("weight")?.[0] ?? 0;
  const depthwise = groups > 1 && groups === channels && groups === outputs &&
    stride === 1;
  const convolve = (x: tf.Tensor4D, w: tf.Tensor4D): tf.Tensor => {
    if (depthwise) return depthwiseConv2d(x, w, { padding, dilation });
    if (groups === 1) return conv2d(x, w, { stride, padding, dilation });
    const xs = tf.split(x, groups, 3);
    const ws = tf.split(w, groups, 3);
    const groupOutputs = xs.map((groupInput, i) =>
      conv2d(groupInput as tf.Tensor4D, asMap(ws[i]), { stride, padding, dilation })
    );
    return tf.concat(groupOutputs, 3);
  };
  return {
    inputs: {
      ...imageInput,
      weight: depthwise ? DEPTHWISE : CONVOLUTION,
      ...(shapeOf("bias") && { bias: null }),
    },
    output: CHANNELS_LAST,
    run: (x, w, b) => {
      const y = convolve(asMap(x), asMap(w));
      return b === undefined ? y : tf.add(y, b);
    },
  };
}

// The layer, so that its running statistics are checked, too.
function batchNormRunner({ fields, shapeOf, constant }: OpCase): OpRunner {
  const { training = true } = z.object({ training: z.boolean().optional() }).parse(
    fields,
  );
  const channels = shapeOf("w")?.[0] ?? 0;
  const layer = batchNorm("norm", channels);
  const hasStatistics = shapeOf("running_mean") !== null;
  const running = {
    mean: hasStatistics ? constant("running_mean") : tf.zeros([channels]),
    variance: hasStatistics ? constant("running_var") : tf.ones([channels]),
  };
  return {
    inputs: { ...imageInput, w: null, b: null },
    output: CHANNELS_LAST,
    run: (x, w, b) => {
      const weights = new Map([
        ["norm.weight", requireInput(w)],
        ["norm.bias", requireInput(b)],
        ["norm.running_mean", running.mean],
        ["norm.running_var", running.variance],
        ["norm.num_batches_tracked", tf.scalar(0)],
      ]);
      return layer.apply(weights, asMap(x), { training, rngKey: null });
    },
    extraOutputs: {
      running_mean_after: () => running.mean,
      running_var_after: () => running.variance,
    },
  };
}

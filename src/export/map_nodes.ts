/** Nodes that ONNX defines for maps with channels first. @module */
import {
  CHANNELS_FIRST,
  type GraphTensor,
  type GraphTensors,
  layerNameOf,
} from "./graph_tensor.ts";
import type { OnnxAttribute } from "../formats/onnx_file.ts";
import { equalSizes, isVarying, mapSizes, type Size } from "./size.ts";

/** [KH, KW, I, O] as ONNX has filters. [O, I, KH, KW] */
const FILTER: readonly number[] = [3, 2, 0, 1];
/** [KH, KW, C, 1] as ONNX has filters of one channel each. [C, 1, KH, KW] */
const DEPTHWISE_FILTER: readonly number[] = [2, 3, 0, 1];

/** How a filter moves over maps; `pads` are top, left, bottom and right. */
export interface ConvolutionAttributes {
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly pads?: readonly number[];
  /** Instead of `pads`. */
  readonly autoPad?: string;
}

/**
 * A convolution.
 *
 * @param x [B, H, W, C]
 * @param filter [KH, KW, C, O], or [KH, KW, C, 1] if it is depthwise.
 * @param shape Of the result. [B, OH, OW, O]
 */
export function convolve(
  tensors: GraphTensors,
  { x, filter, bias, isDepthwise = false }: {
    readonly x: GraphTensor;
    readonly filter: GraphTensor;
    readonly bias?: GraphTensor | undefined;
    readonly isDepthwise?: boolean;
  },
  { strides, dilations, pads, autoPad }: ConvolutionAttributes,
  shape: readonly Size[],
): GraphTensor {
  const [height = 0, width = 0, channels = 0] = filter.shape.map(Number);
  const attributes: Record<string, OnnxAttribute> = {
    "kernel_shape": [height, width],
    strides,
    dilations,
    group: isDepthwise ? channels : 1,
    ...(pads && { pads }),
    ...(autoPad && { auto_pad: autoPad }),
  };
  const operands = [
    tensors.value(x, CHANNELS_FIRST),
    tensors.value(filter, isDepthwise ? DEPTHWISE_FILTER : FILTER),
    ...bias === undefined ? [] : [tensors.value(bias)],
  ];
  const name = layerNameOf(filter);
  const value = tensors.builder.node("Conv", operands, { name, attributes });
  return tensors.made(shape, value, CHANNELS_FIRST);
}

/** Which points of two maps coincide, as the operator `Resize` names it. */
export type ResizeCoordinates = "half_pixel" | "align_corners" | "asymmetric";

/**
 * A bilinear resize.
 *
 * @param x [B, H, W, C]
 * @param shape Of the result. [B, OH, OW, C]
 */
export function resizeBilinear(
  tensors: GraphTensors,
  x: GraphTensor,
  shape: readonly Size[],
  coordinates: ResizeCoordinates,
): GraphTensor {
  const { builder, sizes } = tensors;
  const [, height = 0, width = 0] = shape;
  const [, fromHeight = 0, fromWidth = 0] = x.shape;
  if (equalSizes(height, fromHeight) && equalSizes(width, fromWidth)) return x;
  const value = tensors.value(x, CHANNELS_FIRST);
  const target = sizes.list(CHANNELS_FIRST.map((axis) => shape[axis] ?? 0));
  const resized = builder.node("Resize", [value, "", "", target], {
    attributes: { mode: "linear", coordinate_transformation_mode: coordinates },
  });
  return tensors.made(shape, resized, CHANNELS_FIRST);
}

/**
 * The mean of each window.
 *
 * @param x [B, H, W, C]
 * @param shape Of the result. [B, OH, OW, C]
 */
export function averagePool(
  tensors: GraphTensors,
  x: GraphTensor,
  { window, stride }: Omit<PoolSizes, "padding">,
  shape: readonly Size[],
): GraphTensor {
  const attributes = { "kernel_shape": [window, window], strides: [stride, stride] };
  const operands = [tensors.value(x, CHANNELS_FIRST)];
  const value = tensors.builder.node("AveragePool", operands, { attributes });
  return tensors.made(shape, value, CHANNELS_FIRST);
}

/** Which windows of a map are pooled. */
export interface PoolSizes {
  readonly window: number;
  readonly stride: number;
  readonly padding: number;
}

/**
 * The largest value of each window.
 *
 * @param x [B, H, W, C]
 * @param shape Of the result. [B, OH, OW, C]
 * @returns Null if ONNX has no such pool.
 */
export function maxPool(
  tensors: GraphTensors,
  x: GraphTensor,
  { window, stride, padding }: PoolSizes,
  shape: readonly Size[],
): GraphTensor | null {
  // A last window that reaches beyond the padded map sees a wider padding: runtimes do not
  // agree about "ceil_mode".
  const endOf = (axis: number) =>
    [padding, padding + stride - 1].find((end) =>
      end < window && equalSizes(
        mapSizes(
          [x.shape[axis] ?? 0],
          (side) => Math.floor((side + padding + end - window) / stride) + 1,
        ),
        shape[axis] ?? 0,
      )
    );
  const [bottom, right] = [endOf(1), endOf(2)];
  if (bottom === undefined || right === undefined) return null;
  const attributes = {
    "kernel_shape": [window, window],
    strides: [stride, stride],
    pads: [padding, padding, bottom, right],
  };
  const operands = [tensors.value(x, CHANNELS_FIRST)];
  const value = tensors.builder.node("MaxPool", operands, { attributes });
  return tensors.made(shape, value, CHANNELS_FIRST);
}

/**
 * The mean of each bin of a grid laid over the map: bin i of n covers rows ⌊i·H/n⌋ to
 * ⌈(i + 1)·H/n⌉ − 1. ONNX has no such operator; the means are two products with matrices.
 *
 * @param x [B, H, W, C]
 * @param shape Of the result. [B, n, m, C]
 */
export function adaptiveAveragePool(
  tensors: GraphTensors,
  x: GraphTensor,
  shape: readonly Size[],
): GraphTensor {
  const { builder } = tensors;
  const [rows = 0, columns = 0] = shape.slice(1, 3).map(Number);
  const value = tensors.value(x, CHANNELS_FIRST);
  if (rows === 1 && columns === 1) {
    const mean = builder.node("GlobalAveragePool", [value]);
    return tensors.made(shape, mean, CHANNELS_FIRST);
  }
  const down = averagingMatrix(tensors, x.shape[1] ?? 0, rows); // [n, H]
  const across = averagingMatrix(tensors, x.shape[2] ?? 0, columns); // [m, W]
  const transposed = builder.node("Transpose", [across], {
    attributes: { perm: [1, 0] },
  });
  const means = builder.node("MatMul", [
    builder.node("MatMul", [down, value]),
    transposed,
  ]);
  return tensors.made(shape, means, CHANNELS_FIRST);
}

// Row i holds 1 / length over the pixels of bin i, 0 elsewhere. [bins, side]
function averagingMatrix(
  { builder, sizes }: GraphTensors,
  side: Size,
  bins: number,
): string {
  const whole = (values: readonly number[], shape?: readonly number[]) =>
    builder.integers(values, shape);
  const places = builder.node("Range", [
    whole([0], []),
    sizes.scalar(side),
    whole([1], []),
  ]);
  const numbers = Array.from({ length: bins }, (_, i) => i);
  const length = sizes.of(side);
  const first = builder.node("Div", [
    builder.node("Mul", [whole(numbers, [bins, 1]), length]),
    whole([bins]),
  ]);
  const beyond = builder.node("Div", [
    builder.node("Add", [
      builder.node("Mul", [whole(numbers.map((i) => i + 1), [bins, 1]), length]),
      whole([bins - 1]),
    ]),
    whole([bins]),
  ]);
  const covered = builder.node("And", [
    builder.node("GreaterOrEqual", [places, first]),
    builder.node("Less", [places, beyond]),
  ]);
  return builder.node("Div", [
    builder.cast(covered, "float"),
    builder.cast(builder.node("Sub", [beyond, first]), "float"),
  ]);
}

/**
 * Zeros around a tensor.
 *
 * @param before Along each axis.
 * @param shape Of the result.
 */
export function pad(
  tensors: GraphTensors,
  x: GraphTensor,
  before: readonly Size[],
  shape: readonly Size[],
  value = 0,
): GraphTensor {
  const { builder } = tensors;
  if (shape.every((size, axis) => equalSizes(size, x.shape[axis] ?? 0))) return x;
  const order = tensors.orderOf(x);
  const amounts = order.map((axis) =>
    paddingOf(tensors, x.shape[axis] ?? 0, before[axis] ?? 0, shape[axis] ?? 0)
  );
  const all = [
    ...amounts.map(([before]) => before),
    ...amounts.map(([, after]) => after),
  ];
  const operands = [tensors.value(x, order), tensors.sizes.list(all)];
  if (value !== 0) operands.push(builder.float(value));
  return tensors.made(shape, builder.node("Pad", operands), order);
}

// What is added before and after an axis: what is missing to a multiple of a number is
// computed as that, whatever the side.
function paddingOf(
  { builder, sizes }: GraphTensors,
  side: Size,
  before: Size,
  padded: Size,
): readonly [before: Size, after: Size] {
  const total = mapSizes([padded, side], (a, b) => a - b);
  const after = mapSizes([total, before], (a, b) => a - b);
  if (!isVarying(total)) return [before, after];
  const multiple = multipleOf(side, padded);
  if (multiple !== null && !sizes.isKnown(total)) {
    sizes.define(total, () =>
      builder.node("Mod", [
        builder.node("Neg", [sizes.of(side)]),
        builder.integers([multiple]),
      ]));
  }
  if (isVarying(before)) {
    const half = mapSizes([total], (value) => Math.floor(value / 2));
    if (equalSizes(half, before)) {
      sizes.define(
        before,
        () => builder.node("Div", [sizes.of(total), builder.integers([2])]),
      );
    }
  }
  sizes.difference(total, before);
  return [before, after];
}

// The m of padded = ⌈side / m⌉ · m.
function multipleOf(side: Size, padded: Size): number | null {
  for (let m = 2; m <= MAX_MULTIPLE; m++) {
    const up = mapSizes([side], (value) => Math.ceil(value / m) * m);
    if (equalSizes(up, padded)) return m;
  }
  return null;
}

const MAX_MULTIPLE = 256;

/**
 * A part of a tensor.
 *
 * @param begin Its first element along each axis.
 * @param shape Of the result.
 */
export function slice(
  tensors: GraphTensors,
  x: GraphTensor,
  begin: readonly Size[],
  shape: readonly Size[],
): GraphTensor {
  const { builder, sizes } = tensors;
  const order = tensors.orderOf(x);
  const cut = [...order.keys()].filter((at) => {
    const axis = order[at] ?? at;
    return !equalSizes(shape[axis] ?? 0, x.shape[axis] ?? 0);
  });
  if (cut.length === 0) return x;
  const starts = cut.map((at) => begin[order[at] ?? at] ?? 0);
  const ends = cut.map((at, i) => {
    const axis = order[at] ?? at;
    const end = sizes.sum(starts[i] ?? 0, shape[axis] ?? 0);
    return equalSizes(end, x.shape[axis] ?? 0) ? TO_THE_END : end;
  });
  const value = builder.node("Slice", [
    tensors.value(x, order),
    sizes.list(starts),
    sizes.list(ends),
    builder.integers(cut),
  ]);
  return tensors.made(shape, value, order);
}

/** An end of a slice beyond every tensor's. */
export const TO_THE_END: number = Number.MAX_SAFE_INTEGER;

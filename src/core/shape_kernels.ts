/**
 * The shapes of what tfjs's kernels make: all that a rehearsal needs of them.
 *
 * These are the kernels that networks, losses and methods here call; another one is
 * refused by tfjs, by name.
 *
 * @module
 */
import * as tf from "./tf.ts";
import { wasmMatMul, webGpuMatMul } from "./tfjs_patches.ts";

/** Where results come from. */
export interface ShapeMaker {
  /** New memory. */
  make(shape: readonly number[], dtype: tf.DataType): tf.TensorInfo;
  /** The memory of another tensor under another shape. */
  share(of: tf.TensorInfo, shape: readonly number[]): tf.TensorInfo;
}

type Inputs = Readonly<Record<string, tf.TensorInfo>>;
// What a kernel is told besides its inputs; tfjs knows by the kernel's name.
// deno-lint-ignore no-explicit-any -- every kernel has attributes of its own
type Attributes = any;
type ShapeKernel = (
  inputs: Inputs,
  attrs: Attributes,
  maker: ShapeMaker,
) => tf.TensorInfo | tf.TensorInfo[];

const first = (inputs: Inputs): tf.TensorInfo => {
  const [one] = Object.values(inputs);
  if (one === undefined) throw new TypeError("Cannot rehearse a kernel without inputs");
  return one;
};

const alike: ShapeKernel = (inputs, _, maker) => {
  const x = first(inputs);
  return maker.make(x.shape, x.dtype);
};
const same: ShapeKernel = (inputs, _, maker) =>
  maker.share(first(inputs), first(inputs).shape);

const joined = (dtype: tf.DataType | null): ShapeKernel => (inputs, _, maker) => {
  const [a, b] = Object.values(inputs);
  if (a === undefined || b === undefined) throw new TypeError("Cannot rehearse: no pair");
  const shape = tf.broadcast_util.assertAndGetBroadcastShape([...a.shape], [...b.shape]);
  return maker.make(shape, dtype ?? tf.upcastType(a.dtype, b.dtype));
};

const reduced = (dtype: tf.DataType | null): ShapeKernel => (inputs, attrs, maker) => {
  const x = first(inputs);
  const { axis = null, keepDims = false } = attrs;
  const axes = tf.util.parseAxisParam(axis ?? x.shape.map((_, i) => i), x.shape);
  const shape = keepDims
    ? x.shape.map((side, i) => axes.includes(i) ? 1 : side)
    : x.shape.filter((_, i) => !axes.includes(i));
  return maker.make(shape, dtype ?? x.dtype);
};

const convolved = (depthwise: boolean): ShapeKernel => (inputs, attrs, maker) => {
  const { x, filter } = inputs;
  if (x === undefined || filter === undefined) throw new TypeError("Cannot rehearse");
  const { strides, pad, dilations, dimRoundingMode, dataFormat = "NHWC" } = attrs;
  const { outShape } = tf.backend_util.computeConv2DInfo(
    x.shape as [number, number, number, number],
    filter.shape as [number, number, number, number],
    strides,
    dilations,
    pad,
    dimRoundingMode,
    depthwise,
    dataFormat === "NCHW" ? "channelsFirst" : "channelsLast",
  );
  return maker.make(outShape, x.dtype);
};

const product: ShapeKernel = ({ a, b }, attrs, maker) => {
  if (a === undefined || b === undefined) throw new TypeError("Cannot rehearse: no pair");
  const turn = (shape: readonly number[], turned: boolean) => {
    const [rows = 1, columns = 1] = shape.slice(-2);
    return turned ? [columns, rows] : [rows, columns];
  };
  const [rows = 1] = turn(a.shape, attrs.transposeA);
  const [, columns = 1] = turn(b.shape, attrs.transposeB);
  const batch = tf.broadcast_util.assertAndGetBroadcastShape(
    a.shape.slice(0, -2),
    b.shape.slice(0, -2),
  );
  return maker.make([...batch, rows, columns], a.dtype);
};

// As the backend that is played has it: the repairs make tensors of their own.
const repairedProduct: ShapeKernel = ({ a, b }, attrs, maker) => {
  if (a === undefined || b === undefined) throw new TypeError("Cannot rehearse: no pair");
  const repair = tf.getBackend() === "wasm" ? wasmMatMul : webGpuMatMul;
  const plain = repair(({ inputs, attrs }) =>
    product(inputs, attrs, maker) as tf.TensorInfo
  );
  return plain({ inputs: { a, b }, backend: null, attrs });
};

const KERNELS: Readonly<Record<string, ShapeKernel>> = {
  ...named(alike, [
    ...["Relu", "Relu6", "Step", "Neg", "Exp", "Log", "Sqrt", "Rsqrt", "Square", "Abs"],
    ...["Sigmoid", "Tanh", "Erf", "Elu", "Softmax", "Reverse", "ClipByValue", "Floor"],
    ...["Reciprocal", "LogicalNot", "ZerosLike", "OnesLike"],
  ]),
  ...named(same, ["Identity"]),
  ...named(joined(null), [
    ...["Add", "Sub", "Multiply", "RealDiv", "Maximum", "Minimum", "Pow", "Mod"],
    ...["SquaredDifference", "FloorDiv", "Prelu"],
  ]),
  ...named(joined("bool"), [
    ...["Greater", "GreaterEqual", "Less", "LessEqual", "Equal", "NotEqual"],
    ...["LogicalAnd", "LogicalOr"],
  ]),
  ...named(reduced(null), ["Sum", "Mean", "Max", "Min", "Prod", "All", "Any"]),
  ...named(reduced("int32"), ["ArgMax", "ArgMin"]),
  AddN: alike,
  BatchMatMul: repairedProduct,
  _FusedMatMul: product,
  Conv2D: convolved(false),
  DepthwiseConv2dNative: convolved(true),
  Conv2DBackpropInput: ({ dy }, { inputShape }, maker) =>
    maker.make(inputShape, dy?.dtype ?? "float32"),
  Conv2DBackpropFilter: ({ dy }, { filterShape }, maker) =>
    maker.make(filterShape, dy?.dtype ?? "float32"),
  Cast(inputs, { dtype }, maker) {
    const x = first(inputs);
    return dtype === x.dtype ? maker.share(x, x.shape) : maker.make(x.shape, dtype);
  },
  Concat(inputs, { axis }, maker) {
    const x = first(inputs);
    const [at = 0] = tf.util.parseAxisParam(axis, x.shape);
    const side = Object.values(inputs).reduce(
      (sum, one) => sum + (one.shape[at] ?? 0),
      0,
    );
    return maker.make(x.shape.map((old, i) => i === at ? side : old), x.dtype);
  },
  Fill: (_, { shape, dtype }, maker) => maker.make(shape, dtype),
  Pack(inputs, { axis }, maker) {
    const x = first(inputs);
    const shape = [...x.shape];
    shape.splice(
      axis < 0 ? axis + shape.length + 1 : axis,
      0,
      Object.keys(inputs).length,
    );
    return maker.make(shape, x.dtype);
  },
  MaxPool(inputs, { filterSize, strides, pad, dimRoundingMode }, maker) {
    const x = first(inputs);
    const { outShape } = tf.backend_util.computePool2DInfo(
      x.shape as [number, number, number, number],
      filterSize,
      strides,
      1,
      pad,
      dimRoundingMode,
    );
    return maker.make(outShape, x.dtype);
  },
  PadV2(inputs, { paddings }, maker) {
    const x = first(inputs);
    const around = (i: number) => paddings[i][0] + paddings[i][1];
    return maker.make(x.shape.map((side, i) => side + around(i)), x.dtype);
  },
  Reshape(inputs, { shape }, maker) {
    const x = first(inputs);
    const size = tf.util.sizeFromShape(x.shape);
    return maker.share(x, tf.util.inferFromImplicitShape(shape, size));
  },
  ResizeBilinear(inputs, { size: [height, width] }, maker) {
    const { shape: [images = 1, , , channels = 1], dtype } = first(inputs);
    return maker.make([images, height, width, channels], dtype);
  },
  Select: ({ t }, _, maker) => maker.make(t?.shape ?? [], t?.dtype ?? "float32"),
  Slice(inputs, { begin, size }, maker) {
    const x = first(inputs);
    const [, sides] = tf.slice_util.parseSliceParams(x as tf.Tensor, begin, size);
    return maker.make(sides ?? [], x.dtype);
  },
  SplitV(inputs, { numOrSizeSplits, axis }, maker) {
    const x = first(inputs);
    const [at = 0] = tf.util.parseAxisParam(axis, x.shape);
    return tf.backend_util.prepareSplitSize(x as tf.Tensor, numOrSizeSplits, at)
      .map((side) => maker.make(x.shape.map((old, i) => i === at ? side : old), x.dtype));
  },
  Tile(inputs, { reps }, maker) {
    const x = first(inputs);
    return maker.make(x.shape.map((side, i) => side * reps[i]), x.dtype);
  },
  Transpose(inputs, { perm }, maker) {
    const x = first(inputs);
    return maker.make(perm.map((from: number) => x.shape[from] ?? 1), x.dtype);
  },
  Unpack(inputs, { axis }, maker) {
    const x = first(inputs);
    const [at = 0] = tf.util.parseAxisParam(axis, x.shape);
    const shape = x.shape.filter((_, i) => i !== at);
    return Array.from({ length: x.shape[at] ?? 0 }, () => maker.make(shape, x.dtype));
  },
};

/** Registers the kernels under a backend's name. */
export function registerShapeKernels(backendName: string): void {
  for (const [kernelName, run] of Object.entries(KERNELS)) {
    tf.registerKernel({
      kernelName,
      backendName,
      kernelFunc: ({ inputs, attrs, backend }) =>
        run(inputs as unknown as Inputs, attrs, backend as ShapeMaker),
    });
  }
}

function named(
  kernel: ShapeKernel,
  names: readonly string[],
): Record<string, ShapeKernel> {
  return Object.fromEntries(names.map((name) => [name, kernel]));
}

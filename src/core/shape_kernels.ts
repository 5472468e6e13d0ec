/**
 * The shapes of the results of tfjs's kernels: all that a dry run needs of them.
 *
 * These are the kernels that networks, losses and methods here call; tfjs refuses any other
 * by name.
 *
 * @module
 */
import * as tf from "./tf.ts";
import { wasmMatMul, webGpuMatMul } from "./tfjs_patches.ts";

/** Allocates tensors without elements. */
export interface ShapeAllocator {
  /** New memory. */
  allocate(shape: readonly number[], dtype: tf.DataType): tf.TensorInfo;
  /** The memory of another tensor under another shape. */
  alias(of: tf.TensorInfo, shape: readonly number[]): tf.TensorInfo;
}

type Inputs = Readonly<Record<string, tf.TensorInfo>>;
// deno-lint-ignore no-explicit-any -- every kernel has attributes of its own
type Attributes = any;
type ShapeKernel = (
  inputs: Inputs,
  attrs: Attributes,
  allocator: ShapeAllocator,
) => tf.TensorInfo | tf.TensorInfo[];

const firstInput = (inputs: Inputs): tf.TensorInfo => {
  const [x] = Object.values(inputs);
  if (x === undefined) {
    throw new TypeError("Cannot infer the shape of a kernel without inputs");
  }
  return x;
};
const twoInputs = (inputs: Inputs): [tf.TensorInfo, tf.TensorInfo] => {
  const [a, b] = Object.values(inputs);
  if (a === undefined || b === undefined) {
    throw new TypeError("Cannot infer a shape: the kernel needs two inputs");
  }
  return [a, b];
};

const elementwiseShape: ShapeKernel = (inputs, _, allocator) => {
  const x = firstInput(inputs);
  return allocator.allocate(x.shape, x.dtype);
};

const broadcastShape =
  (dtype: tf.DataType | null): ShapeKernel => (inputs, _, allocator) => {
    const [a, b] = twoInputs(inputs);
    const shape = tf.broadcast_util.assertAndGetBroadcastShape(
      [...a.shape],
      [...b.shape],
    );
    return allocator.allocate(shape, dtype ?? tf.upcastType(a.dtype, b.dtype));
  };

const reductionShape =
  (dtype: tf.DataType | null): ShapeKernel => (inputs, attrs, allocator) => {
    const x = firstInput(inputs);
    const { axis = null, keepDims = false } = attrs;
    const axes = tf.util.parseAxisParam(axis ?? x.shape.map((_, i) => i), x.shape);
    const shape = keepDims
      ? x.shape.map((side, i) => axes.includes(i) ? 1 : side)
      : x.shape.filter((_, i) => !axes.includes(i));
    return allocator.allocate(shape, dtype ?? x.dtype);
  };

const convolutionShape =
  (depthwise: boolean): ShapeKernel => (inputs, attrs, allocator) => {
    const [x, filter] = twoInputs({ x: inputs.x, filter: inputs.filter } as Inputs);
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
    return allocator.allocate(outShape, x.dtype);
  };

const matMulShape: ShapeKernel = (inputs, attrs, allocator) => {
  const [a, b] = twoInputs(inputs);
  const transposeIf = (shape: readonly number[], transposed: boolean) => {
    const [rows = 1, columns = 1] = shape.slice(-2);
    return transposed ? [columns, rows] : [rows, columns];
  };
  const [rows = 1] = transposeIf(a.shape, attrs.transposeA);
  const [, columns = 1] = transposeIf(b.shape, attrs.transposeB);
  const batch = tf.broadcast_util.assertAndGetBroadcastShape(
    a.shape.slice(0, -2),
    b.shape.slice(0, -2),
  );
  return allocator.allocate([...batch, rows, columns], a.dtype);
};

const MAT_MUL_PATCHES = new Map([["wasm", wasmMatMul], ["webgpu", webGpuMatMul]]);

// As the estimated backend has it: its patch makes tensors of its own.
const patchedMatMulShape: ShapeKernel = (inputs, attrs, allocator) => {
  const [a, b] = twoInputs(inputs);
  const patch = MAT_MUL_PATCHES.get(tf.getBackend());
  if (patch === undefined) return matMulShape(inputs, attrs, allocator);
  const kernel = patch(({ inputs, attrs }) =>
    matMulShape(inputs, attrs, allocator) as tf.TensorInfo
  );
  return kernel({ inputs: { a, b }, backend: null, attrs });
};

// A change of the length of one axis.
const resized = (
  { shape, dtype }: tf.TensorInfo,
  axis: number,
  length: number,
  allocator: ShapeAllocator,
) => allocator.allocate(shape.map((side, i) => i === axis ? length : side), dtype);

const SHAPE_KERNELS: Readonly<Record<string, ShapeKernel>> = {
  ...kernelsNamed(elementwiseShape, [
    ...["Relu", "Relu6", "Step", "Neg", "Exp", "Log", "Sqrt", "Rsqrt", "Square", "Abs"],
    ...["Sigmoid", "Tanh", "Erf", "Elu", "Softmax", "Reverse", "ClipByValue", "Floor"],
    ...["Reciprocal", "LogicalNot", "ZerosLike", "OnesLike"],
  ]),
  ...kernelsNamed(broadcastShape(null), [
    ...["Add", "Sub", "Multiply", "RealDiv", "Maximum", "Minimum", "Pow", "Mod"],
    ...["SquaredDifference", "FloorDiv", "Prelu"],
  ]),
  ...kernelsNamed(broadcastShape("bool"), [
    ...["Greater", "GreaterEqual", "Less", "LessEqual", "Equal", "NotEqual"],
    ...["LogicalAnd", "LogicalOr"],
  ]),
  ...kernelsNamed(reductionShape(null), [
    ...["Sum", "Mean", "Max", "Min", "Prod", "All", "Any"],
  ]),
  ...kernelsNamed(reductionShape("int32"), ["ArgMax", "ArgMin"]),
  AddN: elementwiseShape,
  BatchMatMul: patchedMatMulShape,
  _FusedMatMul: matMulShape,
  Conv2D: convolutionShape(false),
  DepthwiseConv2dNative: convolutionShape(true),
  Conv2DBackpropInput: ({ dy }, { inputShape }, allocator) =>
    allocator.allocate(inputShape, dy?.dtype ?? "float32"),
  Conv2DBackpropFilter: ({ dy }, { filterShape }, allocator) =>
    allocator.allocate(filterShape, dy?.dtype ?? "float32"),
  Identity: (inputs, _, allocator) =>
    allocator.alias(firstInput(inputs), firstInput(inputs).shape),
  Cast(inputs, { dtype }, allocator) {
    const x = firstInput(inputs);
    return dtype === x.dtype
      ? allocator.alias(x, x.shape)
      : allocator.allocate(x.shape, dtype);
  },
  Concat(inputs, { axis }, allocator) {
    const x = firstInput(inputs);
    const [at = 0] = tf.util.parseAxisParam(axis, x.shape);
    const sizes = Object.values(inputs).map(({ shape }) => shape[at] ?? 0);
    return resized(x, at, sizes.reduce((sum, side) => sum + side), allocator);
  },
  Fill: (_, { shape, dtype }, allocator) => allocator.allocate(shape, dtype),
  Pack(inputs, { axis }, allocator) {
    const x = firstInput(inputs);
    const shape = [...x.shape];
    const at = axis < 0 ? axis + shape.length + 1 : axis;
    shape.splice(at, 0, Object.keys(inputs).length);
    return allocator.allocate(shape, x.dtype);
  },
  MaxPool(inputs, { filterSize, strides, pad, dimRoundingMode }, allocator) {
    const x = firstInput(inputs);
    const { outShape } = tf.backend_util.computePool2DInfo(
      x.shape as [number, number, number, number],
      filterSize,
      strides,
      1,
      pad,
      dimRoundingMode,
    );
    return allocator.allocate(outShape, x.dtype);
  },
  PadV2(inputs, { paddings }, allocator) {
    const x = firstInput(inputs);
    const around = (i: number) => paddings[i][0] + paddings[i][1];
    return allocator.allocate(x.shape.map((side, i) => side + around(i)), x.dtype);
  },
  Reshape(inputs, { shape }, allocator) {
    const x = firstInput(inputs);
    const size = tf.util.sizeFromShape(x.shape);
    return allocator.alias(x, tf.util.inferFromImplicitShape(shape, size));
  },
  ResizeBilinear(inputs, { size: [height, width] }, allocator) {
    const { shape: [images = 1, , , channels = 1], dtype } = firstInput(inputs);
    return allocator.allocate([images, height, width, channels], dtype);
  },
  Select: ({ t }, _, allocator) =>
    allocator.allocate(t?.shape ?? [], t?.dtype ?? "float32"),
  Slice(inputs, { begin, size }, allocator) {
    const x = firstInput(inputs);
    const [, sizes] = tf.slice_util.parseSliceParams(x as tf.Tensor, begin, size);
    return allocator.allocate(sizes ?? [], x.dtype);
  },
  SplitV(inputs, { numOrSizeSplits, axis }, allocator) {
    const x = firstInput(inputs);
    const [at = 0] = tf.util.parseAxisParam(axis, x.shape);
    return tf.backend_util.prepareSplitSize(x as tf.Tensor, numOrSizeSplits, at)
      .map((side) => resized(x, at, side, allocator));
  },
  Tile(inputs, { reps }, allocator) {
    const x = firstInput(inputs);
    return allocator.allocate(x.shape.map((side, i) => side * reps[i]), x.dtype);
  },
  Transpose(inputs, { perm }, allocator) {
    const x = firstInput(inputs);
    return allocator.allocate(perm.map((from: number) => x.shape[from] ?? 1), x.dtype);
  },
  Unpack(inputs, { axis }, allocator) {
    const x = firstInput(inputs);
    const [at = 0] = tf.util.parseAxisParam(axis, x.shape);
    const shape = x.shape.filter((_, i) => i !== at);
    return Array.from(
      { length: x.shape[at] ?? 0 },
      () => allocator.allocate(shape, x.dtype),
    );
  },
};

/** Registers the kernels under a backend's name. */
export function registerShapeKernels(backendName: string): void {
  for (const [kernelName, run] of Object.entries(SHAPE_KERNELS)) {
    tf.registerKernel({
      kernelName,
      backendName,
      kernelFunc({ inputs, attrs, backend }) {
        const infos = inputs as unknown as Inputs;
        const results = run(infos, attrs, backend as ShapeAllocator);
        const outputs = Object.fromEntries([results].flat().entries());
        const attributes = { ...attrs };
        tf.reportKernel({ kernel: kernelName, inputs: infos, attributes, outputs });
        return results;
      },
    });
  }
}

function kernelsNamed(
  kernel: ShapeKernel,
  names: readonly string[],
): Record<string, ShapeKernel> {
  return Object.fromEntries(names.map((name) => [name, kernel]));
}

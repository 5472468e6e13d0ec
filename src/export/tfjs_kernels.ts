/** Kernels of TensorFlow.js as nodes of ONNX, for networks that call it. @module */
import { CONSTANT_KERNEL } from "../core/dry_run.ts";
import { numel } from "../core/host_tensor.ts";
import {
  type AxisOrder,
  type GraphTensor,
  type GraphTensors,
  plain,
} from "./graph_tensor.ts";
import { convolve, pad, resizeBilinear, slice } from "./map_nodes.ts";
import { multiply } from "./matrix_nodes.ts";
import {
  type KernelTranslation,
  operandOf,
  operandsOf,
  resultOf,
  shapeOf,
} from "./kernel_translation.ts";
import { isVarying, type Size } from "./size.ts";
import { type TracedCall, UntranslatedKernelError } from "./trace.ts";

/** Translations by the kernels' names. */
export const TFJS_KERNELS: Readonly<Record<string, KernelTranslation>> = {
  ...unary({
    Relu: "Relu",
    Neg: "Neg",
    Exp: "Exp",
    Log: "Log",
    Sqrt: "Sqrt",
    Abs: "Abs",
    Sigmoid: "Sigmoid",
    Tanh: "Tanh",
    Erf: "Erf",
    Elu: "Elu",
    Floor: "Floor",
    Reciprocal: "Reciprocal",
  }),
  ...binary({
    Add: "Add",
    Sub: "Sub",
    Multiply: "Mul",
    RealDiv: "Div",
    Maximum: "Max",
    Minimum: "Min",
    Pow: "Pow",
    Prelu: "PRelu",
  }),
  ...reduction({
    Mean: "ReduceMean",
    Max: "ReduceMax",
    Min: "ReduceMin",
    Sum: "ReduceSum",
  }),
  [CONSTANT_KERNEL](tensors, { attributes, outputs: { constant } }) {
    const values = attributes.values as readonly number[];
    tensors.set(constant, filled(tensors, constant?.shape ?? [], values));
  },
  Fill(tensors, { attributes, outputs }) {
    const [y] = Object.values(outputs);
    tensors.set(y, filled(tensors, y?.shape ?? [], [Number(attributes.value)]));
  },
  AddN(tensors, call) {
    const sum = operandsOf(tensors, call).reduce((sum, other) =>
      tensors.binary("Add", sum, other, sum.shape)
    );
    tensors.set(resultOf(call), sum);
  },
  BatchMatMul(tensors, call) {
    const [a, b] = [operandOf(tensors, call, 0), operandOf(tensors, call, 1)];
    const { transposeA, transposeB } = call.attributes as Record<string, boolean>;
    const product = {
      a,
      b,
      transposeA: transposeA ?? false,
      transposeB: transposeB ?? false,
    };
    tensors.set(resultOf(call), multiply(tensors, product, shapeOf(call)));
  },
  ClipByValue(tensors, call) {
    const { clipValueMin, clipValueMax } = call.attributes;
    tensors.set(resultOf(call), clip(tensors, call, clipValueMin, clipValueMax));
  },
  Concat(tensors, call) {
    const { axis } = call.attributes as { axis: number };
    tensors.set(
      resultOf(call),
      concatenate(tensors, operandsOf(tensors, call), axis, shapeOf(call)),
    );
  },
  Conv2D: convolution(false),
  DepthwiseConv2dNative: convolution(true),
  Pack(tensors, call) {
    const shape = shapeOf(call);
    const { axis } = call.attributes as { axis: number };
    const at = axis < 0 ? axis + shape.length : axis;
    const single = shape.map((size, i) => i === at ? 1 : size);
    const parts = operandsOf(tensors, call).map((x) => tensors.reshape(x, single));
    tensors.set(resultOf(call), concatenate(tensors, parts, at, shape));
  },
  PadV2(tensors, call) {
    const x = operandOf(tensors, call);
    const { paddings, constantValue } = call.attributes as {
      paddings: readonly (readonly [Size, Size])[];
      constantValue?: number;
    };
    const before = paddings.map(([before]) => before);
    tensors.set(resultOf(call), pad(tensors, x, before, shapeOf(call), constantValue));
  },
  Relu6: (tensors, call) => tensors.set(resultOf(call), clip(tensors, call, 0, 6)),
  Reshape(tensors, call) {
    const x = operandOf(tensors, call);
    tensors.set(resultOf(call), tensors.reshape(x, shapeOf(call)));
  },
  ResizeBilinear(tensors, call) {
    const x = operandOf(tensors, call);
    const { alignCorners, halfPixelCenters } = call.attributes;
    const coordinates = alignCorners
      ? "align_corners"
      : halfPixelCenters
      ? "half_pixel"
      : "asymmetric";
    tensors.set(resultOf(call), resizeBilinear(tensors, x, shapeOf(call), coordinates));
  },
  Reverse(tensors, call) {
    const x = operandOf(tensors, call);
    const { dims } = call.attributes as { dims: number | readonly number[] };
    const { builder } = tensors;
    const rank = x.shape.length;
    const axes = [dims].flat().map((axis) => axis < 0 ? axis + rank : axis);
    const order = tensors.orderOf(x);
    const each = (value: number) => builder.integers(axes.map(() => value));
    const value = builder.node("Slice", [
      tensors.value(x, order),
      each(-1),
      each(Number.MIN_SAFE_INTEGER),
      builder.integers(axes.map((axis) => order.indexOf(axis))),
      each(-1),
    ]);
    tensors.set(resultOf(call), tensors.made(x.shape, value, order));
  },
  Rsqrt(tensors, call) {
    const x = operandOf(tensors, call);
    const root = tensors.apply("Sqrt", x);
    tensors.set(resultOf(call), tensors.apply("Reciprocal", root));
  },
  Slice(tensors, call) {
    const x = operandOf(tensors, call);
    const { begin } = call.attributes as { begin: readonly Size[] };
    tensors.set(
      resultOf(call),
      slice(tensors, x, begin, shapeOf(call)),
    );
  },
  Softmax(tensors, call) {
    const x = operandOf(tensors, call);
    tensors.set(resultOf(call), tensors.softmax(x));
  },
  SplitV(tensors, call) {
    const x = operandOf(tensors, call);
    const rank = x.shape.length;
    const { axis } = call.attributes as { axis: number };
    const at = axis < 0 ? axis + rank : axis;
    let begin: Size = 0;
    for (const part of Object.values(call.outputs)) {
      const begins = x.shape.map((_, i) => i === at ? begin : 0);
      tensors.set(part, slice(tensors, x, begins, part.shape));
      begin = tensors.sizes.sum(begin, part.shape[at] ?? 0);
    }
  },
  Square(tensors, call) {
    const x = operandOf(tensors, call);
    tensors.set(resultOf(call), tensors.binary("Mul", x, x, x.shape));
  },
  SquaredDifference(tensors, call) {
    const [a, b] = [operandOf(tensors, call, 0), operandOf(tensors, call, 1)];
    const difference = tensors.binary("Sub", a, b, shapeOf(call));
    tensors.set(
      resultOf(call),
      tensors.binary("Mul", difference, difference, shapeOf(call)),
    );
  },
  Tile(tensors, call) {
    const x = operandOf(tensors, call);
    const { reps } = call.attributes as { reps: readonly Size[] };
    const order = tensors.orderOf(x);
    const repeats = tensors.sizes.list(order.map((axis) => reps[axis] ?? 1));
    const value = tensors.builder.node("Tile", [tensors.value(x, order), repeats]);
    tensors.set(resultOf(call), tensors.made(shapeOf(call), value, order));
  },
  Transpose(tensors, call) {
    const x = operandOf(tensors, call);
    const { perm } = call.attributes as { perm: readonly number[] };
    tensors.set(resultOf(call), tensors.transpose(x, perm));
  },
};

function translations(
  operators: Readonly<Record<string, string>>,
  translate: (operator: string, ...args: Parameters<KernelTranslation>) => void,
): Record<string, KernelTranslation> {
  return Object.fromEntries(
    Object.entries(operators).map(([kernel, operator]) => [
      kernel,
      (...args) => translate(operator, ...args),
    ]),
  );
}

function unary(operators: Readonly<Record<string, string>>) {
  return translations(operators, (operator, tensors, call) => {
    const x = operandOf(tensors, call);
    tensors.set(resultOf(call), tensors.apply(operator, x));
  });
}

function binary(operators: Readonly<Record<string, string>>) {
  return translations(operators, (operator, tensors, call) => {
    const [a, b] = [operandOf(tensors, call, 0), operandOf(tensors, call, 1)];
    tensors.set(resultOf(call), tensors.binary(operator, a, b, shapeOf(call)));
  });
}

function reduction(operators: Readonly<Record<string, string>>) {
  return translations(operators, (operator, tensors, call) => {
    const x = operandOf(tensors, call);
    const { axis, keepDims = false } = call.attributes as {
      axis?: number | readonly number[] | null;
      keepDims?: boolean;
    };
    const rank = x.shape.length;
    const axes = [axis ?? [...x.shape.keys()]].flat().map((one) =>
      one < 0 ? one + rank : one
    );
    const order = keepDims ? tensors.orderOf(x) : [...x.shape.keys()];
    const at = axes.map((one) => order.indexOf(one));
    const operands = [tensors.value(x, order)];
    const inAttribute = operator !== "ReduceSum"; // its axes are an operand
    if (!inAttribute) operands.push(tensors.builder.integers(at));
    const value = tensors.builder.node(operator, operands, {
      attributes: { keepdims: Number(keepDims), ...inAttribute && { axes: at } },
    });
    const shape = shapeOf(call);
    tensors.set(
      resultOf(call),
      keepDims ? tensors.made(shape, value, order) : tensors.made(shape, value),
    );
  });
}

function clip(
  tensors: GraphTensors,
  call: TracedCall,
  low: unknown,
  high: unknown,
): GraphTensor {
  const x = operandOf(tensors, call);
  const limits = [low, high].map((limit) => tensors.builder.float(Number(limit)));
  return tensors.apply("Clip", x, limits);
}

function concatenate(
  tensors: GraphTensors,
  parts: readonly GraphTensor[],
  axis: number,
  shape: readonly Size[],
): GraphTensor {
  const along = axis < 0 ? axis + shape.length : axis;
  const order = mostFrequent(
    parts.filter(({ source }) => source.kind !== "constant")
      .map((part) => tensors.orderOf(part)),
  ) ?? plain(shape);
  const at = order.indexOf(along);
  const operands = parts.map((part) => tensors.value(part, order));
  const value = tensors.builder.node("Concat", operands, { attributes: { axis: at } });
  return tensors.made(shape, value, order);
}

// The order of axes that most tensors have; of equally many the last.
function mostFrequent(orders: readonly AxisOrder[]): AxisOrder | undefined {
  const counts = Map.groupBy(orders, String);
  return [...counts.values()].sort((a, b) => a.length - b.length).at(-1)?.[0];
}

// A tensor of given elements, or of one that fills it.
function filled(
  tensors: GraphTensors,
  shape: readonly Size[],
  values: readonly number[],
): GraphTensor {
  const name = values.length === 1 ? `float_${values[0]}` : "constant";
  if (!shape.some(isVarying)) {
    const lengths = shape.map(Number);
    const elements = new Float32Array(numel(lengths));
    if (values.length === 1) elements.fill(values[0] ?? 0);
    else elements.set(values);
    return tensors.constant(lengths, { name, values: elements, isWeight: false });
  }
  const value = tensors.builder.node("Expand", [
    tensors.builder.float(values[0] ?? 0),
    tensors.sizes.list(shape),
  ]);
  return tensors.made(shape, value);
}

type Padding = number | "same" | "valid" | readonly (readonly [number, number])[];

function convolution(isDepthwise: boolean): KernelTranslation {
  return (tensors, call) => {
    const { x, filter } = call.inputs;
    const attributes = call.attributes as {
      strides: number | readonly [number, number];
      dilations?: number | readonly [number, number];
      pad: Padding;
      dataFormat?: string;
    };
    const { strides, dilations = 1, pad, dataFormat = "NHWC" } = attributes;
    if (dataFormat !== "NHWC" || (isDepthwise && filter?.shape[3] !== 1)) {
      throw new UntranslatedKernelError(call.kernel);
    }
    const pair = (value: number | readonly [number, number]) =>
      typeof value === "number" ? [value, value] : [...value];
    const movement = { strides: pair(strides), dilations: pair(dilations) };
    const operands = { x: tensors.get(x), filter: tensors.get(filter), isDepthwise };
    const y = convolve(tensors, operands, { ...movement, ...padsOf(pad) }, shapeOf(call));
    tensors.set(resultOf(call), y);
  };
}

function padsOf(pad: Padding) {
  if (pad === "same") return { autoPad: "SAME_UPPER" };
  if (pad === "valid") return { pads: [0, 0, 0, 0] };
  if (typeof pad === "number") return { pads: [pad, pad, pad, pad] };
  const [, [top = 0, bottom = 0] = [], [left = 0, right = 0] = []] = pad;
  return { pads: [top, left, bottom, right] };
}

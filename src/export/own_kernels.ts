/** The kernels of `src/ops` as nodes of ONNX. @module */
import type { OnnxFloat } from "../formats/onnx_file.ts";
import { type ConvSizes, convSizes } from "../ops/conv2d/conv_sizes.ts";
import {
  type GraphTensor,
  type GraphTensors,
  layerNameOf,
  plain,
} from "./graph_tensor.ts";
import {
  type KernelTranslation,
  operandOf,
  resultOf,
  shapeOf,
} from "./kernel_translation.ts";
import {
  adaptiveAveragePool,
  averagePool,
  type ConvolutionAttributes,
  convolve,
  maxPool,
  type PoolSizes,
  resizeBilinear,
} from "./map_nodes.ts";
import { multiply } from "./matrix_nodes.ts";
import {
  addGridBias,
  addWindowBias,
  type BicubicSizes,
  bicubicWeights,
  type GridBiasSizes,
  joinWindows,
  partitionWindows,
  type WindowBiasSizes,
  type WindowSizes,
} from "./position_nodes.ts";
import { isVarying, mapSizes, type Size } from "./size.ts";
import { type TracedTensor, UntranslatedKernelError } from "./trace.ts";

/** A float of an attribute. */
const float = (value: unknown): OnnxFloat => ({ float: Number(value) });

/** Translations by the kernels' names without flags. */
export const OWN_KERNELS: Readonly<Record<string, KernelTranslation>> = {
  matMul(tensors, { inputs, outputs }, flags) {
    const { product } = outputs;
    const [a, b] = [tensors.get(inputs.left), tensors.get(inputs.right)];
    const options = {
      transposeA: flags.has("transposeLeft"),
      transposeB: flags.has("transposeRight"),
      bias: flags.has("hasBias") ? tensors.get(inputs.bias) : undefined,
    };
    const y = multiply(tensors, { a, b, ...options }, product?.shape ?? []);
    tensors.set(product, withEpilogue(tensors, y, inputs.residual, flags));
  },
  conv2d: convolution(false),
  depthwiseConv2d: convolution(true),
  batchNormNormalize(tensors, { inputs, attributes, outputs }) {
    const x = tensors.get(inputs.x);
    const { scale, shift, mean, variance } = inputs;
    const [batch = 0, ...rest] = plain(x.shape);
    const order = [batch, ...rest.slice(-1), ...rest.slice(0, -1)]; // channels second
    const statistics = [scale, shift, mean, variance].map((one) => tensors.get(one));
    const value = tensors.builder.node(
      "BatchNormalization",
      [tensors.value(x, order), ...statistics.map((one) => tensors.value(one))],
      {
        name: statistics[0] && layerNameOf(statistics[0]),
        attributes: { epsilon: float(attributes.epsilon) },
      },
    );
    tensors.set(outputs.y, tensors.made(x.shape, value, order));
  },
  layerNorm(tensors, { inputs, attributes, outputs }) {
    const [x, scale, shift] = [inputs.x, inputs.scale, inputs.shift].map((one) =>
      tensors.get(one)
    ) as [GraphTensor, GraphTensor, GraphTensor];
    const operands = [x, scale, shift].map((one) => tensors.value(one));
    const value = tensors.builder.node("LayerNormalization", operands, {
      name: layerNameOf(scale),
      attributes: { axis: -1, epsilon: float(attributes.epsilon) },
    });
    tensors.set(outputs.y, tensors.made(x.shape, value));
  },
  gelu(tensors, { inputs, outputs }) {
    tensors.set(outputs.out, gelu(tensors, tensors.get(inputs.x)));
  },
  relu(tensors, { inputs, outputs }) {
    tensors.set(outputs.y, tensors.apply("Relu", tensors.get(inputs.x)));
  },
  relu6(tensors, { inputs, outputs }) {
    const { builder } = tensors;
    const x = tensors.get(inputs.x);
    const order = tensors.orderOf(x);
    const ends = [builder.float(0), builder.float(6)];
    const y = builder.node("Clip", [tensors.value(x, order), ...ends]);
    tensors.set(outputs.y, tensors.made(x.shape, y, order));
  },
  softmax(tensors, { inputs, outputs }) {
    tensors.set(outputs.y, tensors.softmax(tensors.get(inputs.x)));
  },
  maxPool(tensors, call) {
    const sizes = call.attributes as unknown as PoolSizes;
    const y = maxPool(tensors, operandOf(tensors, call), sizes, shapeOf(call));
    if (y === null) throw new UntranslatedKernelError("maxPool");
    tensors.set(call.outputs.y, y);
  },
  averagePool(tensors, call) {
    const sizes = call.attributes as unknown as PoolSizes;
    const [x, shape] = [operandOf(tensors, call), shapeOf(call)];
    const isAdaptive = sizes.window === 0;
    if (isAdaptive && shape.slice(1, 3).some(isVarying)) {
      throw new UntranslatedKernelError("averagePool");
    }
    const y = isAdaptive
      ? adaptiveAveragePool(tensors, x, shape)
      : averagePool(tensors, x, sizes, shape);
    tensors.set(resultOf(call), y);
  },
  resizeBilinear(tensors, { inputs, attributes, outputs }) {
    const coordinates = attributes.alignCorners === 1 ? "align_corners" : "half_pixel";
    const x = tensors.get(inputs.x);
    const shape = outputs.y?.shape ?? [];
    tensors.set(outputs.y, resizeBilinear(tensors, x, shape, coordinates));
  },
  bicubicWeights(tensors, { attributes, outputs }) {
    const sizes = attributes as unknown as BicubicSizes;
    tensors.set(outputs.weights, bicubicWeights(tensors, sizes));
  },
  windowPartition(tensors, { inputs, attributes, outputs: { windows } }) {
    const sizes = attributes as unknown as WindowSizes;
    const x = tensors.get(inputs.x);
    tensors.set(windows, partitionWindows(tensors, x, sizes, windows?.shape ?? []));
  },
  windowReverse(tensors, { inputs: { windows }, attributes, outputs: { x } }) {
    const sizes = attributes as unknown as WindowSizes;
    tensors.set(x, joinWindows(tensors, tensors.get(windows), sizes, x?.shape ?? []));
  },
  windowPositionBias(tensors, { inputs: { scores, table }, attributes, outputs }) {
    const sizes = attributes as unknown as WindowBiasSizes;
    const [of, bias] = [tensors.get(scores), tensors.get(table)];
    tensors.set(outputs.out, addWindowBias(tensors, of, bias, sizes));
  },
  gridPositionBias(tensors, { inputs: { scores, table }, attributes, outputs }) {
    const sizes = attributes as unknown as GridBiasSizes;
    const [of, bias] = [tensors.get(scores), tensors.get(table)];
    tensors.set(outputs.out, addGridBias(tensors, of, bias, sizes));
  },
};

function convolution(isDepthwise: boolean): KernelTranslation {
  return (tensors, { inputs, attributes, outputs: { product } }, flags) => {
    if (flags.has("backward") || flags.has("flipped")) {
      throw new UntranslatedKernelError("gradient of a convolution");
    }
    const operands = {
      x: tensors.get(inputs.left),
      filter: tensors.get(inputs.right),
      bias: flags.has("hasBias") ? tensors.get(inputs.bias) : undefined,
      isDepthwise,
    };
    const y = convolve(
      tensors,
      operands,
      movementOf(attributes as ConvolutionSizes),
      product?.shape ?? [],
    );
    tensors.set(product, withEpilogue(tensors, y, inputs.residual, flags));
  };
}

type ConvolutionSizes = Readonly<Record<keyof ConvSizes, Size>>;

// How a filter moves over maps. TensorFlow's padding is ONNX's SAME_UPPER: how many zeros it
// is depends on the size of the map.
function movementOf(of: ConvolutionSizes): ConvolutionAttributes {
  const [stride, dilation] = [Number(of.stride), Number(of.dilation)];
  const movement = { strides: [stride, stride], dilations: [dilation, dilation] };
  const { paddingTop: padding } = of;
  if (!isVarying(padding) && hasPadding(of, padding)) {
    return { ...movement, pads: [padding, padding, padding, padding] };
  }
  if (hasPadding(of, "same")) return { ...movement, autoPad: "SAME_UPPER" };
  throw new UntranslatedKernelError("convolution with other zeros on each side");
}

// Whether a padding gives these sizes, in every trace.
function hasPadding(of: ConvolutionSizes, padding: number | "same"): boolean {
  const agrees = mapSizes(Object.values(of), (...values) => {
    const names = Object.keys(of) as (keyof ConvSizes)[];
    const sizes = Object.fromEntries(names.map((name, i) => [name, values[i] ?? NaN]));
    const { batch, height, width, channels, kernelHeight, kernelWidth } =
      sizes as ConvSizes;
    const expected = convSizes(
      [batch, height, width, channels],
      [kernelHeight, kernelWidth],
      { ...sizes, padding },
    );
    return Number(PLACE.every((name) => expected[name] === sizes[name]));
  });
  return agrees === 1;
}

const PLACE = ["outHeight", "outWidth", "paddingTop", "paddingLeft"] as const;

// g(product) + residual
function withEpilogue(
  tensors: GraphTensors,
  product: GraphTensor,
  residual: TracedTensor | undefined,
  flags: ReadonlySet<string>,
): GraphTensor {
  const y = flags.has("hasGelu") ? gelu(tensors, product) : product;
  if (!flags.has("hasResidual")) return y;
  return tensors.binary("Add", y, tensors.get(residual), y.shape);
}

// x · (1 + erf(x / √2)) · ½, which runtimes recognize.
function gelu(tensors: GraphTensors, x: GraphTensor): GraphTensor {
  const { builder } = tensors;
  const order = tensors.orderOf(x);
  const value = tensors.value(x, order);
  const scaled = builder.node("Div", [value, builder.float(Math.SQRT2)]);
  const erf = builder.node("Add", [builder.node("Erf", [scaled]), builder.float(1)]);
  const product = builder.node("Mul", [value, erf]);
  const half = builder.node("Mul", [product, builder.float(0.5)]);
  return tensors.made(x.shape, half, order);
}

/** Convolutions of NHWC maps and their gradients. @module */
import {
  ARGUMENT,
  dimensions,
  type PrimitiveBuilder,
  type PrimitivePlan,
  PROPAGATION,
  QUERY,
  type Run,
  type View,
} from "./dnnl.ts";

/** The sizes of a convolution, in pixels and channels. */
export interface ConvolutionSizes {
  readonly batch: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly outHeight: number;
  readonly outWidth: number;
  readonly outChannels: number;
  readonly kernelHeight: number;
  readonly kernelWidth: number;
  readonly stride: number;
  readonly dilation: number;
  readonly paddingTop: number;
  readonly paddingLeft: number;
  /** Whether each channel has a filter of its own. */
  readonly depthwise: boolean;
  /** Whether a value is added to each channel. */
  readonly hasBias: boolean;
}

const DIRECT = 1;

/** y = x ∗ filter (+ bias), run on x, filter, (bias,) y. */
export function convolutionPlan(sizes: ConvolutionSizes): PrimitivePlan {
  return {
    key: `convolution ${keyOf(sizes)}`,
    build(builder) {
      const parts = describeForward(builder, sizes);
      const { forward, x, y, bias } = parts;
      const filter = builder.chosenLayout(forward, QUERY.weights);
      const convolve = builder.primitive(forward, [
        [ARGUMENT.source, x],
        [ARGUMENT.weights, filter],
        ...(sizes.hasBias ? [[ARGUMENT.bias, bias] as const] : []),
        [ARGUMENT.result, y],
      ]);
      return withOwnFilter(builder, convolve, parts.filter, filter);
    },
  };
}

/** dx of a convolution, run on dy, filter, dx. */
export function convolutionInputGradientPlan(sizes: ConvolutionSizes): PrimitivePlan {
  return {
    key: `convolutionInputGradient ${keyOf(sizes)}`,
    build(builder) {
      const { symbols, attributes, describe, primitive, chosenLayout } = builder;
      const parts = describeForward(builder, sizes);
      const { x, y, anyFilter, strides, dilations, paddings, forward } = parts;
      const description = describe((at, engine) =>
        symbols.dnnl_convolution_backward_data_primitive_desc_create(
          ...[at, engine, DIRECT, x, anyFilter, y, strides, dilations],
          ...[...paddings, forward, attributes],
        )
      );
      const filter = chosenLayout(description, QUERY.weights);
      const convolve = primitive(description, [
        [ARGUMENT.resultGradient, y],
        [ARGUMENT.weights, filter],
        [ARGUMENT.sourceGradient, x],
      ]);
      return withOwnFilter(builder, convolve, parts.filter, filter);
    },
  };
}

/** The filter gradient of a convolution, run on x, dy, dw. */
export function convolutionFilterGradientPlan(
  convolutionSizes: ConvolutionSizes,
): PrimitivePlan {
  const sizes = { ...convolutionSizes, hasBias: false };
  return {
    key: `convolutionFilterGradient ${keyOf(sizes)}`,
    build(builder) {
      const { symbols, attributes, describe, primitive, chosenLayout } = builder;
      const parts = describeForward(builder, sizes);
      const { x, y, anyFilter, strides, dilations, paddings, forward } = parts;
      const description = describe((at, engine) =>
        symbols.dnnl_convolution_backward_weights_primitive_desc_create(
          ...[at, engine, DIRECT, x, anyFilter, 0n, y, strides, dilations],
          ...[...paddings, forward, attributes],
        )
      );
      const filter = chosenLayout(description, QUERY.weightsGradient);
      const convolve = primitive(description, [
        [ARGUMENT.source, x],
        [ARGUMENT.resultGradient, y],
        [ARGUMENT.weightsGradient, filter],
      ]);
      const reorder = builder.reorder(filter, parts.filter);
      if (reorder === null) return convolve;
      const bytes = builder.sizeOf(filter);
      return (x, dy, dw) => {
        const scratch = builder.scratch(bytes);
        convolve(x as View, dy as View, scratch);
        reorder(scratch, dw as View);
      };
    },
  };
}

type Paddings = readonly [
  near: BigInt64Array<ArrayBuffer>,
  far: BigInt64Array<ArrayBuffer>,
];

interface ConvolutionParts {
  /** Layouts of the maps. [B, H, W, C] */
  readonly x: bigint;
  readonly y: bigint;
  readonly bias: bigint;
  /** Ours, [KH, KW, C, O], or [KH, KW, C, 1] of a depthwise convolution. */
  readonly filter: bigint;
  readonly anyFilter: bigint;
  readonly strides: BigInt64Array<ArrayBuffer>;
  readonly dilations: BigInt64Array<ArrayBuffer>;
  readonly paddings: Paddings;
  /** The forward pass; gradients refer to it. */
  readonly forward: bigint;
}

function describeForward(
  { symbols, attributes, layout, anyLayout, describe }: PrimitiveBuilder,
  sizes: ConvolutionSizes,
): ConvolutionParts {
  const { batch: B, height, width, channels: C, outHeight, outWidth } = sizes;
  const { outChannels: O, kernelHeight: KH, kernelWidth: KW } = sizes;
  const { stride, dilation, paddingTop, paddingLeft, depthwise, hasBias } = sizes;
  // oneDNN names the axes NCHW; the strides say where they lie.
  const map = (height: number, width: number, channels: number) =>
    layout([B, channels, height, width], nhwcStrides(height, width, channels));
  const filterShape = depthwise ? [C, 1, 1, KH, KW] : [O, C, KH, KW];
  const filterStrides = depthwise ? [1, C, C, KW * C, C] : [1, O, KW * C * O, C * O];
  const x = map(height, width, C);
  const y = map(outHeight, outWidth, O);
  const bias = hasBias ? layout([O]) : 0n;
  const anyFilter = anyLayout(filterShape);
  const strides = dimensions([stride, stride]);
  const dilations = dimensions([dilation - 1, dilation - 1]);
  // A stride may leave rows of the far padding out.
  const far = (side: number, out: number, kernel: number, near: number) =>
    (out - 1) * stride + dilation * (kernel - 1) + 1 - side - near;
  const paddings: Paddings = [
    dimensions([paddingTop, paddingLeft]),
    dimensions([
      far(height, outHeight, KH, paddingTop),
      far(width, outWidth, KW, paddingLeft),
    ]),
  ];
  const forward = describe((at, engine) =>
    symbols.dnnl_convolution_forward_primitive_desc_create(
      ...[at, engine, PROPAGATION.training, DIRECT, x, anyFilter, bias, y],
      ...[strides, dilations, ...paddings, attributes],
    )
  );
  return {
    ...{ x, y, bias, anyFilter, strides, dilations, paddings, forward },
    filter: layout(filterShape, filterStrides),
  };
}

// The filter as the primitive wants it, put there before each run: weights change.
function withOwnFilter(
  builder: PrimitiveBuilder,
  convolve: Run,
  ours: bigint,
  theirs: bigint,
): Run {
  const reorder = builder.reorder(ours, theirs);
  if (reorder === null) return convolve;
  const bytes = builder.sizeOf(theirs);
  return (map, filter, ...others) => {
    const scratch = builder.scratch(bytes);
    reorder(filter as View, scratch);
    convolve(map as View, scratch, ...others);
  };
}

/** Strides of [B, H, W, C] in the order B, C, H, W. */
export function nhwcStrides(height: number, width: number, channels: number): number[] {
  return [height * width * channels, 1, width * channels, channels];
}

function keyOf(sizes: ConvolutionSizes): string {
  const { batch, height, width, channels, outHeight, outWidth, outChannels } = sizes;
  const { kernelHeight, kernelWidth, stride, dilation, paddingTop, paddingLeft } = sizes;
  return `${batch} ${height} ${width} ${channels} ${outHeight} ${outWidth} ` +
    `${outChannels} ${kernelHeight} ${kernelWidth} ${stride} ${dilation} ` +
    `${paddingTop} ${paddingLeft} ${+sizes.depthwise}${+sizes.hasBias}`;
}

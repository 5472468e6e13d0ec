/** From a network and its weights to an ONNX file. @module */
import { readBack } from "../core/backend.ts";
import {
  type ClassInfo,
  isRgbFormat,
  type Normalization,
  type PixelFormat,
  type Size as ImageSize,
} from "../core/host_batch.ts";
import { EVAL_CONTEXT, type Network, type Weights } from "../core/network.ts";
import type * as tf from "../core/tf.ts";
import { versions } from "../core/versions.ts";
import { encodeOnnx, type OnnxNode, type OnnxValue } from "../formats/onnx_file.ts";
import { resizeLogits } from "../objectives/cross_entropy.ts";
import { GraphBuilder } from "./graph_builder.ts";
import { CHANNELS_FIRST, GraphTensors } from "./graph_tensor.ts";
import { isVarying, type Size } from "./size.ts";
import { SizeNodes } from "./size_nodes.ts";
import {
  type TracedGraph,
  TraceDifferenceError,
  traceForward,
  TraceRefusedError,
  type TraceSize,
} from "./trace.ts";
import { translateCalls } from "./translation.ts";

/** How a network becomes an ONNX file. */
export interface OnnxOptions {
  /**
   * Whether the input is normalized already; else it has the values of the pixels, as RGB
   * in 0 … 255, and the file normalizes it.
   * @default {false}
   */
  readonly raw?: boolean;
  /**
   * Whether the output is the most probable class of each pixel instead of the logits.
   * @default {false}
   */
  readonly argmax?: boolean;
  /**
   * Whether matrices and filters are stored as float16; all is computed in float32.
   * @default {false}
   */
  readonly half?: boolean;
  /**
   * The only size of images that the file takes.
   * @default {null} for all that the network can take
   */
  readonly size?: ImageSize | null;
}

/** A network to export, and what its file says about it. */
export interface ExportedNetwork {
  readonly network: Network;
  /** All that it asks for. */
  readonly weights: Weights;
  /** What the weights were trained with. */
  readonly normalization: Normalization;
  /** Bits of the pixels before that. */
  readonly bitDepth: PixelFormat["bitDepth"];
  /** What it tells apart, in the order of their ids. */
  readonly classes: readonly ClassInfo[];
}

/** The names of the values of a file, and where its logits end. */
export interface GraphForm {
  readonly input: string;
  /** Whether logits have the size of the image, or that in which the decoder makes them. */
  readonly isUpsampled: boolean;
}

/** An image in, a score or a label for each of its pixels out. */
const PER_PIXEL: GraphForm = { input: "image", isUpsampled: true };

/** An ONNX file, and which inputs it takes. */
export interface OnnxFile {
  readonly bytes: Uint8Array;
  /** Images per batch; null: any number. */
  readonly batch: number | null;
  /** Size of the images; null: any size. */
  readonly size: ImageSize | null;
  /** What is not as one might expect, a sentence each. */
  readonly notes: readonly string[];
  /** Nodes of the graph. */
  readonly nodes: number;
}

/** The operator set of the files: the first that has layer norm. */
const OPSET = 17;

/** Protocol buffers end here; a MiB is left for the nodes. */
const MAX_BYTES = 2 ** 31 - 2 ** 20;

/**
 * Makes an ONNX file of a network.
 *
 * The input is float32 [batch, channels, height, width]; the output is `logits`, float32
 * [batch, classes, height, width], or `labels`, int32 [batch, height, width].
 *
 * @param fallbackSize The size that the file takes if it can take but one.
 * @throws {UntranslatedKernelError} If a step of the network has no translation to ONNX.
 * @throws {RangeError} If the weights are too large for a file.
 */
export async function makeOnnxFile(
  exported: ExportedNetwork,
  options: OnnxOptions,
  fallbackSize: ImageSize,
  form: GraphForm = PER_PIXEL,
): Promise<OnnxFile> {
  const { size = null } = options;
  const trace: Tracer = (sizes) => traceNetwork(exported, sizes, form);
  const notes: string[] = [];
  const { hasStepsPerSize = false } = exported.network;
  const attempts = fixedAttempts(size ?? fallbackSize);
  if (size === null && hasStepsPerSize) {
    notes.push(
      "it is no graph for inputs of any size: the network slides crops over them, as many " +
        "as they have room for",
    );
  } else if (size === null) attempts.unshift(...DYNAMIC_ATTEMPTS);
  let reason: unknown;
  for (const attempt of attempts) {
    try {
      const { graph, limits } = await attempt(trace);
      const file = await encodeGraph(exported, graph, options, form);
      return { ...file, notes: [...notes, ...limits] };
    } catch (error) {
      if (!(error instanceof TraceDifferenceError)) throw error;
      reason = error instanceof TraceRefusedError ? error.cause : error;
      notes.splice(0, 1, `it is no graph for inputs of any size: ${error.message}`);
    }
  }
  throw reason;
}

type Tracer = (sizes: readonly TraceSize[]) => Promise<TracedGraph>;

/** Traces in one way. @returns The graph and what is asked of its inputs. */
type Attempt = (trace: Tracer) => Promise<{
  readonly graph: TracedGraph;
  readonly limits: readonly string[];
}>;

/** The largest stride of an encoder: sizes of images are so many pixels and a rest. */
const UNIT = 32;
/** The longest side of a trace, in pixels: larger images behave alike. */
const LONGEST = 75 * UNIT;
/** A side that a network of any size must take, in pixels. */
const SHORT = 2 * UNIT;
const BATCHES = [2, 1, 3, 2, 5, 1, 4, 3, 2, 7];
/** Steps around a circle that never come near where they have been. */
const [GOLDEN_STEP, SILVER_STEP] = [(Math.sqrt(5) - 1) / 2, Math.SQRT2 - 1];
const ONE_IMAGE = "it takes one image at a time";

// A size for each rest of rows and of columns, and the largest. A number that follows from
// another one in all of these traces always does.
function traceSizes(
  { height, width }: ImageSize,
  withRests: boolean,
  batches: readonly number[],
): TraceSize[] {
  const side = (longest: number, share: number, rest: number) => {
    const units = Math.max(1, Math.ceil(share % 1 * Math.floor(longest / UNIT)));
    const length = units * UNIT + (withRests ? rest : 0);
    return length > longest ? length - UNIT : length;
  };
  const sizes = Array.from({ length: UNIT }, (_, k): TraceSize => [
    batches[k % batches.length] ?? 1,
    side(height, (k + 1) * GOLDEN_STEP, (13 * k + 1) % UNIT),
    side(width, (k + 1) * SILVER_STEP, (11 * k + 2) % UNIT),
  ]);
  return [...sizes, [1, height, width]];
}

// The longest side that the network takes, a multiple of a number, found by halving; and
// what the network says of longer ones.
async function longestSide(
  trace: Tracer,
  multiple: number,
  sizeOf: (side: number) => TraceSize,
): Promise<{ readonly side: number; readonly refusal: string }> {
  const refusalOf = async (side: number) => {
    try {
      await trace([sizeOf(side)]);
      return "";
    } catch (error) {
      if (error instanceof TraceRefusedError) return error.message;
      throw error;
    }
  };
  let refusal = await refusalOf(LONGEST);
  if (refusal === "") return { side: LONGEST, refusal };
  let [taken, refused] = [SHORT, LONGEST];
  while (refused - taken > multiple) {
    const middle = Math.floor((taken + refused) / 2 / multiple) * multiple;
    const message = await refusalOf(middle);
    if (message === "") taken = middle;
    else [refused, refusal] = [middle, message];
  }
  return { side: taken, refusal };
}

function dynamicAttempt(withRests: boolean, batches: readonly number[]): Attempt {
  return async (trace) => {
    const limits = batches.length > 1 ? [] : [ONE_IMAGE];
    if (!withRests) limits.push(`height and width must be multiples of ${UNIT}`);
    const multiple = withRests ? 1 : UNIT;
    const down = await longestSide(trace, multiple, (side) => [1, side, SHORT]);
    const right = await longestSide(trace, multiple, (side) => [1, SHORT, side]);
    const refusal = down.refusal || right.refusal;
    if (refusal !== "") limits.push(`it does not take images of every size: ${refusal}`);
    const largest = { height: down.side, width: right.side };
    return { graph: await trace(traceSizes(largest, withRests, batches)), limits };
  };
}

const DYNAMIC_ATTEMPTS: readonly Attempt[] = [
  dynamicAttempt(true, BATCHES),
  dynamicAttempt(true, [1]),
  dynamicAttempt(false, BATCHES),
];

function fixedAttempts({ height, width }: ImageSize): Attempt[] {
  return [BATCHES, [1]].map((batches): Attempt => async (trace) => ({
    graph: await trace(batches.map((batch): TraceSize => [batch, height, width])),
    limits: batches.length > 1 ? [] : [ONE_IMAGE],
  }));
}

async function traceNetwork(
  { network, normalization }: ExportedNetwork,
  sizes: readonly TraceSize[],
  { isUpsampled }: GraphForm,
): Promise<TracedGraph> {
  const forward = (weights: Weights, images: tf.Tensor4D) => {
    const [, height, width] = images.shape;
    const { logits } = network.forward(weights, images, EVAL_CONTEXT);
    if (!isUpsampled) return logits;
    return resizeLogits(logits, [height, width], network.decoder);
  };
  const channels = normalization.mean.length;
  return await traceForward(forward, network.parameters, sizes, channels);
}

async function encodeGraph(
  { network, weights, normalization, bitDepth, classes }: ExportedNetwork,
  graph: TracedGraph,
  { raw = false, argmax = false, half = false }: OnnxOptions,
  { input: inputName, isUpsampled }: GraphForm,
): Promise<Omit<OnnxFile, "notes">> {
  const builder = new GraphBuilder({ half });
  const sizes = new SizeNodes(builder);
  const tensors = new GraphTensors(builder, sizes);
  const image = tensors.made(graph.images.shape, inputName, CHANNELS_FIRST);
  tensors.set(
    graph.images,
    raw ? image : tensors.made(
      graph.images.shape,
      normalizedImage(builder, inputName, normalization),
      CHANNELS_FIRST,
    ),
  );
  for (const { name, layout } of network.parameters) {
    const traced = graph.weights.get(name);
    const value = weights.get(name);
    if (traced === undefined || value === undefined) continue;
    const values = Float32Array.from(await readBack(value));
    const isFilter = layout === "convolution";
    tensors.set(
      traced,
      tensors.constant(value.shape, { name, values, isWeight: true, isFilter }),
    );
  }
  translateCalls(tensors, graph.calls);
  const logits = tensors.value(tensors.get(graph.result), CHANNELS_FIRST);
  const last = argmax ? labelsOf(builder, logits) : logits;
  if (builder.constantBytes > MAX_BYTES) {
    throw new RangeError(
      `Cannot export the network: its weights take ${
        (builder.constantBytes / 2 ** 30).toFixed(1)
      } GiB and an ONNX file holds 2; halve them with --half`,
    );
  }
  const [batch = 0, height = 0, width = 0] = graph.images.shape;
  const side = (size: Size, name: string) => isVarying(size) ? name : size;
  const lengths = [side(height, "height"), side(width, "width")];
  const output: OnnxValue = argmax
    ? { name: "labels", type: "int32", shape: [side(batch, "batch"), ...lengths] }
    : {
      name: "logits",
      type: "float",
      shape: [
        side(batch, "batch"),
        network.classCount,
        ...isUpsampled ? lengths : ["logits_height", "logits_width"],
      ],
    };
  const channels = normalization.mean.length;
  const format = { channels, bitDepth };
  const input: OnnxValue = {
    name: inputName,
    type: "float",
    shape: [side(batch, "batch"), channels, ...lengths],
  };
  const version = versions().fst ?? "";
  const bytes = await encodeOnnx({
    opset: OPSET,
    producer: { name: "fst", version },
    name: "segmentation",
    description: descriptionOf(inputName, format, raw, argmax),
    metadata: {
      classes: JSON.stringify(classes.map(({ name }) => name)),
      colors: JSON.stringify(classes.map(({ color }) => color)),
      normalization: JSON.stringify({ ...normalization, inside: !raw }),
      channelOrder: channels === 3 ? "RGB" : "as in the images of the training",
      ...(isRgbFormat(format) ? {} : { bitDepth: String(bitDepth) }),
    },
    inputs: [input],
    outputs: [output],
    initializers: builder.initializers,
    nodes: renameValue(builder.nodes, last, output.name),
  });
  return {
    bytes,
    batch: isVarying(batch) ? null : batch,
    size: isVarying(height) || isVarying(width) ? null : { height, width },
    nodes: builder.nodes.length,
  };
}

function normalizedImage(
  builder: GraphBuilder,
  image: string,
  { mean, std }: Normalization,
): string {
  const perChannel = (name: string, values: readonly number[]) =>
    builder.floats(name, Float32Array.from(values), [1, values.length, 1, 1]);
  const centered = builder.node("Sub", [image, perChannel("normalization.mean", mean)], {
    name: "normalization.sub",
  });
  return builder.node("Div", [centered, perChannel("normalization.std", std)], {
    name: "normalization.div",
  });
}

function labelsOf(builder: GraphBuilder, logits: string): string {
  const labels = builder.node("ArgMax", [logits], {
    attributes: { axis: 1, keepdims: 0 },
  });
  return builder.cast(labels, "int32");
}

const descriptionOf = (
  image: string,
  { channels, bitDepth }: PixelFormat,
  raw: boolean,
  argmax: boolean,
) =>
  `Semantic segmentation. "${image}": ${
    channels === 3 ? "RGB" : `${channels} channels`
  }, ${
    raw
      ? "normalized as the metadata say"
      : `0 to ${2 ** bitDepth - 1}, not normalized: the first nodes do that`
  }. ${
    argmax ? '"labels": the class of each pixel' : '"logits": a score per class and pixel'
  }; the metadata name the classes.`;

function renameValue(
  nodes: readonly OnnxNode[],
  from: string,
  to: string,
): readonly OnnxNode[] {
  const renamed = (names: readonly string[]) =>
    names.map((name) => name === from ? to : name);
  return nodes.map((node) => ({
    ...node,
    inputs: renamed(node.inputs),
    outputs: renamed(node.outputs),
  }));
}

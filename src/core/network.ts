/**
 * The types that networks are made of: a layer declares parameters, weights are their
 * values, and a forward pass is a function of weights and images.
 *
 * @module
 */
import type { HostTensor } from "./host_tensor.ts";
import { hashStreamName } from "./random.ts";
import type * as tf from "./tf.ts";

/**
 * How the shape of a parameter here relates to its shape in PyTorch files.
 *
 * | layout      | here            | PyTorch         |
 * | ----------- | --------------- | --------------- |
 * | plain       | any             | the same        |
 * | linear      | [I, O]          | [O, I]          |
 * | convolution | [KH, KW, I, O]  | [O, I, KH, KW]  |
 * | ″ transposed | [KH, KW, O, I] | [I, O, KH, KW]  |
 * | depthwise   | [KH, KW, C, 1]  | [C, 1, KH, KW]  |
 * | counter     | [] float32      | [] int64        |
 */
export type Layout = "plain" | "linear" | "convolution" | "depthwise" | "counter";

/** The distribution of a parameter's initial values. */
export type Initializer =
  | { readonly kind: "constant"; readonly value: number }
  /** Mean 0. With `repeat` n, every n neighbors along the last axis share a draw. */
  | { readonly kind: "normal"; readonly std: number; readonly repeat?: number }
  /** Mean 0, redrawn beyond two absolute units, as timm's `trunc_normal_`. */
  | { readonly kind: "truncated-normal"; readonly std: number }
  /** In ±bound. */
  | { readonly kind: "uniform"; readonly bound: number };

/** One named tensor of a network. */
export interface Parameter {
  /** The name in a PyTorch `state_dict`. */
  readonly name: string;
  /** The shape here. */
  readonly shape: readonly number[];
  /** How the shape relates to PyTorch's. */
  readonly layout: Layout;
  /** Its initial values. */
  readonly initializer: Initializer;
  /** False for buffers (running statistics), and for what is frozen: no gradient. */
  readonly trainable: boolean;
  /**
   * Whether training leaves it as it is, though it is no buffer, or a buffer of such.
   * @default {false}
   */
  readonly isFrozen?: boolean;
  /**
   * Converts a value of another shape, in PyTorch's layout: tables of relative positions
   * are resized. Returns null where it cannot. Absent: only the declared shape fits.
   */
  readonly adaptShape?: (value: HostTensor) => HostTensor | null;
  /**
   * Whether no forward pass reads it. Published files have it, and others lack it.
   * @default {false}
   */
  readonly isUnused?: boolean;
}

/**
 * A buffer of the PyTorch module that follows from its shape alone, such as indices into a
 * table. It is no weight here: it is written to files for PyTorch, and skipped in files
 * from there.
 */
export interface DerivedBuffer {
  /** The name in a PyTorch `state_dict`. */
  readonly name: string;
  /** Computes it, in PyTorch's layout. */
  readonly value: () => HostTensor;
}

/** The values of a network's parameters, by name. Its creator releases it. */
export type Weights = ReadonlyMap<string, tf.AnyTensor>;

/** What a forward pass depends on besides weights and images. */
export interface ForwardContext {
  /**
   * Whether batch norm uses the statistics of the batch; it then also updates the running
   * statistics in the weights.
   */
  readonly training: boolean;
  /**
   * The key of the draws of dropout and drop path; null turns both off. Only layers that
   * draw may read it: whether a pass can be reused depends on that.
   */
  readonly rngKey: RngKey | null;
  /** Called after every update of running statistics. */
  readonly onRunningStatsUpdate?: (update: RunningStatsUpdate) => void;
  /**
   * Whether blocks of layers keep only their input for the gradient and compute the rest
   * again. No result depends on it.
   * @default {false}
   */
  readonly activationCheckpointing?: boolean;
  /**
   * Whether this pass computes a block again; it then updates no running statistics.
   * @default {false}
   */
  readonly isRecomputation?: boolean;
  /**
   * The names of frozen parameters, which need no gradient; batch norm that is frozen uses
   * the running statistics.
   * @default {none}
   */
  readonly frozen?: ReadonlySet<string>;
  /**
   * Which tokens of the encoder its mask token replaces, before positions are added; only
   * for encoders with a mask token.
   * @default {none}
   */
  readonly tokenMask?: TokenMask;
}

/**
 * Makes the mask of one forward pass, of a given shape: [B, H, W, 1] in tokens; 1 masks a
 * token, 0 keeps it.
 *
 * @param draws What its draws are for, if they are to be others; see
 * {@linkcode deriveRngKey}.
 */
export type TokenMask = (
  shape: [number, number, number, 1],
  draws?: string,
) => tf.Tensor4D;

/**
 * Copies a context with some fields changed, without reading its RNG key.
 *
 * @param draws What its draws are for, if they are to be others; see
 * {@linkcode deriveRngKey}.
 */
export function deriveContext(
  context: ForwardContext,
  { draws, ...overrides }:
    & Pick<ForwardContext, "activationCheckpointing" | "isRecomputation" | "frozen">
    & { readonly draws?: string },
): ForwardContext {
  const { tokenMask } = context;
  return {
    training: context.training,
    get rngKey() {
      const { rngKey } = context;
      return rngKey === null || draws === undefined
        ? rngKey
        : deriveRngKey(rngKey, draws);
    },
    ...context.onRunningStatsUpdate &&
      { onRunningStatsUpdate: context.onRunningStatsUpdate },
    ...context.frozen && { frozen: context.frozen },
    ...tokenMask && { tokenMask: (shape, inner = draws) => tokenMask(shape, inner) },
    ...overrides,
  };
}

/**
 * The key of other draws of the same pass.
 *
 * @param name What they are for.
 */
export function deriveRngKey(key: RngKey, name: string): RngKey {
  return { ...key, stream: (key.stream ^ hashStreamName(name)) >>> 0 };
}

/** An update of running statistics in training, which can be repeated on other weights. */
export interface RunningStatsUpdate {
  /** The buffers that it changes. */
  readonly buffers: readonly Parameter[];
  /** The statistics of the batch. Freed with the pass unless kept. */
  readonly batchStatistics: readonly tf.AnyTensor[];
  /** Updates the buffers in place. */
  apply(weights: Weights): void;
}

/** The key of the random numbers of one forward pass, see `core/random.ts`. */
export interface RngKey {
  /** The seed of the run. */
  readonly seed: number;
  /** The kind of pass, see `hashStreamName`. */
  readonly stream: number;
  /** The number of the pass. */
  readonly iteration: number;
  /**
   * The index in its batch of the first image of a micro-batch or of a rank's part: every
   * image of the batch has draws of its own.
   * @default {0}
   */
  readonly sampleOffset?: number;
  /**
   * How many batches the images are, one after the other; of each a rank has a part.
   * @default {1}
   */
  readonly joinedBatches?: number;
}

/** The context of evaluation: running statistics, no dropout. */
export const EVAL_CONTEXT: ForwardContext = { training: false, rngKey: null };

/** A function of weights and an input, and the parameters that it reads. */
export interface Layer<I = tf.Tensor4D, O = tf.Tensor4D> {
  /** The weights that it reads. */
  readonly parameters: readonly Parameter[];
  /**
   * Buffers that its PyTorch module has in addition.
   * @default {[]}
   */
  readonly derivedBuffers?: readonly DerivedBuffer[];
  /** Computes the output, which the caller owns; the caller wraps the pass in `tf.tidy`. */
  apply(weights: Weights, input: I, context: ForwardContext): O;
}

/** Images to feature maps, from fine to coarse. */
export interface Encoder extends Layer<tf.Tensor4D, tf.Tensor4D[]> {
  /** Pixels of the image per pixel of each map. */
  readonly strides: readonly number[];
  /** Channels of each map. */
  readonly channels: readonly number[];
  /**
   * Whether it has a mask token, and masks tokens where a context says so.
   * @default {false}
   */
  readonly hasMaskToken?: boolean;
}

/** Cuts a part out of labels, or of weights of pixels: [B, H, W] to [B, height, width]. */
export type LabelCrop = (labels: tf.AnyTensor) => tf.AnyTensor;

/** Logits that are trained along with the prediction (deep supervision). */
export interface AuxiliaryLogits {
  /** [B, h, w, classes] */
  readonly logits: tf.Tensor4D;
  /** The factor of their loss. */
  readonly lossWeight: number;
  /**
   * What part of the labels they predict.
   * @default {all of them}
   */
  readonly cropLabels?: LabelCrop;
}

/** How logits are upsampled to the size of labels. */
export interface UpsampleOptions {
  /**
   * Whether the centers of the corner pixels are aligned, as PyTorch's `align_corners`.
   * @default {false}
   */
  readonly alignCorners?: boolean;
}

/** The logits of a decoder before upsampling. */
export interface DecoderOutput {
  /** [B, h, w, classes] */
  readonly logits: tf.Tensor4D;
  /**
   * The factor of their loss.
   * @default {1}
   */
  readonly lossWeight?: number;
  /** Empty in evaluation. */
  readonly auxiliaryLogits: readonly AuxiliaryLogits[];
}

/** Feature maps to logits, at the resolution of the finest map or of a coarser one. */
export interface Decoder extends Layer<tf.Tensor4D[], tf.Tensor4D>, UpsampleOptions {
  /** For training: also the logits of its auxiliary branches; absent if it has none. */
  applyWithAuxiliary?(
    weights: Weights,
    maps: tf.Tensor4D[],
    context: ForwardContext,
  ): DecoderOutput;
  /** Channels of the pixel representation; absent if it has none. */
  readonly representationChannels?: number;
  /** The logits and, at their size, a representation of every pixel. [B, h, w, channels] */
  applyWithRepresentation?(
    weights: Weights,
    maps: tf.Tensor4D[],
    context: ForwardContext,
  ): { readonly logits: tf.Tensor4D; readonly representation: tf.Tensor4D };
}

/** A second decoder that is used in training alone. */
export interface AuxiliaryHead {
  /** Gets the feature maps that the main decoder gets. */
  readonly decoder: Decoder;
  /** The factor of its loss. */
  readonly lossWeight: number;
}

/** The result of a network's forward pass. */
export interface NetworkOutput extends DecoderOutput {
  /** The encoder's maps, from fine to coarse. */
  readonly features: tf.Tensor4D[];
}

/** A segmentation network. */
export interface Network {
  /** Images to feature maps. */
  readonly encoder: Encoder;
  /** Feature maps to logits. */
  readonly decoder: Decoder;
  /** Heads that are used in training alone. */
  readonly auxiliaryHeads: readonly AuxiliaryHead[];
  /** Channels of the logits. */
  readonly classCount: number;
  /**
   * Whether the number of its steps depends on the size of the images, as where a crop
   * slides over them.
   * @default {false}
   */
  readonly hasStepsPerSize?: boolean;
  /** All parameters in the order of PyTorch's `state_dict`. */
  readonly parameters: readonly Parameter[];
  /** Buffers that PyTorch's `state_dict` has in addition. */
  readonly derivedBuffers: readonly DerivedBuffer[];
  /** The second half of {@linkcode forward}: the encoder's maps to logits. */
  decode(
    weights: Weights,
    features: tf.Tensor4D[],
    context: ForwardContext,
  ): DecoderOutput;
  /**
   * Images to logits.
   *
   * @param images Normalized. [B, H, W, 3]
   */
  forward(weights: Weights, images: tf.Tensor4D, context: ForwardContext): NetworkOutput;
  /**
   * As `forward`, with the decoder's representation of every pixel; absent if it has none.
   *
   * @returns The representation has the size of the logits. [B, h, w, channels]
   */
  forwardWithRepresentation?(
    weights: Weights,
    images: tf.Tensor4D,
    context: ForwardContext,
  ): NetworkOutput & { readonly representation: tf.Tensor4D };
  /** The second half of it; absent if there is none. */
  decodeWithRepresentation?(
    weights: Weights,
    features: tf.Tensor4D[],
    context: ForwardContext,
  ): DecoderOutput & { readonly representation: tf.Tensor4D };
}

/**
 * The value of a parameter.
 *
 * @throws {TypeError} If the weights lack it.
 */
export function weightOf<T extends tf.AnyTensor>(
  weights: Weights,
  { name }: Parameter,
): T {
  const value = weights.get(name);
  if (value === undefined) {
    throw new TypeError(
      `Cannot run the network: its weights lack "${name}"; were they made for another one?`,
    );
  }
  return value as T;
}

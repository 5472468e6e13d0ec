/**
 * The vocabulary of models: parameters are declared, weights are values, a forward pass
 * is a function of weights and images.
 *
 * @module
 */
import type { HostTensor } from "./host_tensor.ts";
import type * as tf from "./tf.ts";

/**
 * How a parameter lies in memory here, and by that in PyTorch files.
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

/** How a parameter starts. */
export type Initial =
  | { readonly kind: "constant"; readonly value: number }
  /** Mean 0. With `repeat`, so many neighbours along the last axis share a draw. */
  | { readonly kind: "normal"; readonly deviation: number; readonly repeat?: number }
  /** Mean 0, redrawn beyond two absolute units, as timm's `trunc_normal_`. */
  | { readonly kind: "truncated-normal"; readonly deviation: number }
  /** In ±bound. */
  | { readonly kind: "uniform"; readonly bound: number };

/** One named tensor of a network. */
export interface Parameter {
  /** The name in a PyTorch `state_dict`. */
  readonly name: string;
  /** The shape here. */
  readonly shape: readonly number[];
  /** How that shape is to be read. */
  readonly layout: Layout;
  /** How it starts. */
  readonly initial: Initial;
  /** False for buffers (running statistics), which no gradient reaches. */
  readonly trained: boolean;
  /**
   * Makes a value of another shape, in PyTorch's layout, fit: position tables of other
   * windows are resized. Null where that has no meaning. Absent: only its own shape fits.
   */
  readonly fit?: (value: HostTensor) => HostTensor | null;
}

/**
 * A buffer of the PyTorch module that follows from its shape alone, as indices into a
 * table do. It is no weight here; files for PyTorch get it, files from there may have it.
 */
export interface Constant {
  /** The name in a PyTorch `state_dict`. */
  readonly name: string;
  /** Makes it, in PyTorch's layout. */
  readonly value: () => HostTensor;
}

/** The values of a network's parameters, by name. Whoever made it releases it. */
export type Weights = ReadonlyMap<string, tf.AnyTensor>;

/** What a forward pass depends on besides weights and images. */
export interface Pass {
  /**
   * Whether batch norm uses the batch's own statistics; it then also writes them into
   * the running statistics of the weights.
   */
  readonly training: boolean;
  /**
   * Which draws of dropout and drop path to use, or null for none. Looking at it counts
   * as drawing: a layer whose rate is 0 does not.
   */
  readonly chance: Chance | null;
  /** Told every change of buffers, right after it was made; absent for nobody. */
  readonly changed?: (change: BufferChange) => void;
  /**
   * Whether blocks of layers keep nothing but their input for the gradient and compute the
   * rest again. No result depends on it.
   * @default {false}
   */
  readonly recompute?: boolean;
  /**
   * Whether this is such a second computation, which changes no buffers.
   * @default {false}
   */
  readonly repeated?: boolean;
}

/** A pass like another one. Copying would look at its chance. */
export function passLike(
  pass: Pass,
  others: Pick<Pass, "recompute" | "repeated">,
): Pass {
  return {
    training: pass.training,
    get chance() {
      return pass.chance;
    },
    ...pass.changed && { changed: pass.changed },
    ...others,
  };
}

/** What training writes into running statistics, so that it can be written again. */
export interface BufferChange {
  /** The buffers that it changes. */
  readonly buffers: readonly Parameter[];
  /** What it reads: the batch's statistics. Freed with the pass unless kept. */
  readonly reads: readonly tf.AnyTensor[];
  /** Makes it, in place. */
  make(weights: Weights): void;
}

/** The key of one forward pass's random numbers, see `core/random.ts`. */
export interface Chance {
  /** Of the run. */
  readonly seed: number;
  /** Of the kind of pass. */
  readonly stream: number;
  /** Counts the passes. */
  readonly iteration: number;
  /**
   * The number of the first image, where a pass sees a part of a batch: every image has
   * draws of its own.
   * @default {0}
   */
  readonly first?: number;
}

/** The pass of evaluation: running statistics, no dropout. */
export const EVALUATION: Pass = { training: false, chance: null };

/** A function of weights and an input, and the parameters it reads. */
export interface Layer<I = tf.Tensor4D, O = tf.Tensor4D> {
  /** What it reads of the weights. */
  readonly parameters: readonly Parameter[];
  /**
   * What its PyTorch module has besides.
   * @default {[]}
   */
  readonly constants?: readonly Constant[];
  /** Computes it; the caller owns the result, and wraps the pass in `tf.tidy`. */
  apply(weights: Weights, input: I, pass: Pass): O;
}

/** Images to feature maps, from fine to coarse. */
export interface Encoder extends Layer<tf.Tensor4D, tf.Tensor4D[]> {
  /** Pixels of the image per pixel of each map. */
  readonly strides: readonly number[];
  /** Channels of each map. */
  readonly widths: readonly number[];
}

/** Logits besides the prediction, which only a loss sees. */
export interface SideLogits {
  /** [B, h, w, classes] */
  readonly logits: tf.Tensor4D;
  /** The factor of their loss; that of the prediction is 1. */
  readonly lossWeight: number;
}

/** Feature maps to logits, at the resolution of the finest map or of a coarser one. */
export interface Decoder extends Layer<tf.Tensor4D[], tf.Tensor4D> {
  /**
   * Whether its logits are enlarged with the centres of the corner pixels on each other.
   * @default {false}
   */
  readonly alignCorners?: boolean;
  /** The logits and those of its branches, for training; absent where it has none. */
  applyWithSides?(
    weights: Weights,
    maps: tf.Tensor4D[],
    pass: Pass,
  ): { readonly logits: tf.Tensor4D; readonly sides: readonly SideLogits[] };
  /** Channels of the representation; absent where it has none. */
  readonly representationChannels?: number;
  /** The logits and, at their size, a representation of every pixel. [B, H, W, channels] */
  applyWithRepresentation?(
    weights: Weights,
    maps: tf.Tensor4D[],
    pass: Pass,
  ): { readonly logits: tf.Tensor4D; readonly representation: tf.Tensor4D };
}

/** A second decoder that only helps training. */
export interface AuxiliaryHead {
  /** Sees the maps that the first one sees. */
  readonly decoder: Decoder;
  /** The factor of its loss. */
  readonly lossWeight: number;
}

/** A segmentation network. */
export interface Network {
  /** Images to maps. */
  readonly encoder: Encoder;
  /** Maps to logits. */
  readonly decoder: Decoder;
  /** Heads beside the decoder. */
  readonly auxiliary: readonly AuxiliaryHead[];
  /** Channels of the logits. */
  readonly classes: number;
  /** All parameters in the order of PyTorch's `state_dict`. */
  readonly parameters: readonly Parameter[];
  /** What PyTorch's `state_dict` has besides. */
  readonly constants: readonly Constant[];
  /**
   * Computes everything from images.
   *
   * @param images Normalised. [B, H, W, 3]
   * @returns The encoder's maps, the logits before upsampling and, in training, the
   * logits of side branches. [B, H/s, W/s, classes]
   */
  forward(
    weights: Weights,
    images: tf.Tensor4D,
    pass: Pass,
  ): {
    features: tf.Tensor4D[];
    logits: tf.Tensor4D;
    sides: readonly SideLogits[];
  };
  /**
   * Computes the decoder's representation besides; absent where it has none.
   *
   * @returns As `forward`, and the representation. [B, H/s, W/s, channels]
   */
  forwardWithRepresentation?(
    weights: Weights,
    images: tf.Tensor4D,
    pass: Pass,
  ): ReturnType<Network["forward"]> & { readonly representation: tf.Tensor4D };
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

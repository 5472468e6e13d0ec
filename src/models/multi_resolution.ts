/**
 * A network that sees images at two resolutions: the whole scaled down, for context, and
 * crops as they are, for details.
 *
 *   context  c = D(E(↓x));  a = σ(A(E(↓x))), the scale attention, per class and pixel
 *   detail   d = D(E(crop of x))
 *   fused    ↑((1 − a) · c) + ↑a · d
 *
 * A pass with random draws, which trains, sees one crop, at the same random place in all
 * images; a is 0 outside of it, and the loss is (1 − λ)·C(fused) + λ·C(d). A pass without
 * draws, the teacher's and that of evaluation, slides the crop over the images with half
 * overlap; d is the mean there.
 *
 * Source: HRDA, Hoyer et al. (ECCV 2022), https://arxiv.org/abs/2204.13132.
 *
 * @module
 */
import type { Size } from "../core/host_batch.ts";
import {
  type Decoder,
  deriveContext,
  type Encoder,
  type ForwardContext,
  type Network,
  type Weights,
} from "../core/network.ts";
import * as tf from "../core/tf.ts";
import { derivedBuffersOf, parametersOf } from "../layers/parameter.ts";
import { padToMultiple } from "../ops/pad_to_multiple.ts";
import { resizeBilinear } from "../ops/resize/resize.ts";
import {
  type CropCorner,
  cutCrop,
  cutLabelCrop,
  drawCropCorner,
  insertCrop,
} from "./detail_crop.ts";
import { freezableEncoder } from "./frozen_parameters.ts";
import { windowStarts } from "./window_starts.ts";

/** The resolutions of a network, and how its loss is made of them. */
export interface MultiResolutionOptions {
  /** Size of the detail crop in pixels; multiples of `coordinateDivisor`. */
  readonly detailSize: Size;
  /** Size of the context relative to the image, at most 1. */
  readonly contextScale: number;
  /** λ */
  readonly detailLossWeight: number;
  /**
   * Detail crops begin at multiples of so many pixels, which are whole pixels of the logits
   * of context and detail: the stride of the logits over `contextScale`, or a multiple.
   */
  readonly coordinateDivisor: number;
}

// What decides where crops begin.
const DIVISOR_SETTING = '"model.multiResolution.coordinateDivisor"';
const SLIDE_SETTINGS = `${DIVISOR_SETTING} and half of "detailSize" there`;

/**
 * Builds the network from an encoder and a decoder that both resolutions share, and a
 * decoder for the scale attention.
 *
 * The encoder of the result is that of the context. Images whose sides are no multiples of
 * `coordinateDivisor` are padded, and in training refused.
 *
 * @param attention With as many channels of logits as `decoder`, on the same maps.
 * @param classCount Those channels.
 */
export function multiResolution(
  givenEncoder: Encoder,
  decoder: Decoder,
  attention: Decoder,
  classCount: number,
  options: MultiResolutionOptions,
): Network {
  const { detailSize, contextScale, detailLossWeight, coordinateDivisor } = options;
  const detailEncoder = freezableEncoder(givenEncoder);
  const scaled = (side: number) => Math.max(1, Math.floor(side * contextScale));
  const encoder: Encoder = {
    ...detailEncoder,
    strides: detailEncoder.strides.map((stride) => Math.ceil(stride / contextScale)),
    apply(weights, images, context) {
      const [, H, W] = images.shape;
      const size = [scaled(H), scaled(W)] as const;
      const contextImages = resizeBilinear(images, size, decoder);
      return namingSize(
        "the context",
        size,
        "contextScale",
        () => detailEncoder.apply(weights, contextImages, context),
      );
    },
  };
  // d, of some crops.
  const classifyDetail = (
    weights: Weights,
    crops: tf.Tensor4D,
    context: ForwardContext,
  ): tf.Tensor4D => {
    const { activationCheckpointing = false } = context;
    const detailContext = deriveContext(context, {
      draws: "detail",
      activationCheckpointing,
    });
    const [, H, W] = crops.shape;
    const maps = namingSize(
      "details",
      [H, W],
      "detailSize",
      () => detailEncoder.apply(weights, crops, detailContext),
    );
    return decoder.apply(weights, maps, detailContext);
  };

  const fuse = (
    contextLogits: tf.Tensor4D,
    scaleAttention: tf.Tensor4D,
    detailLogits: tf.Tensor4D,
  ): tf.Tensor4D => {
    const [, h, w] = detailLogits.shape;
    const rest = tf.mul<tf.Tensor4D>(tf.sub(1, scaleAttention), contextLogits);
    return tf.add(
      tf.mul(resizeBilinear(scaleAttention, [h, w], decoder), detailLogits),
      resizeBilinear(rest, [h, w], decoder),
    ); // [B, h, w, classes]
  };

  const forward: Network["forward"] = (weights, images, context) => {
    const [, H, W] = images.shape;
    const whole = { height: H, width: W };
    const crop = {
      height: Math.min(detailSize.height, H),
      width: Math.min(detailSize.width, W),
    };
    const features = encoder.apply(weights, images, context);
    const contextLogits = decoder.apply(weights, features, context); // [B, h, w, classes]
    const [, h, w] = contextLogits.shape;
    const attend = () => {
      const logits = attention.apply(weights, features, context);
      return tf.sigmoid(resizeBilinear(logits, [h, w], decoder));
    };
    const { rngKey } = context;
    if (rngKey === null) {
      const detailLogits = slide(
        images,
        crop,
        context.training,
        (crops) => classifyDetail(weights, crops, context),
      );
      const logits = fuse(contextLogits, attend(), detailLogits);
      return { features, logits, auxiliaryLogits: [] };
    }
    const corner = drawCropCorner(whole, crop, coordinateDivisor, rngKey);
    const crops = cutCrop(images, crop, corner);
    const detailLogits = classifyDetail(weights, crops, context); // [B, h′, w′, classes]
    const contextGrid = scaleOf(contextLogits, whole);
    const detailGrid = scaleOf(detailLogits, crop);
    const places = { top: coordinateDivisor, left: coordinateDivisor };
    assertOnGrid(contextLogits, whole, places, DIVISOR_SETTING);
    assertOnGrid(detailLogits, crop, places, DIVISOR_SETTING);
    const ones = tf.ones<tf.Rank.R4>([
      1,
      crop.height * contextGrid.height,
      crop.width * contextGrid.width,
      1,
    ]);
    const inside = insertCrop(ones, { height: h, width: w }, corner, contextGrid);
    const fusedSize = {
      height: H * detailGrid.height,
      width: W * detailGrid.width,
    };
    const inserted = insertCrop(detailLogits, fusedSize, corner, detailGrid);
    return {
      features,
      logits: fuse(contextLogits, tf.mul(attend(), inside), inserted),
      lossWeight: 1 - detailLossWeight,
      auxiliaryLogits: [{
        logits: detailLogits,
        lossWeight: detailLossWeight,
        cropLabels: (labels) => cutLabelCrop(labels, crop, corner),
      }],
    };
  };
  // Logits of full size are as easily cut as images are padded.
  const forwardPadded: Network["forward"] = (weights, images, context) => {
    const padded = padToMultiple(images, coordinateDivisor);
    if (padded === images) return forward(weights, images, context);
    const [B, H, W] = images.shape;
    if (context.rngKey !== null) {
      throw new RangeError(
        `Cannot train with a detail crop on images of ${H}×${W} pixels: both sides must be ` +
          `multiples of ${DIVISOR_SETTING}, ${coordinateDivisor}`,
      );
    }
    const { logits, ...output } = forward(weights, padded, context);
    const [, height, width] = padded.shape;
    const atFullSize = resizeBilinear(logits, [height, width], decoder);
    return { ...output, logits: tf.slice(atFullSize, [0, 0, 0, 0], [B, H, W, -1]) };
  };

  const needsImages = (): never => {
    throw new TypeError(
      "Cannot decode the maps of a network of two resolutions: its details come from the " +
        "images; call forward()",
    );
  };
  const { alignCorners = false } = decoder;
  return {
    encoder,
    decoder: {
      parameters: parametersOf(decoder, attention),
      derivedBuffers: derivedBuffersOf(decoder, attention),
      alignCorners,
      apply: needsImages,
    },
    auxiliaryHeads: [],
    classCount,
    hasStepsPerSize: true,
    parameters: parametersOf(encoder, decoder, attention),
    derivedBuffers: derivedBuffersOf(encoder, decoder, attention),
    decode: needsImages,
    forward: forwardPadded,
  };
}

/**
 * The mean of the logits of crops that cover the images.
 *
 * @param isJoint Whether all crops are one batch, whose statistics batch norm then uses.
 * @param classify The logits of a batch of crops.
 * @returns [B, h, w, classes], with the scale of the logits of a crop.
 */
function slide(
  images: tf.Tensor4D,
  crop: Size,
  isJoint: boolean,
  classify: (crops: tf.Tensor4D) => tf.Tensor4D,
): tf.Tensor4D {
  const [B, H, W] = images.shape;
  const columns = windowStarts(W, crop.width, halfOf(crop.width));
  const corners = windowStarts(H, crop.height, halfOf(crop.height)).flatMap((top) =>
    columns.map((left) => ({ top, left }))
  );
  const cropAt = ({ top, left }: CropCorner) =>
    tf.slice(images, [0, top, left, 0], [B, crop.height, crop.width, -1]);
  const logits: readonly tf.Tensor4D[] = isJoint
    ? tf.split(classify(tf.concat(corners.map(cropAt), 0)), corners.length, 0)
    : corners.map((corner) => tf.tidy(() => classify(cropAt(corner))));
  const [first] = logits;
  if (first === undefined) {
    throw new RangeError("Cannot slide over images without pixels");
  }
  if (logits.length === 1) return first;
  const scale = scaleOf(first, crop);
  const [, cropHeight, cropWidth] = first.shape;
  const [h, w] = [H * scale.height, W * scale.width];
  const counts = new Float32Array(h * w);
  const padded = corners.map((corner, i) => {
    assertOnGrid(first, crop, corner, SLIDE_SETTINGS);
    const [y, x] = [corner.top * scale.height, corner.left * scale.width];
    for (let row = y; row < y + cropHeight; row++) {
      const start = row * w + x;
      counts.subarray(start, start + cropWidth).forEach((count, k) =>
        counts[start + k] = count + 1
      );
    }
    const margins: [number, number][] = [
      [0, 0],
      [y, h - y - cropHeight],
      [x, w - x - cropWidth],
      [0, 0],
    ];
    return tf.pad(logits[i] ?? first, margins);
  });
  const sum = padded.reduce((sum, part) => tf.add<tf.Tensor4D>(sum, part));
  return tf.div(sum, tf.tensor4d(counts, [1, h, w, 1]));
}

/** Runs an encoder, which may find its images too small, and says which images and why. */
function namingSize<T>(
  what: string,
  [height, width]: readonly [number, number],
  setting: string,
  run: () => T,
): T {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new RangeError(
      `Cannot see ${what} in ${height}×${width} pixels, see ` +
        `"model.multiResolution.${setting}": ${error.message}`,
      { cause: error },
    );
  }
}

const halfOf = (side: number) => Math.max(1, Math.floor(side / 2));

/** Pixels of a map per pixel of the images that it is of. */
function scaleOf(map: tf.Tensor4D, images: Size): Size {
  const [, h, w] = map.shape;
  return { height: h / images.height, width: w / images.width };
}

/** @throws {RangeError} If a place, in pixels of images, is between pixels of their map. */
function assertOnGrid(
  map: tf.Tensor4D,
  images: Size,
  { top, left }: CropCorner,
  setting: string,
): void {
  const [, h, w] = map.shape;
  const axes = [[top, h, images.height], [left, w, images.width]] as const;
  for (const [pixels, side, ofSide] of axes) {
    if (pixels * side % ofSide === 0) continue;
    throw new RangeError(
      `Cannot place a detail crop ${pixels} pixels from the edge: logits of ${h}×${w} for ` +
        `${images.height}×${images.width} pixels have no such place; ${setting} must be a ` +
        `multiple of ${ofSide / greatestCommonDivisor(side, ofSide)}`,
    );
  }
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

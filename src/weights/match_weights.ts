/** Matches a file's tensors with a model's parameters: exactly, or not at all. @module */

import { byteLengthOf, formatShape, type HostTensor } from "../core/host_tensor.ts";
import type { DerivedBuffer, Parameter } from "../core/network.ts";
import { pytorchShape } from "../core/weights.ts";
import { findNonFinite, integersEqual, toFloat32, toInt64 } from "./cast.ts";
import { matchPattern } from "./names/pattern.ts";
import { printable } from "./pickle_values.ts";

/** A parameter with different shapes in the model and the file. */
export interface ShapeMismatch {
  /** Its name in both. */
  readonly name: string;
  /** The model's shape, in PyTorch's layout. */
  readonly expected: readonly number[];
  /** The file's shape. */
  readonly found: readonly number[];
}

/** Names in a message; the rest is only counted. */
const MAX_LISTED_NAMES = 5;

/** Characters of a name in a message, more than any network needs. */
const MAX_PRINTED_LENGTH = 200;

/**
 * Lists names and their number on one line, as `7 missing: a, b, c, d, e and 2 more`.
 *
 * @returns No line if there are no names.
 */
export const countAndList = (what: string, names: readonly string[]): string[] =>
  listNames(names).map((listed) => `${names.length} ${what}: ${listed}`);

/**
 * Lists names on one line, as `a, b, c, d, e and 2 more`.
 *
 * @returns No line if there are no names.
 */
export function listNames(names: readonly string[]): string[] {
  if (names.length === 0) return [];
  const rest = names.length - MAX_LISTED_NAMES;
  const listed = names.slice(0, MAX_LISTED_NAMES)
    .map((name) => printable(name, MAX_PRINTED_LENGTH)).join(", ");
  return [`${listed}${rest > 0 ? ` and ${rest} more` : ""}`];
}

/** Variants of published networks, by the names that one has and another lacks. */
const VARIANTS: readonly {
  readonly pattern: string;
  /** The setting for a file that has such names. */
  readonly with: string;
  /** The setting for one that lacks them. */
  readonly without: string;
  /** Whether published files lack such names. */
  readonly isUnusual?: boolean;
  /** What a file has with such names, where published files have them. */
  readonly where?: string;
}[] = [
  {
    pattern: "decode_head.*.image_pool.*",
    with: "model.decoder.imagePool: true",
    without: "model.decoder.imagePool: false",
    isUnusual: true,
  },
  {
    pattern: "decoder.representation.*",
    with: "model.decoder.representationHead: true",
    without: "model.decoder.representationHead: false",
    where: "decoder.aspp.conv3.*",
  },
  {
    pattern: "backbone.register_tokens",
    with: "model.encoder.registers: true",
    without: "model.encoder.registers: false",
    isUnusual: true,
  },
  {
    pattern: "decode_head.scale_attention.*",
    with: "model.multiResolution",
    without: "model.multiResolution: null",
    isUnusual: true,
  },
  {
    pattern: "auxiliary_head.*",
    with: "model.auxiliaryHead",
    without: "model.auxiliaryHead: null",
  },
  {
    pattern: "auxor.*",
    with: "model.auxiliaryHead",
    without: "model.auxiliaryHead: null",
  },
];

/** SegFormer's fusion, whose kernel is a setting. */
const FUSION_WEIGHT = "decode_head.linear_fuse.conv.weight";

/**
 * The filter that reads images: of MiT, of BEiT, DINOv2 and Swin, of both kinds of ResNet,
 * and of EfficientNet-Lite.
 */
const IMAGE_FILTER =
  /^(backbone|encoder)\.(patch_embed1?\.proj(ection)?|stem\.0|conv1\.0|_conv_stem)\.weight$/;

/** DINOv2's positions: of the class token, then of a square of patches. */
const POSITIONS = "backbone.pos_embed";
const PATCH_SIZE = 14;
const PUBLISHED_IMAGE_SIZE = 518;

/** The side of images that a table of positions is made for; null: of none. */
function imageSizeOf([, positions = 0]: readonly number[]): number | null {
  const side = Math.sqrt(positions - 1);
  return Number.isInteger(side) ? PATCH_SIZE * side : null;
}

/** Which settings make the model the variant that a file is of, a line per setting. */
function variantHints(
  missing: readonly string[],
  unexpected: readonly string[],
  shapeMismatches: readonly ShapeMismatch[],
): string[] {
  const settings = VARIANTS.flatMap((variant) => {
    const has = (names: readonly string[]) =>
      names.some((name) => matchPattern(variant.pattern, name) !== null);
    if (has(unexpected)) return [variant.with];
    return has(missing) ? [variant.without] : [];
  });
  const fusion = shapeMismatches.find(({ name }) => name === FUSION_WEIGHT);
  const [theirs, ours] = [fusion?.found.at(-1), fusion?.expected.at(-1)];
  if (theirs !== ours) settings.push(`model.decoder.fusionKernelSize: ${theirs}`);
  const images = shapeMismatches.find(({ name }) => IMAGE_FILTER.test(name));
  const [fileReads, modelReads] = [images?.found[1], images?.expected[1]];
  if (fileReads !== modelReads) settings.push(`data.channels: ${fileReads}`);
  const positions = shapeMismatches.find(({ name }) => name === POSITIONS);
  const [size, own] = [positions?.found, positions?.expected].map((shape) =>
    imageSizeOf(shape ?? [])
  );
  if (size && size !== own) settings.push(`model.encoder.imageSize: ${size}`);
  return settings.map((setting) => `the file is of the variant with "${setting}"`);
}

/** The settings without which a file of weights alone does not fit, a line per setting. */
export function variantSettings(tensors: ReadonlyMap<string, HostTensor>): string[] {
  const has = (pattern: string) =>
    tensors.keys().some((name) => matchPattern(pattern, name) !== null);
  const settings = VARIANTS.flatMap((variant) => {
    if (variant.where !== undefined) {
      return has(variant.where) && !has(variant.pattern) ? [variant.without] : [];
    }
    return variant.isUnusual && has(variant.pattern) ? [variant.with] : [];
  });
  const kernel = tensors.get(FUSION_WEIGHT)?.shape.at(-1) ?? 1;
  if (kernel !== 1) settings.push(`model.decoder.fusionKernelSize: ${kernel}`);
  const size = imageSizeOf(tensors.get(POSITIONS)?.shape ?? []);
  if (size && size !== PUBLISHED_IMAGE_SIZE) {
    settings.push(`model.encoder.imageSize: ${size}`);
  }
  return settings.map((setting) => `it is of the variant with "${setting}"`);
}

/** A file of weights that does not match the model. */
export class WeightsMismatchError extends Error {
  /** Identifies the class of error. */
  override readonly name = "WeightsMismatchError";

  /** An error with all differences between a file and a model. */
  constructor(
    file: string,
    /** Parameters the model has and the file lacks. */
    readonly missing: readonly string[],
    /** Tensors the file has and the model does not. */
    readonly unexpected: readonly string[],
    /** Parameters that both have, in different shapes. */
    readonly shapeMismatches: readonly ShapeMismatch[],
    /** A line that ends the message. */
    cure?: string,
  ) {
    const shapes = shapeMismatches.map(({ name, expected, found }) =>
      `${name} (model ${formatShape(expected)}, file ${formatShape(found)})`
    );
    const lines = [
      `Cannot load "${file}": it does not match the model (missing or unexpected keys or ` +
      "size mismatch); was it saved by another network?",
      ...countAndList("missing", missing),
      ...countAndList("unexpected", unexpected),
      ...countAndList("size mismatch", shapes),
      ...variantHints(missing, unexpected, shapeMismatches),
      ...cure === undefined ? [] : [cure],
    ];
    super(lines.join("\n  "));
  }
}

/** Tolerated differences, as patterns of names in which `*` is any text. */
export interface MatchOptions {
  /** Parameters that the file may lack, as `["decode_head.*"]`. */
  readonly allowMissing?: readonly string[];
  /** Tensors of the file that the model may lack, as `["*.num_batches_tracked"]`. */
  readonly allowUnexpected?: readonly string[];
  /** A line that ends the message about a file that does not match. */
  readonly cure?: string;
}

/** The matched tensors, and the tolerated differences. */
export interface MatchedWeights {
  /** The file's tensors that the model has, in the model's order. */
  readonly tensors: Map<string, HostTensor>;
  /** Parameters of the model that the file lacks. */
  readonly missing: readonly string[];
  /** Tensors of the file that the model lacks. */
  readonly unexpected: readonly string[];
}

/** Makes a test whether a name matches one of some patterns, in which `*` is any text. */
export const nameMatcher =
  (patterns: readonly string[]): (name: string) => boolean => (name) =>
    patterns.some((pattern) => matchPattern(pattern, name) !== null);

/** Whether two shapes are equal. */
export const sameShape = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((side, axis) => side === b[axis]);

/**
 * Selects a model's parameters from a file's tensors.
 *
 * @param expected Names and shapes of the model's parameters, in PyTorch's layout.
 * @param found The file's tensors.
 * @param file For messages.
 * @throws {WeightsMismatchError} If anything is missing or unexpected and not tolerated,
 * or has another shape.
 * @throws {RangeError} If a weight is NaN or infinite.
 */
export function matchWeights(
  expected: ReadonlyMap<string, readonly number[]>,
  found: ReadonlyMap<string, HostTensor>,
  file: string,
  { allowMissing = [], allowUnexpected = [], cure }: MatchOptions = {},
): MatchedWeights {
  const tensors = new Map<string, HostTensor>();
  const missing: string[] = [];
  const shapeMismatches: ShapeMismatch[] = [];
  for (const [name, shape] of expected) {
    const tensor = found.get(name);
    if (tensor === undefined) missing.push(name);
    else if (sameShape(tensor.shape, shape)) tensors.set(name, tensor);
    else shapeMismatches.push({ name, expected: shape, found: tensor.shape });
  }
  const unexpected = [...found.keys()].filter((name) => !expected.has(name));

  const isAllowedMissing = nameMatcher(allowMissing);
  const isAllowedUnexpected = nameMatcher(allowUnexpected);
  const refused = [
    missing.filter((name) => !isAllowedMissing(name)),
    unexpected.filter((name) => !isAllowedUnexpected(name)),
    shapeMismatches,
  ] as const;
  if (refused.some(({ length }) => length > 0)) {
    throw new WeightsMismatchError(file, ...refused, cure);
  }
  assertFinite(tensors, file);
  return { tensors, missing, unexpected };
}

/** @throws {RangeError} If a number is not one: every prediction would be of the first class. */
function assertFinite(tensors: ReadonlyMap<string, HostTensor>, file: string): void {
  for (const [name, tensor] of tensors) {
    const number = findNonFinite(tensor);
    if (number === null) continue;
    throw new RangeError(
      `Cannot load "${file}": its "${printable(name)}" holds ${
        Number.isNaN(number) ? "NaN" : "infinite numbers"
      }, as of a training that has diverged: take an earlier checkpoint`,
    );
  }
}

/** The parameters of a network or of a part of it. */
export interface NetworkParameters {
  readonly parameters: readonly Parameter[];
  /** @default {[]} */
  readonly derivedBuffers?: readonly DerivedBuffer[];
}

/** Matched weights and the necessary conversions; see {@linkcode describeFit}. */
export interface NetworkWeights extends MatchedWeights {
  /** Parameters that were resized to the network's shape. */
  readonly resized: readonly string[];
  /** Filters of images that were adapted to other channels, with how many they had. */
  readonly adaptedFilters: readonly string[];
  /** Parameters that were converted to float32. */
  readonly cast: readonly string[];
  /**
   * Derived buffers of the file: the network computes its own, which are equal unless
   * those of the file are for another shape.
   */
  readonly recomputedBuffers: readonly string[];
  /**
   * Batch counters that the file lacks and that start at 0: PyTorch has them since 0.4.1.
   */
  readonly defaultedCounters: readonly string[];
  /**
   * Parameters that no forward pass reads and that the file lacks, or has in another
   * shape; they are 0.
   */
  readonly zeroedUnused: readonly string[];
}

const zeros = (shape: readonly number[]): HostTensor => ({
  dtype: "F32",
  shape,
  bytes: new Uint8Array(byteLengthOf({ dtype: "F32", shape })),
});

const COUNTER_NAME = /num_batches_tracked$/;

/** Describes the conversions that were necessary for the log, one line per kind. */
export function describeFit(
  { resized, adaptedFilters, cast, ...fit }: NetworkWeights,
): string[] {
  const { defaultedCounters, zeroedUnused, recomputedBuffers } = fit;
  return [
    ...countAndList("resized", resized),
    ...countAndList("adapted to the channels of the images", adaptedFilters),
    ...countAndList("cast to float32", cast),
    ...countAndList("batch counters absent, started at 0", defaultedCounters),
    ...countAndList("never used, missing or of another shape, set to 0", zeroedUnused),
    ...countAndList("buffers computed instead of read", recomputedBuffers),
  ];
}

/** @throws {RangeError} If a derived buffer of the file differs from the computed one. */
function assertDerivedBuffer(
  name: string,
  expected: HostTensor,
  found: HostTensor,
  file: string,
) {
  // A buffer of another shape is for another window, whose table is resized too.
  if (!sameShape(found.shape, expected.shape) || integersEqual(found, expected)) return;
  throw new RangeError(
    `Cannot load "${file}": its buffer "${name}" differs from the index that follows from ` +
      "its shape, so its table of relative positions has another order",
  );
}

/**
 * Selects a network's parameters from a file's tensors and converts them.
 *
 * Other floating-point types become float32; values of other shapes are resized if their
 * parameter has `adaptShape`; batch counters may be missing if their running statistics
 * are present, and what no forward pass reads; derived buffers may be missing but must not
 * differ.
 *
 * @param found The file's tensors under fst's names; see `names/translate_names.ts`.
 * @param file For messages.
 * @throws {WeightsMismatchError} If anything is missing, unexpected or of another shape
 * and not tolerated.
 * @throws {TypeError} If a weight has integers.
 * @throws {RangeError} If a weight is NaN, infinite or too large for float32, or a derived
 * buffer differs.
 */
export function matchNetworkWeights(
  { parameters, derivedBuffers = [] }: NetworkParameters,
  found: ReadonlyMap<string, HostTensor>,
  file: string,
  options: MatchOptions = {},
): NetworkWeights {
  const adapted = new Map(found);
  const recomputedBuffers: string[] = [];
  for (const { name, value } of derivedBuffers) {
    const buffer = found.get(name);
    if (buffer === undefined) continue;
    assertDerivedBuffer(name, value(), buffer, file);
    adapted.delete(name);
    recomputedBuffers.push(name);
  }
  const expected = new Map<string, readonly number[]>();
  const resized: string[] = [];
  const adaptedFilters: string[] = [];
  const cast: string[] = [];
  const defaultedCounters: string[] = [];
  const zeroedUnused: string[] = [];
  const isAllowedMissing = nameMatcher(options.allowMissing ?? []);
  for (const parameter of parameters) {
    const { name, layout, adaptShape, isUnused = false } = parameter;
    const shape = pytorchShape(parameter);
    expected.set(name, shape);
    const value = adapted.get(name);
    if (layout === "counter") {
      if (value !== undefined) adapted.set(name, toInt64(value));
      else if (adapted.has(name.replace(COUNTER_NAME, "running_mean"))) {
        adapted.set(name, { dtype: "I64", shape: [], bytes: new Uint8Array(8) });
        defaultedCounters.push(name);
      }
      continue;
    }
    const isReadable = value !== undefined && sameShape(value.shape, shape);
    if (isUnused && !isReadable && (value !== undefined || !isAllowedMissing(name))) {
      adapted.set(name, zeros(shape));
      zeroedUnused.push(name);
      continue;
    }
    if (value === undefined) continue;
    const float = toFloat32(value, name);
    if (float !== value) cast.push(name);
    const fits = sameShape(float.shape, shape);
    const resizedValue = fits ? null : adaptShape?.(float) ?? null;
    if (resizedValue !== null) {
      const change = `${name} (${value.shape[1]} to ${shape[1]})`;
      if (layout === "convolution") adaptedFilters.push(change);
      else resized.push(name);
    }
    adapted.set(name, resizedValue ?? float);
  }
  return {
    ...matchWeights(expected, adapted, file, options),
    resized,
    adaptedFilters,
    cast,
    defaultedCounters,
    zeroedUnused,
    recomputedBuffers,
  };
}

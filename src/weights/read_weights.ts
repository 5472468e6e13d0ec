/** Reads weights of any format and naming scheme as tensors under fst's names. @module */

import type { HostTensor } from "../core/host_tensor.ts";
import { openRandomAccessFile } from "../io/random_access_file.ts";
import { detectFormat, type WeightsFileFormat } from "./detect_format.ts";
import { countAndList } from "./match_weights.ts";
import { translateNames, type Translation } from "./names/translate_names.ts";
import { readSafetensors } from "./safetensors_file.ts";
import { type PrefixSelection, selectPrefix } from "./select_prefix.ts";
import { readTorchFile } from "./torch_file.ts";

/** How to read a file of weights. */
export interface ReadWeightsOptions {
  /**
   * The naming scheme of the weights: a name in `NAMING_SCHEMES`, or "auto" to detect it.
   *
   * @default {"auto"}
   */
  readonly namingScheme?: string | undefined;
  /**
   * The prefix of the network to read, as `"ema_model."` for a teacher.
   *
   * @default that of the student
   */
  readonly prefix?: string | undefined;
  /** Where the weights are in a PyTorch file; see `TorchFileOptions`. */
  readonly stateDictKey?: string | undefined;
  /** A file that has all of these names is not translated. */
  readonly targetNames?: readonly string[];
}

/** Weights under fst's names, and how they were found in the file. */
export interface TranslatedWeights extends Translation {
  /** Whether the naming scheme was detected and not requested. */
  readonly isSchemeDetected: boolean;
  /** The prefix that was removed from the names before they were translated. */
  readonly prefix: string;
  /** Prefixes of the file's other networks. */
  readonly otherPrefixes: readonly string[];
  /** Where the weights were in a PyTorch file's object; empty: it is the state dict. */
  readonly stateDictKey: string;
  /** The metadata of a safetensors file. */
  readonly metadata: Readonly<Record<string, string>>;
  /** The format of the file. */
  readonly format: WeightsFileFormat;
}

async function detectFileFormat(path: string): Promise<WeightsFileFormat> {
  await using file = await openRandomAccessFile(path);
  return await detectFormat(file);
}

/**
 * Reads weights from a `.safetensors`, `.pth`, `.pt`, `.bin` or `.pkl` file; the format
 * is detected by the first bytes and not by the extension.
 *
 * @returns Weights for `matchNetworkWeights`.
 * @throws {Deno.errors.NotFound} If there is no such file.
 * @throws {SyntaxError} If it is damaged, is no file of weights, or lacks tensors that
 * belong together.
 * @throws {RangeError} If the prefix or the scheme is unknown, or fst has no such
 * network.
 */
export async function readWeights(
  path: string,
  options: ReadWeightsOptions = {},
): Promise<TranslatedWeights> {
  const { targetNames = [], namingScheme = "auto", stateDictKey } = options;
  const format = await detectFileFormat(path);
  let selection: PrefixSelection | undefined;
  const selectNames = (names: readonly string[]) => {
    selection = selectPrefix(names, options.prefix, path);
    return selection.names;
  };
  const file = format === "safetensors"
    ? { ...await readSafetensors(path), stateDictKey: "" }
    // Selected before tensors are read: a file may have four networks.
    : { ...await readTorchFile(path, { stateDictKey, selectNames }), metadata: {} };
  const { prefix, names, otherPrefixes } = selection ??
    selectPrefix([...file.tensors.keys()], options.prefix, path);
  const selected = new Map<string, HostTensor>();
  for (const name of names) {
    const value = file.tensors.get(name);
    if (value !== undefined) selected.set(name.slice(prefix.length), value);
  }
  const hasTargetNames = targetNames.length > 0 &&
    targetNames.every((name) => selected.has(name));
  const scheme = hasTargetNames ? "fst" : namingScheme;
  return {
    ...translateNames(selected, scheme, path),
    isSchemeDetected: scheme === "auto",
    prefix,
    otherPrefixes,
    stateDictKey: file.stateDictKey,
    metadata: file.metadata,
    format,
  };
}

/** Describes what was assumed about the names in a file, a log line per kind. */
export function describeSource(
  { namingScheme, isSchemeDetected, stateDictKey, prefix, otherPrefixes, dropped }:
    TranslatedWeights,
): string[] {
  return [
    `naming scheme: ${namingScheme}${isSchemeDetected ? " (detected)" : ""}`,
    ...stateDictKey === "" ? [] : [`state dict: "${stateDictKey}"`],
    ...prefix === "" ? [] : [`prefix removed from the names: "${prefix}"`],
    ...countAndList("other prefixes in the file", otherPrefixes),
    ...countAndList("unused", dropped),
  ];
}

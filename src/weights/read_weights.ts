/** Reads weights of any format and naming scheme as tensors under fst's names. @module */

import type { HostTensor } from "../core/host_tensor.ts";
import { openRandomAccessFile } from "../io/random_access_file.ts";
import { TRAINING_STATE } from "./find_state_dict.ts";
import { detectFormat, type WeightsFileFormat } from "./detect_format.ts";
import { countAndList, listNames, nameMatcher } from "./match_weights.ts";
import { quoted } from "./names/naming_scheme.ts";
import { translateNames, type Translation } from "./names/translate_names.ts";
import { printable } from "./pickle_values.ts";
import { readSafetensors } from "./safetensors_file.ts";
import { type PrefixSelection, selectPrefix } from "./select_prefix.ts";
import { readTorchFile, type TorchTensors } from "./torch_file.ts";

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
  /** Patterns of the names of tensors that are not needed, and may be unknown. */
  readonly excludeKeys?: readonly string[];
  /** A file that has all of these names is not translated. */
  readonly targetNames?: readonly string[];
}

/** Weights under fst's names, and how they were found in the file. */
export interface TranslatedWeights
  extends Translation, Omit<PrefixSelection, "names">, Omit<TorchTensors, "tensors"> {
  /** Whether the naming scheme was detected and not requested. */
  readonly isSchemeDetected: boolean;
  /** The metadata of a safetensors file. */
  readonly metadata: Readonly<Record<string, string>>;
  /** The format of the file. */
  readonly format: WeightsFileFormat;
}

/** What a safetensors file has of a PyTorch file: nothing but the state dict. */
const WHOLE_FILE = { stateDictKey: "", otherKeys: [], otherEntries: [] };

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
  assertWhole(path);
  const format = await detectFileFormat(path);
  let selection: PrefixSelection | undefined;
  const selectNames = (names: readonly string[]) => {
    selection = selectPrefix(names, options.prefix, path);
    return [...selection.names.values()];
  };
  const { tensors, metadata, ...source } = format === "safetensors"
    ? { ...await readSafetensors(path), ...WHOLE_FILE }
    // Selected before tensors are read: a file may have four networks.
    : { ...await readTorchFile(path, { stateDictKey, selectNames }), metadata: {} };
  const { names, ...selected } = selection ??
    selectPrefix([...tensors.keys()], options.prefix, path);
  const ours = new Map<string, HostTensor>();
  for (const [name, inFile] of names) {
    const value = tensors.get(inFile);
    if (value !== undefined) ours.set(name, value);
  }
  const hasTargetNames = targetNames.length > 0 &&
    targetNames.every((name) => ours.has(name));
  const scheme = hasTargetNames ? "fst" : namingScheme;
  return {
    ...translateNames(ours, scheme, path, nameMatcher(options.excludeKeys ?? [])),
    isSchemeDetected: scheme === "auto",
    ...selected,
    ...source,
    metadata,
    format,
  };
}

/** The end of the name of one of several files with the weights of one network. */
const PART_NAME = /-0*(\d+)-of-0*(\d+)\.\w+$/;

/** @throws {SyntaxError} If the name of a file says that it is one of several. */
function assertWhole(path: string): void {
  const [, part, count = "1"] = PART_NAME.exec(path) ?? [];
  if (count === "1") return;
  throw new SyntaxError(
    `Cannot read "${path}": it is part ${part} of the ${count} files that hold the weights ` +
      "of one network; join their tensors in one file first",
  );
}

/** Options that choose another network of a file. */
interface SelectionOptions {
  /** Of a state dict, as `"--root"`. */
  readonly stateDictKey: string;
  /** Of a prefix, as `"--prefix"`. */
  readonly prefix: string;
}

/**
 * Describes in one line what of a file was taken and what was left out.
 *
 * @param options How to choose another network, if that can be chosen.
 * @returns No line if it was the whole file under its own names.
 */
export function describeSelection(
  source: Omit<TranslatedWeights, keyof Translation>,
  options?: SelectionOptions,
): string[] {
  const { stateDictKey, prefix, innerWrappers } = source;
  const removed = [prefix, ...innerWrappers].filter((part) => part !== "");
  const taken = [
    ...stateDictKey === "" ? [] : [`the state dict ${quoted(stateDictKey)}`],
    ...removed.length === 0
      ? []
      : [`names without ${removed.map((part) => `"${part}"`).join(" and ")}`],
  ];
  const choice = (option: string | undefined, value: string) =>
    `${quoted(value)}${option === undefined ? "" : ` (${option} ${printable(value)})`}`;
  const leftOut = [
    ...source.otherKeys.map((key) =>
      choice(TRAINING_STATE.test(key) ? undefined : options?.stateDictKey, key)
    ),
    ...source.otherPrefixes.map((other) => choice(options?.prefix, other)),
    ...listNames([...source.leftOut, ...source.otherEntries]),
  ];
  if (taken.length === 0 && leftOut.length === 0) return [];
  const what = taken.length === 0 ? "the network" : taken.join(", ");
  return [
    `taken: ${what}${leftOut.length === 0 ? "" : `; left out: ${leftOut.join(", ")}`}`,
  ];
}

/** Describes what was assumed about the names in a file, a log line per kind. */
export const describeSource = (source: TranslatedWeights): string[] => [
  `naming scheme: ${source.namingScheme}${source.isSchemeDetected ? " (detected)" : ""}`,
  ...describeSelection(source),
  ...countAndList("unused", source.dropped),
];

/** A file of weights, whatever wrote it → tensors under our names. @module */

import type { HostTensor } from "../core/host_tensor.ts";
import { openBytes } from "./file_bytes.ts";
import { type FileKind, kindOf, SIGNATURE_BYTES } from "./file_kind.ts";
import { translate } from "./names/schemes.ts";
import { readSafetensors } from "./safetensors.ts";
import { chooseSection, type Section } from "./section.ts";
import { readTorchFile } from "./torch_file.ts";

/** How to read a file of weights. */
export interface ReadWeightsOptions {
  /**
   * Whose names the weights have: a name in `SCHEMES`, or "auto" to find out.
   *
   * @default {"auto"}
   */
  readonly names?: string | undefined;
  /**
   * What the names of the wanted network begin with, as `"ema_model."` for a teacher.
   *
   * @default the student, where there are several
   */
  readonly prefix?: string | undefined;
  /** Path of keys to the weights in a PyTorch file, see `TorchFileOptions`. */
  readonly root?: string | undefined;
  /** Names that a file without need of translation has, all of them. */
  readonly own?: readonly string[];
}

/** Weights under our names, and where they come from. */
export interface OpenWeights {
  /** Those that the scheme does not know keep their names. */
  readonly tensors: Map<string, HostTensor>;
  /** The scheme that the names are of. */
  readonly scheme: string;
  /** Names in the file of weights without use here. */
  readonly leftOut: readonly string[];
  /** Parameters here that such files do not have, as patterns for `allowMissing`. */
  readonly lacking: readonly string[];
  /** What was taken away from the names before they were translated. */
  readonly prefix: string;
  /** Prefixes of the file's other networks. */
  readonly others: readonly string[];
  /** Where the weights are in the object of a PyTorch file; empty: everywhere. */
  readonly root: string;
  /** The text in the header of a safetensors file. */
  readonly metadata: Readonly<Record<string, string>>;
  /** How the file is written. */
  readonly kind: FileKind;
}

async function kindOfFile(path: string): Promise<FileKind> {
  const file = await openBytes(path);
  try {
    const found = kindOf(await file.read(0, Math.min(SIGNATURE_BYTES, file.size)));
    if ("kind" in found) return found.kind;
    return file.refuse(
      found.reason.replace("no PyTorch file", "neither a PyTorch nor a safetensors file"),
    );
  } finally {
    await file.close();
  }
}

interface Contents {
  readonly tensors: ReadonlyMap<string, HostTensor>;
  readonly section: Section;
  readonly root: string;
  readonly metadata: Readonly<Record<string, string>>;
}

async function readContents(
  path: string,
  kind: FileKind,
  { prefix, root }: ReadWeightsOptions,
): Promise<Contents> {
  if (kind === "safetensors") {
    const { tensors, metadata } = await readSafetensors(path);
    const section = chooseSection([...tensors.keys()], prefix, path);
    return { tensors, section, root: "", metadata };
  }
  let section: Section = { prefix: "", names: [], others: [] };
  const file = await readTorchFile(path, {
    ...(root === undefined ? {} : { root }),
    // Chosen before anything is read: a file may hold four networks.
    choose: (names) => (section = chooseSection(names, prefix, path)).names,
  });
  return { ...file, section, metadata: {} };
}

/**
 * Reads weights from a `.safetensors`, `.pth`, `.pt`, `.bin` or `.pkl` file; what it is
 * shows in its first bytes, not in its extension.
 *
 * @returns Weights under our names, which `matchNetwork` fits into a network.
 * @throws {Deno.errors.NotFound} If there is no such file.
 * @throws {SyntaxError} If it is damaged, or no file of weights, or has only a part of
 * what belongs together.
 * @throws {RangeError} If there is no such prefix or scheme, or no network here is like
 * the file's.
 */
export async function readWeights(
  path: string,
  options: ReadWeightsOptions = {},
): Promise<OpenWeights> {
  const kind = await kindOfFile(path);
  const { tensors, section, root, metadata } = await readContents(path, kind, options);
  const { prefix, names, others } = section;
  const taken = new Map<string, HostTensor>();
  for (const name of names) {
    const value = tensors.get(name);
    if (value !== undefined) taken.set(name.slice(prefix.length), value);
  }
  const { own = [] } = options;
  const isOurs = own.length > 0 && own.every((name) => taken.has(name));
  const translation = translate(taken, isOurs ? "fst" : options.names, path);
  return { ...translation, prefix, others, root, metadata, kind };
}

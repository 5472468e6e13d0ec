/** Exports trained networks to files that other programs run. @module */
import { dirname, join } from "node:path";
import { type ClassInfo, IMAGENET, type Size } from "../core/host_batch.ts";
import { releaseWeights } from "../core/weights.ts";
import type { CustomNetwork } from "../evaluate/custom_network.ts";
import { type LoadNetworkOptions, loadTrainedNetwork } from "../evaluate/load_network.ts";
import { fileWriteError } from "../io/file_errors.ts";
import { assertNoFile, assertWritableFile } from "../io/output_file.ts";
import { writeAtomic } from "../io/write_atomic.ts";
import { type ExportedNetwork, makeOnnxFile, type OnnxOptions } from "./onnx_model.ts";
import { SEGFORMER_FILES, segformerFiles } from "./segformer_folder.ts";
import { UntranslatedKernelError } from "./trace.ts";

/** Which program the files are for. */
export type ExportFormat = "onnx" | "hf";

/** What is exported, and how. */
export interface ExportOptions
  extends
    OnnxOptions,
    Pick<LoadNetworkOptions, "overrides" | "teacher" | "makeNetwork" | "log"> {
  /**
   * "onnx" is a file; "hf" a folder for Hugging Face's transformers and transformers.js,
   * of a SegFormer.
   *
   * @default {"onnx"}, if the output ends in `.onnx`
   */
  readonly format?: ExportFormat | undefined;
  /** Whether existing files may be replaced. @default {false} */
  readonly force?: boolean;
}

/** What was written. */
export interface ExportResult {
  /** The file, or the folder. */
  readonly output: string;
  /** Which program it is for. */
  readonly format: ExportFormat;
  /** Its files, with their paths. */
  readonly files: readonly string[];
  /** Of all files. */
  readonly bytes: number;
  /** Images per batch; null: any number. */
  readonly batch: number | null;
  /** Size of the images; null: any that the network takes. */
  readonly size: Size | null;
  /** Nodes of the ONNX graph; null for "hf". */
  readonly nodes: number | null;
  /** What is asked of inputs and is not as one might expect, a sentence each. */
  readonly notes: readonly string[];
}

/**
 * Exports the network of a checkpoint.
 *
 * @param output Written whole or not at all.
 * @throws {RangeError} If the output exists or its name does not say how to write it, or
 * the network cannot be written in this format.
 * @throws {SyntaxError} If the checkpoint is damaged.
 */
export async function exportNetwork(
  checkpoint: string,
  output: string,
  options: ExportOptions = {},
): Promise<ExportResult> {
  const { overrides = [], teacher, makeNetwork, log } = options;
  const format = options.format ?? formatOf(output);
  await assertOutput(output, format, options);
  const loaded = await loadTrainedNetwork(checkpoint, {
    overrides,
    backend: "wasm",
    ...teacher === undefined ? {} : { teacher },
    ...makeNetwork && { makeNetwork },
    ...log && { log },
  });
  const { network, weights, classes, config } = loaded;
  const { normalization, bitDepth, cropSize, resize } = config.data;
  const exported = { network, weights, classes, normalization, bitDepth };
  const notes: string[] = [];
  if (resize !== null) {
    notes.push(
      `predict scales pictures into ${resize.height}×${resize.width} first; here that is ` +
        "left to the caller",
    );
  }
  if (config.evaluation.mode === "slide") {
    const { height, width } = config.evaluation.windowSize ?? cropSize;
    notes.push(
      `predict slides a window of ${height}×${width} over pictures; here that is left to ` +
        "the caller",
    );
  }
  try {
    if (format === "onnx") {
      const size = config.evaluation.windowSize ?? cropSize;
      const result = await writeOnnx(exported, output, options, size, checkpoint);
      return { ...result, notes: [...notes, ...result.notes] };
    }
    const files = await segformerFiles(
      exported,
      config,
      options.half ?? false,
      checkpoint,
    );
    let bytes = 0;
    for (const { path, contents } of files) {
      bytes += await writeFile(join(output, path), contents);
    }
    return {
      output,
      format,
      files: files.map(({ path }) => join(output, path)),
      bytes,
      batch: null,
      size: null,
      nodes: null,
      notes,
    };
  } finally {
    releaseWeights(weights);
  }
}

/**
 * Exports a network of your own to an ONNX file.
 *
 * @param classes What it tells apart, in the order of their ids.
 * @param output Written whole or not at all; it must end in `.onnx`.
 * @throws {RangeError} If the output exists, or a step of the network has no translation to
 * ONNX.
 */
export async function exportCustomNetwork(
  { network, weights, normalization = IMAGENET, bitDepth = 8 }: CustomNetwork,
  classes: readonly ClassInfo[],
  output: string,
  options: OnnxOptions & Pick<ExportOptions, "force"> = {},
): Promise<ExportResult> {
  if (network.classCount !== classes.length) {
    throw new RangeError(
      `Cannot export to "${output}": the network tells apart ${network.classCount} classes ` +
        `and "classes" lists ${classes.length}: both must be the same`,
    );
  }
  await assertOutput(output, "onnx", options);
  const exported = { network, weights, normalization, bitDepth, classes };
  return await writeOnnx(exported, output, options, DEFAULT_SIZE, output);
}

/** Where a network of the caller's own takes but one size. */
const DEFAULT_SIZE: Size = { height: 512, width: 512 };

async function writeOnnx(
  exported: ExportedNetwork,
  output: string,
  options: OnnxOptions,
  fallbackSize: Size,
  name: string,
): Promise<ExportResult> {
  try {
    const { bytes, ...file } = await makeOnnxFile(exported, options, fallbackSize);
    const length = await writeFile(output, [bytes]);
    return { output, format: "onnx", files: [output], bytes: length, ...file };
  } catch (error) {
    if (!(error instanceof UntranslatedKernelError)) throw error;
    throw new RangeError(
      `Cannot export "${name}": ${error.message}; write it with the operations that ` +
        "docs/export.md lists",
      { cause: error },
    );
  }
}

async function writeFile(
  path: string,
  contents: string | readonly Uint8Array[],
): Promise<number> {
  try {
    await Deno.mkdir(dirname(path), { recursive: true });
  } catch (error) {
    throw fileWriteError(path, error);
  }
  await writeAtomic(path, contents);
  return (await Deno.stat(path)).size;
}

function formatOf(output: string): ExportFormat {
  if (/\.onnx$/i.test(output)) return "onnx";
  throw new RangeError(
    `Cannot tell how to write "${output}": let it end in .onnx, or say --format hf for a ` +
      "folder",
  );
}

async function assertOutput(
  output: string,
  format: ExportFormat,
  { force = false, raw, argmax, size }: ExportOptions,
): Promise<void> {
  if (format === "onnx") {
    await assertWritableFile(output, ".onnx");
    if (!force) await assertNoFile(output);
    return;
  }
  const unsuited = [raw && "--raw", argmax && "--argmax", size && "--size"].find(Boolean);
  if (unsuited) {
    throw new RangeError(
      `Cannot use ${unsuited} with --format hf: transformers normalizes, upsamples and ` +
        "labels by itself",
    );
  }
  if (force) return;
  for (const file of SEGFORMER_FILES) await assertNoFile(join(output, file));
}

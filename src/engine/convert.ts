/** Weights from one kind of file to another, under PyTorch's names. @module */
import { readConfig } from "../config/read.ts";
import type { RunConfig } from "../config/schema.ts";
import type { HostTensor } from "../core/host_tensor.ts";
import type { Network } from "../core/network.ts";
import {
  type Checkpoint,
  CHECKPOINT_PREFIX,
  CHECKPOINT_VERSION,
  joinSections,
  loadCheckpoint,
  saveCheckpoint,
} from "../weights/checkpoint_file.ts";
import { matchNetwork } from "../weights/match_network.ts";
import { type OpenWeights, readWeights } from "../weights/open_weights.ts";
import { safetensorsChunks } from "../weights/safetensors.ts";
import { writeTorchFile } from "../weights/torch_write.ts";
import { writeAtomic } from "../weights/write_atomic.ts";
import { buildNetwork } from "./build.ts";
import { classesOf } from "./data.ts";
import { hasTeacher } from "./method.ts";
import { exists } from "./run_folder.ts";
import { versions } from "./versions.ts";

/** How weights are written. */
export type WeightsFormat = "safetensors" | "pth";

/** How to convert. */
export interface ConvertOptions {
  /**
   * Whose names the weights have, see `deno task convert --help`.
   *
   * @default {"auto"}
   */
  readonly names?: string | undefined;
  /**
   * What the names of the wanted network begin with, as `ema_model.` for a teacher.
   *
   * @default the student, where there are several
   */
  readonly prefix?: string | undefined;
  /** Path of keys to the weights in a PyTorch file, as `teacher_state`. */
  readonly root?: string | undefined;
  /**
   * How to write.
   *
   * @default what the ending of the output says
   */
  readonly to?: WeightsFormat | undefined;
  /**
   * The run that the weights are for: they must fit its network exactly, and a safetensors
   * file becomes a checkpoint that can be evaluated.
   */
  readonly config?: RunConfig | undefined;
  /** Whether a file of the output's name may be replaced. @default {false} */
  readonly force?: boolean;
}

/** What was written. */
export interface Conversion {
  /** The file. */
  readonly output: string;
  /** How it is written. */
  readonly format: WeightsFormat;
  /** The scheme that the input's names were of. */
  readonly scheme: string;
  /** What was taken away from the names before they were translated. */
  readonly prefix: string;
  /** Tensors of the output, a teacher's and constants included. */
  readonly tensors: number;
  /** Numbers of the network that learn; null: no network is known. */
  readonly parameters: number | null;
  /** Whether the output is a checkpoint, which can be evaluated. */
  readonly checkpoint: boolean;
  /** Names in the input of weights without use here. */
  readonly leftOut: readonly string[];
  /** Prefixes of the input's other networks. */
  readonly others: readonly string[];
}

/**
 * Converts a file of weights: PyTorch's or safetensors, in any naming scheme, to PyTorch's
 * or safetensors under the names here, which are mmsegmentation's.
 *
 * A checkpoint of a run stays one as safetensors, without the optimizer's moments. Where
 * the network is known, what PyTorch's modules hold besides weights is added for PyTorch.
 *
 * @param output Written whole or not at all.
 * @throws {RangeError} If the output's ending tells no format, or the file is there.
 * @throws {WeightsMismatchError} If the weights do not fit the configuration's network.
 * @throws {SyntaxError} If the input is damaged or no file of weights.
 */
export async function convertWeights(
  input: string,
  output: string,
  { to, config, force = false, ...choice }: ConvertOptions = {},
): Promise<Conversion> {
  const format = to ?? formatOf(output);
  if (!force && await exists(output)) {
    throw new RangeError(
      `Cannot write "${output}": there is such a file; choose another name, or replace it ` +
        "with --force",
    );
  }
  const read = await readWeights(input, choice);
  const known = await recordOf(input, read, config);
  const network = known && networkOf(known.config, known.classes);
  const weights = network === null
    ? read.tensors
    : matchNetwork(network, read.tensors, input, { allowMissing: read.lacking }).tensors;

  const checkpoint = known !== null && format === "safetensors";
  let written: ReadonlyMap<string, HostTensor> = withConstants(weights, network);
  if (checkpoint) {
    const { metadata } = known;
    written = joinSections({
      student: weights,
      teacher: await teacherOf(input, known.config, network, read),
    });
    await saveCheckpoint(output, { tensors: written, metadata });
  } else if (format === "safetensors") {
    await writeAtomic(output, safetensorsChunks(written, { format: "pt" }));
  } else await writeTorchFile(output, written);
  return {
    output,
    format,
    scheme: read.scheme,
    prefix: read.prefix,
    tensors: written.size,
    parameters: network && learnedNumbers(network),
    checkpoint,
    leftOut: read.leftOut,
    // Moments have a network's names, but are none.
    others: read.others.filter((prefix) => !prefix.startsWith("optimizer.")),
  };
}

function formatOf(output: string): WeightsFormat {
  if (/\.safetensors$/i.test(output)) return "safetensors";
  if (/\.(pth|pt|bin)$/i.test(output)) return "pth";
  throw new RangeError(
    `Cannot tell how to write "${output}": let it end in .safetensors or .pth, or say ` +
      "--to safetensors or --to pth",
  );
}

interface Known extends Pick<Checkpoint, "metadata"> {
  readonly config: RunConfig;
  readonly classes: number;
}

/** The run that weights belong to: as the caller says, or as their checkpoint does. */
async function recordOf(
  input: string,
  { kind, metadata }: OpenWeights,
  config: RunConfig | undefined,
): Promise<Known | null> {
  if (config !== undefined) {
    const classes = classesOf(config.data);
    return {
      config,
      classes: classes.length,
      metadata: {
        version: CHECKPOINT_VERSION,
        config,
        iteration: 0,
        optimizerSteps: 0,
        teacherClock: 0,
        classes,
        normalisation: config.data.normalisation,
        metrics: {},
        versions: versions(),
      },
    };
  }
  if (kind !== "safetensors" || !("fst" in metadata)) return null;
  const record = (await loadCheckpoint(input)).metadata;
  const text = JSON.stringify(record.config); // JSON is YAML
  return {
    config: readConfig(text, input),
    classes: record.classes.length,
    metadata: record,
  };
}

function networkOf({ model }: RunConfig, classes: number): Network {
  return buildNetwork(model, classes);
}

/** The teacher beside a student, where the method has one and the file too. */
async function teacherOf(
  input: string,
  { method }: RunConfig,
  network: Network | null,
  { others, prefix, scheme }: OpenWeights,
): Promise<Map<string, HostTensor>> {
  const { teacher } = CHECKPOINT_PREFIX;
  const isStudent = !prefix.endsWith(teacher);
  if (!hasTeacher(method) || network === null || !isStudent) return new Map();
  if (!others.includes(teacher)) return new Map();
  const read = await readWeights(input, { prefix: teacher, names: scheme });
  return matchNetwork(network, read.tensors, input, { allowMissing: read.lacking })
    .tensors;
}

function withConstants(
  weights: ReadonlyMap<string, HostTensor>,
  network: Network | null,
): Map<string, HostTensor> {
  const constants = network?.constants ?? [];
  return new Map([
    ...weights,
    ...constants.map(({ name, value }) => [name, value()] as const),
  ]);
}

const learnedNumbers = ({ parameters }: Network): number =>
  parameters.filter(({ trained }) => trained)
    .reduce((sum, { shape }) => sum + shape.reduce((size, side) => size * side, 1), 0);

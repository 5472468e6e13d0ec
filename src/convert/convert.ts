/** Converts files of weights between formats and naming schemes. @module */
import { hasTeacher } from "../config/method.ts";
import { parseConfig } from "../config/read.ts";
import type { RunConfig } from "../config/schema.ts";
import { type HostTensor, numel } from "../core/host_tensor.ts";
import type { Network } from "../core/network.ts";
import {
  type Checkpoint,
  CHECKPOINT_PREFIXES,
  CHECKPOINT_VERSION,
  joinSections,
} from "../weights/checkpoint.ts";
import { loadCheckpoint, saveCheckpoint } from "../weights/checkpoint_file.ts";
import {
  describeFit,
  matchNetworkWeights,
  type NetworkWeights,
  variantSettings,
} from "../weights/match_weights.ts";
import {
  describeSelection,
  readWeights,
  type TranslatedWeights,
} from "../weights/read_weights.ts";
import { writeNames, type WrittenNames } from "../weights/names/write_names.ts";
import { safetensorsChunks } from "../weights/safetensors.ts";
import { writeTorchFile } from "../weights/write_torch_file.ts";
import { statOrNull } from "../io/file_errors.ts";
import { assertNoFile } from "../io/output_file.ts";
import { writeAtomic } from "../io/write_atomic.ts";
import { buildNetwork } from "../evaluate/build_network.ts";
import { classesOf } from "../prepare/data_specs.ts";
import { versions } from "../core/versions.ts";

/** How weights are written. */
export type WeightsFormat = "safetensors" | "pth";

/** How to convert. */
export interface ConvertOptions {
  /**
   * The naming scheme of the weights; see `deno task convert --help`.
   *
   * @default {"auto"}
   */
  readonly namingScheme?: string | undefined;
  /**
   * The prefix of the network to convert, as `ema_model.` for a teacher.
   *
   * @default that of the student
   */
  readonly prefix?: string | undefined;
  /** Where the weights are in a PyTorch file, as `teacher_state`. */
  readonly stateDictKey?: string | undefined;
  /**
   * The format of the output.
   *
   * @default by the extension of the output
   */
  readonly to?: WeightsFormat | undefined;
  /**
   * The run that the weights are for: they must match its network exactly, and a
   * safetensors file becomes a checkpoint that can be evaluated.
   */
  readonly config?: RunConfig | undefined;
  /**
   * The code base whose names are written; then no checkpoint is.
   *
   * @default fst
   */
  readonly as?: WrittenNames | undefined;
  /** Whether an existing output may be replaced. @default {false} */
  readonly force?: boolean;
}

/** What was written. */
export interface ConversionResult {
  /** The file. */
  readonly output: string;
  /** Its format. */
  readonly format: WeightsFormat;
  /** The naming scheme of the input. */
  readonly scheme: string;
  /** The prefix that was removed from the names before they were translated. */
  readonly prefix: string;
  /** What of the input was taken and what was left out, in a line; empty: all of it. */
  readonly selection: readonly string[];
  /** Tensors of the output, including the teacher and derived buffers. */
  readonly tensors: number;
  /** Trainable parameters of the network; null: no network is known. */
  readonly parameters: number | null;
  /** Whether the output is a checkpoint, which can be evaluated. */
  readonly checkpoint: boolean;
  /** Names in the input of weights that fst does not need. */
  readonly unused: readonly string[];
  /** Prefixes of the input's other networks, which were left out. */
  readonly otherPrefixes: readonly string[];
  /**
   * The conversions that matched the weights with the network, one line per kind; or, if
   * no network is known, the settings that these weights need.
   */
  readonly adjustments: readonly string[];
}

/**
 * Converts a file of weights, PyTorch's or safetensors, in any naming scheme, to
 * PyTorch's format or safetensors with fst's names, which are mmsegmentation's.
 *
 * A checkpoint of a run stays a checkpoint as safetensors, without the optimizer's
 * moments. If the network is known, the derived buffers of PyTorch's modules are added
 * for PyTorch.
 *
 * @param output Written whole or not at all.
 * @throws {RangeError} If the output's extension is unknown, or the file exists or is the
 * input.
 * @throws {WeightsMismatchError} If the weights do not match the configuration's network.
 * @throws {SyntaxError} If the input is damaged or no file of weights.
 */
export async function convertWeights(
  input: string,
  output: string,
  { to, as, config, force = false, ...readOptions }: ConvertOptions = {},
): Promise<ConversionResult> {
  const format = to ?? formatOfFile(output);
  await assertOtherFile(output, input);
  if (!force) await assertNoFile(output);
  const source = await readWeights(input, readOptions);
  const runRecord = await runRecordOf(input, source, config);
  const network = runRecord && buildNetwork(
    runRecord.config.model,
    runRecord.classes,
    runRecord.config.data.channels,
  );
  const loaded = network && fitNetwork(network, source, input);
  const weights = loaded?.tensors ?? source.tensors;
  const adjustments = loaded === null ? variantSettings(weights) : describeFit(loaded);

  const checkpoint = runRecord !== null && format === "safetensors" && as === undefined;
  // Moments have the names of a network, but are not one.
  let otherPrefixes = source.otherPrefixes.filter((prefix) =>
    !prefix.startsWith("optimizer.")
  );
  let outputTensors: ReadonlyMap<string, HostTensor> = addConstants(weights, network);
  if (as !== undefined) outputTensors = writeNames(outputTensors, as, output);
  if (checkpoint) {
    const { metadata } = runRecord;
    const teacher = await teacherWeights(input, runRecord.config, network, source);
    if (teacher !== null) {
      otherPrefixes = otherPrefixes.filter((prefix) =>
        prefix !== CHECKPOINT_PREFIXES.teacher
      );
    }
    outputTensors = joinSections({
      student: weights,
      teacher: teacher?.tensors ?? new Map(),
    });
    const lines = teacher === null ? [] : describeFit(teacher);
    adjustments.push(...lines.map((line) => `teacher: ${line}`));
    await saveCheckpoint(output, { tensors: outputTensors, metadata });
  } else if (format === "safetensors") {
    await writeAtomic(output, safetensorsChunks(outputTensors, { format: "pt" }));
  } else await writeTorchFile(output, outputTensors);
  return {
    output,
    format,
    scheme: source.namingScheme,
    prefix: source.prefix,
    selection: describeSelection({ ...source, otherPrefixes }, {
      stateDictKey: "--root",
      prefix: "--prefix",
    }),
    tensors: outputTensors.size,
    parameters: network && countTrainedParameters(network),
    checkpoint,
    unused: source.dropped,
    otherPrefixes,
    adjustments,
  };
}

/** @throws {RangeError} If the output is the input, by whatever path. */
async function assertOtherFile(output: string, input: string): Promise<void> {
  const paths = [output, input];
  const found = await Promise.all(
    paths.map((path) => statOrNull(path).catch(() => null)),
  );
  if (found.includes(null)) return;
  const [one, other] = await Promise.all(paths.map((path) => Deno.realPath(path)));
  if (one !== other) return;
  throw new RangeError(
    `Cannot write "${output}": it is the file that is read, which may hold more than is ` +
      "converted; choose another name",
  );
}

/** Nothing may be missing: what is written is the whole network. */
const fitNetwork = (
  network: Network,
  { tensors }: TranslatedWeights,
  input: string,
): NetworkWeights => matchNetworkWeights(network, tensors, input);

function formatOfFile(output: string): WeightsFormat {
  if (/\.safetensors$/i.test(output)) return "safetensors";
  if (/\.(pth|pt|bin)$/i.test(output)) return "pth";
  throw new RangeError(
    `Cannot tell how to write "${output}": let it end in .safetensors or .pth, or say ` +
      "--to safetensors or --to pth",
  );
}

interface KnownRun extends Pick<Checkpoint, "metadata"> {
  readonly config: RunConfig;
  readonly classes: number;
}

/** The run that weights belong to, according to the caller or to their checkpoint. */
async function runRecordOf(
  input: string,
  { format, metadata }: TranslatedWeights,
  config: RunConfig | undefined,
): Promise<KnownRun | null> {
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
        forwardCount: 0,
        classes,
        normalization: config.data.normalization,
        metrics: {},
        versions: versions(),
      },
    };
  }
  if (format !== "safetensors" || !("fst" in metadata)) return null;
  const record = (await loadCheckpoint(input)).metadata;
  const text = JSON.stringify(record.config); // JSON is YAML
  return {
    config: parseConfig(text, input),
    classes: record.classes.length,
    metadata: record,
  };
}

/** The teacher, where the method has one and so does the file. */
async function teacherWeights(
  input: string,
  { method }: RunConfig,
  network: Network | null,
  { otherPrefixes, prefix, namingScheme, stateDictKey }: TranslatedWeights,
): Promise<NetworkWeights | null> {
  const { teacher } = CHECKPOINT_PREFIXES;
  const isStudent = !prefix.endsWith(teacher);
  if (!hasTeacher(method) || network === null || !isStudent) return null;
  if (!otherPrefixes.includes(teacher)) return null;
  const read = await readWeights(input, { prefix: teacher, namingScheme, stateDictKey });
  return fitNetwork(network, read, input);
}

function addConstants(
  weights: ReadonlyMap<string, HostTensor>,
  network: Network | null,
): Map<string, HostTensor> {
  const constants = network?.derivedBuffers ?? [];
  return new Map([
    ...weights,
    ...constants.map(({ name, value }) => [name, value()] as const),
  ]);
}

const countTrainedParameters = ({ parameters }: Network): number =>
  parameters.filter(({ trainable }) => trainable)
    .reduce((sum, { shape }) => sum + numel(shape), 0);

/**
 * Checkpoints: one safetensors file with PyTorch's names and layout, whose metadata has
 * everything else that a resumed run or an evaluation needs.
 *
 *     <name>                        student
 *     ema_model.<name>              teacher
 *     imnet_model.<name>            frozen ImageNet encoder, if any
 *     optimizer.exp_avg.<name>      moving average of the gradient, or momentum buffer
 *     optimizer.exp_avg_sq.<name>   moving average of the squared gradient
 *     optimizer.last_grad.<name>    gradient of the last step, if a look-ahead reuses it
 *     loss_memory.<name>            memory bank of the loss, if any
 *
 * @module
 */
import { CLASS_NAME, MAX_CHANNELS } from "../core/host_batch.ts";
import type { HostTensor } from "../core/host_tensor.ts";
import type { Parameter, Weights } from "../core/network.ts";
import { pytorchShape, weightsFromHost } from "../core/weights.ts";
import * as z from "../core/zod.ts";
import { matchWeights } from "./match_weights.ts";
import { safetensorsChunks, type SafetensorsFile } from "./safetensors.ts";

/** The version of the metadata; increases when its meaning changes. */
export const CHECKPOINT_VERSION = 2;

/** The longest record, in characters; those of runs with many classes have 40,000. */
const MOST_RECORD_LENGTH = 2 ** 20;

/** The key of the metadata in a safetensors file. */
const METADATA_KEY = "fst";

const countSchema = z.int().nonnegative();
const byteSchema = z.int().gte(0).lte(255);
const perChannel = z.array(z.number()).min(1).max(MAX_CHANNELS).readonly();
const classSchema = z.object({
  name: z.string().regex(CLASS_NAME),
  color: z.tuple([byteSchema, byteSchema, byteSchema]).readonly(),
});

const engineSchema = z.object({
  name: z.string(),
  version: z.string().nullable(),
  instructionSet: z.string().nullable(),
  threads: z.int().positive(),
}).readonly();

/** What is kept of the evaluations; `train/best_score.ts` judges by it. */
const bestSchema = z.object({
  /** What decides: the score of an evaluation, or of one class in it. */
  evaluation: z.string(),
  score: z.enum([
    "mIoU",
    "meanAccuracy",
    "meanDice",
    "pixelAccuracy",
    "frequencyWeightedIoU",
  ]),
  class: z.string().nullable(),
  /** The best value so far, in 0 … 1, and its iteration; null: none yet. */
  value: z.number().nullable(),
  iteration: countSchema,
  /** That of the last evaluation. */
  evaluatedIteration: countSchema,
  /** What early stopping counts evaluations from, and how many there were since then. */
  valueToBeat: z.number().nullable(),
  evaluationsWithoutBetter: countSchema,
}).readonly();

const hashSchema = z.string().max(100);

/** What a part of the data was; `data/data_set.ts` says what each means. */
const dataIdentitySchema = z.object({
  images: countSchema,
  names: hashSchema,
  sizes: hashSchema,
  contents: hashSchema.nullable(),
}).readonly();

const MetadataSchema = z.object({
  version: z.literal(CHECKPOINT_VERSION),
  /** The run's configuration; `config/schema.ts` has its schema. */
  config: z.unknown(),
  /** Finished iterations: the index of the next one. */
  iteration: countSchema,
  /** Optimizer steps in the moments. */
  optimizerSteps: countSchema,
  /** Forward count: loss evaluations so far, which the EMA warm-up may depend on. */
  forwardCount: countSchema,
  /** In the order of their ids. */
  classes: z.array(classSchema).max(256).readonly(),
  /** Mean and standard deviation that images were normalized with. */
  normalization: z.object({ mean: perChannel, std: perChannel }),
  /** mIoU of the last evaluation, by name; null: not measured. */
  metrics: z.record(z.string(), z.number().nullable()).readonly(),
  /** The best evaluation so far; earlier versions did not say. */
  best: bestSchema.optional(),
  /** Of this project and its libraries, by name. */
  versions: z.record(z.string(), z.string()).readonly(),
  /** What computed it; earlier versions did not say. */
  engine: engineSchema.optional(),
  /** The data, by the part of the configuration; earlier versions did not say. */
  data: z.record(z.string(), dataIdentitySchema).readonly().optional(),
  /** Class weights that followed from counts, by the name of the loss. */
  classWeights: z.record(z.string(), z.array(z.number()).max(256).readonly()).readonly()
    .optional(),
}).readonly();

/** Everything about a checkpoint that is not a tensor. */
export type CheckpointMetadata = z.output<typeof MetadataSchema>;

/** A checkpoint in memory. */
export interface Checkpoint {
  /** Names as in the file. */
  readonly tensors: ReadonlyMap<string, HostTensor>;
  /** Everything else. */
  readonly metadata: CheckpointMetadata;
}

/** The prefixes of a checkpoint's sections; the student has none. */
export const CHECKPOINT_PREFIXES = {
  teacher: "ema_model.",
  imageNetEncoder: "imnet_model.",
  firstMoment: "optimizer.exp_avg.",
  secondMoment: "optimizer.exp_avg_sq.",
  lastGradient: "optimizer.last_grad.",
  memoryBank: "loss_memory.",
} as const;

/** What a checkpoint's tensors are for. */
export type CheckpointSection = "student" | keyof typeof CHECKPOINT_PREFIXES;

const PREFIXES = Object.entries({ student: "", ...CHECKPOINT_PREFIXES }) as [
  CheckpointSection,
  string,
][];

/** Joins the sections of a checkpoint under their prefixes. */
export function joinSections(
  sections: Readonly<Partial<Record<CheckpointSection, ReadonlyMap<string, HostTensor>>>>,
): Map<string, HostTensor> {
  const tensors = new Map<string, HostTensor>();
  for (const [section, prefix] of PREFIXES) {
    for (const [name, tensor] of sections[section] ?? []) {
      tensors.set(prefix + name, tensor);
    }
  }
  return tensors;
}

/** Splits a checkpoint into its sections; absent sections are empty. */
export function splitSections(
  tensors: ReadonlyMap<string, HostTensor>,
): Record<CheckpointSection, Map<string, HostTensor>> {
  const sections: Record<CheckpointSection, Map<string, HostTensor>> = {
    student: new Map(),
    teacher: new Map(),
    imageNetEncoder: new Map(),
    firstMoment: new Map(),
    secondMoment: new Map(),
    lastGradient: new Map(),
    memoryBank: new Map(),
  };
  for (const [name, tensor] of tensors) {
    const found = PREFIXES.findLast(([, prefix]) => name.startsWith(prefix));
    if (found) sections[found[0]].set(name.slice(found[1].length), tensor);
  }
  return sections;
}

function parseMetadata(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return null; // the schema rejects it
    throw error;
  }
}

const Version1Schema = z.looseObject({
  version: z.literal(1),
  teacherClock: z.unknown(),
  normalisation: z.looseObject({}).optional(),
});

/** Renames the keys of version 1 to those of version 2; keeps other metadata. */
function migrateMetadata(raw: unknown): unknown {
  const { success, data } = Version1Schema.safeParse(raw);
  if (!success) return raw;
  const { teacherClock, normalisation, ...rest } = data;
  const { mean, deviation } = normalisation ?? {};
  return {
    ...rest,
    version: 2,
    forwardCount: teacherClock,
    normalization: normalisation && { mean, std: deviation },
  };
}

/**
 * The chunks of a checkpoint's file.
 *
 * @throws {RangeError} As {@linkcode safetensorsChunks}.
 */
export function checkpointChunks({ tensors, metadata }: Checkpoint): Uint8Array[] {
  const text = { format: "pt", [METADATA_KEY]: JSON.stringify(metadata) };
  return safetensorsChunks(tensors, text);
}

/**
 * Makes a checkpoint of what its file holds, also one of version 1.
 *
 * @param path For messages.
 * @param log Called with a sentence if the file has version 1.
 * @throws {SyntaxError} If it was not written as {@linkcode checkpointChunks}, or was
 * written by a later version.
 */
export function parseCheckpoint(
  { tensors, metadata }: SafetensorsFile,
  path: string,
  log: (line: string) => void = () => {},
): Checkpoint {
  const text = metadata[METADATA_KEY];
  if (text === undefined) {
    throw new SyntaxError(
      `Cannot use "${path}" as a checkpoint: it has weights but no record of a run; ` +
        'name it under "model.pretrained" to start from it, or make it a checkpoint with ' +
        "deno task convert --config",
    );
  }
  const saved = text.length > MOST_RECORD_LENGTH ? null : parseMetadata(text);
  const raw = migrateMetadata(saved);
  const { success, data, error } = MetadataSchema.safeParse(raw);
  if (success) {
    if (raw !== saved) log(`"${path}" is a checkpoint of version 1, read as version 2`);
    return { tensors, metadata: data };
  }

  const version = z.object({ version: z.number() }).safeParse(raw).data?.version ?? 0;
  const [issue] = error.issues;
  throw new SyntaxError(
    `Cannot use "${path}" as a checkpoint: ` +
      (version > CHECKPOINT_VERSION
        ? `it has version ${version} and this program knows ${CHECKPOINT_VERSION}; update`
        : `its record of the run is damaged${
          issue === undefined || issue.path.length === 0
            ? ""
            : ` at "${issue.path.join(".")}"`
        }`),
  );
}

/** What computed a checkpoint, by the texts in its file; null if they do not say. */
export function parseEngine(
  { [METADATA_KEY]: text = "" }: SafetensorsFile["metadata"],
): NonNullable<CheckpointMetadata["engine"]> | null {
  const schema = z.object({ engine: engineSchema });
  return schema.safeParse(parseMetadata(text)).data?.engine ?? null;
}

/**
 * The weights of one section of a checkpoint; the caller releases them.
 *
 * @throws {WeightsMismatchError} If it does not have exactly the network's parameters.
 * @throws {RangeError} If a weight is NaN or infinite.
 */
export function readCheckpointSection(
  wanted: readonly Parameter[],
  section: ReadonlyMap<string, HostTensor>,
  file: string,
): Weights {
  matchSection(wanted, section, file);
  return weightsFromHost(wanted, section);
}

/**
 * Compares one section of a checkpoint with a network.
 *
 * @throws {WeightsMismatchError} If it does not have exactly the network's parameters.
 */
export function matchSection(
  wanted: readonly Parameter[],
  section: ReadonlyMap<string, HostTensor>,
  file: string,
): void {
  const shapes = new Map(wanted.map((one) => [one.name, pytorchShape(one)]));
  matchWeights(shapes, section, file);
}

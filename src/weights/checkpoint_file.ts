/**
 * Checkpoints: one safetensors file with PyTorch's names and layout, and everything else
 * that a resumed run or an evaluation needs in its metadata.
 *
 *     <name>                        student
 *     ema_model.<name>              teacher
 *     imnet_model.<name>            frozen pretrained network, where there is one
 *     optimizer.exp_avg.<name>      moving average of the gradient, or momentum buffer
 *     optimizer.exp_avg_sq.<name>   moving average of the squared gradient
 *     loss_memory.<name>            what the loss remembers of earlier iterations, if anything
 *
 * @module
 */
import type { ClassInfo, Normalisation } from "../core/host_batch.ts";
import type { HostTensor } from "../core/host_tensor.ts";
import { z } from "../core/zod.ts";
import { readSafetensors, safetensorsChunks } from "./safetensors.ts";
import { writeAtomic } from "./write_atomic.ts";

/** The layout of the metadata; grows when its meaning changes. */
export const CHECKPOINT_VERSION: number = 1;

/** The key of our metadata in a safetensors file. */
const KEY = "fst";

/** Everything about a checkpoint that is not a tensor. */
export interface CheckpointMetadata {
  /** {@linkcode CHECKPOINT_VERSION} */
  readonly version: number;
  /** The run's configuration; its schema is another module's. */
  readonly config: unknown;
  /** Iterations done, and so the index of the next one. */
  readonly iteration: number;
  /** Steps that the optimizer's moments have seen. */
  readonly optimizerSteps: number;
  /** What the teacher's warm-up has counted. */
  readonly teacherClock: number;
  /** In the order of their ids. */
  readonly classes: readonly ClassInfo[];
  /** What images were shifted and divided by. */
  readonly normalisation: Normalisation;
  /** Figures of the last evaluation and of the best one, by name; null: not measured. */
  readonly metrics: Readonly<Record<string, number | null>>;
  /** Of this project and its libraries, by name. */
  readonly versions: Readonly<Record<string, string>>;
}

const count = z.int().nonnegative();
const byte = z.int().gte(0).lte(255);
const threeNumbers = z.tuple([z.number(), z.number(), z.number()]);

const Metadata: z.ZodType<CheckpointMetadata> = z.object({
  version: z.literal(CHECKPOINT_VERSION),
  config: z.unknown(),
  iteration: count,
  optimizerSteps: count,
  teacherClock: count,
  classes: z.array(z.object({ name: z.string(), color: z.tuple([byte, byte, byte]) })),
  normalisation: z.object({ mean: threeNumbers, deviation: threeNumbers }),
  metrics: z.record(z.string(), z.number().nullable()),
  versions: z.record(z.string(), z.string()),
});

/** A checkpoint in memory. */
export interface Checkpoint {
  /** Names as in the file. */
  readonly tensors: ReadonlyMap<string, HostTensor>;
  /** Everything else. */
  readonly metadata: CheckpointMetadata;
}

/** Sections of a checkpoint by what their names begin with; the student has no prefix. */
export const CHECKPOINT_PREFIX = {
  teacher: "ema_model.",
  imageNet: "imnet_model.",
  firstMoment: "optimizer.exp_avg.",
  secondMoment: "optimizer.exp_avg_sq.",
  memory: "loss_memory.",
} as const;

/** What a checkpoint's tensors are for. */
export type CheckpointSection = "student" | keyof typeof CHECKPOINT_PREFIX;

/** Tensors by what they are for. */
export type CheckpointSections = Readonly<
  Partial<Record<CheckpointSection, ReadonlyMap<string, HostTensor>>>
>;

const SECTIONS = Object.entries(CHECKPOINT_PREFIX) as [
  keyof typeof CHECKPOINT_PREFIX,
  string,
][];

/** Puts the sections of a checkpoint under their prefixes. */
export function joinSections(sections: CheckpointSections): Map<string, HostTensor> {
  const tensors = new Map(sections.student);
  for (const [section, prefix] of SECTIONS) {
    for (const [name, tensor] of sections[section] ?? []) {
      tensors.set(prefix + name, tensor);
    }
  }
  return tensors;
}

/** Takes the sections of a checkpoint apart; those it lacks are empty. */
export function splitSections(
  tensors: ReadonlyMap<string, HostTensor>,
): Record<CheckpointSection, Map<string, HostTensor>> {
  const sections: Record<CheckpointSection, Map<string, HostTensor>> = {
    student: new Map(),
    teacher: new Map(),
    imageNet: new Map(),
    firstMoment: new Map(),
    secondMoment: new Map(),
    memory: new Map(),
  };
  for (const [name, tensor] of tensors) {
    const [section, prefix] = SECTIONS.find(([, start]) => name.startsWith(start)) ?? [];
    sections[section ?? "student"].set(name.slice(prefix?.length ?? 0), tensor);
  }
  return sections;
}

/**
 * Writes a checkpoint; an older one under the same name stays until the new one is whole.
 *
 * @param path The folder must exist.
 * @throws {Error} As {@linkcode writeAtomic}.
 */
export async function saveCheckpoint(
  path: string,
  { tensors, metadata }: Checkpoint,
): Promise<void> {
  const text = { format: "pt", [KEY]: JSON.stringify(metadata) };
  await writeAtomic(path, safetensorsChunks(tensors, text));
}

function readMetadata(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return null; // refused with the other misfits
    throw error;
  }
}

/**
 * Reads a checkpoint.
 *
 * @throws {Deno.errors.NotFound} If there is no such file.
 * @throws {SyntaxError} If it is not a whole safetensors file, or was not written by
 * {@linkcode saveCheckpoint}, or by a later version of it.
 */
export async function loadCheckpoint(path: string): Promise<Checkpoint> {
  const { tensors, metadata } = await readSafetensors(path);
  const text = metadata[KEY];
  if (text === undefined) {
    throw new SyntaxError(
      `Cannot use "${path}" as a checkpoint: it has weights but no record of a run; ` +
        'name it under "model.pretrained" to start from it',
    );
  }
  const raw = readMetadata(text);
  const { success, data, error } = Metadata.safeParse(raw);
  if (success) return { tensors, metadata: data };

  const version = z.object({ version: z.number() }).safeParse(raw).data?.version ?? 0;
  const [issue] = error.issues;
  throw new SyntaxError(
    `Cannot use "${path}" as a checkpoint: ` +
      (version > CHECKPOINT_VERSION
        ? `it has version ${version} and this program knows ${CHECKPOINT_VERSION}; update`
        : `its record of the run is damaged at "${issue?.path.join(".") ?? ""}"`),
  );
}

/** A learner ↔ the sections of a checkpoint. @module */
import type { HostTensor } from "../core/host_tensor.ts";
import type { Parameter, Weights } from "../core/network.ts";
import {
  copyWeights,
  initialWeights,
  pytorchShape,
  weightsFromHost,
  weightsToHost,
  zerosLike,
} from "../core/weights.ts";
import type { Learner } from "../methods/learner.ts";
import { joinSections, splitSections } from "../weights/checkpoint_file.ts";
import { matchWeights } from "../weights/mismatch.ts";

/**
 * A learner before its first iteration; the caller releases its weights.
 *
 * @param hasSecond Whether its optimizer remembers the squares of gradients.
 * @param memory What its loss remembers.
 */
export function freshLearner(
  parameters: readonly Parameter[],
  student: Weights,
  hasTeacher: boolean,
  hasSecond = true,
  memory: readonly Parameter[] = [],
): Learner {
  return {
    student,
    teacher: hasTeacher ? copyWeights(student) : null,
    moments: {
      steps: 0,
      first: zerosLike(parameters),
      second: hasSecond ? zerosLike(parameters) : new Map(),
    },
    ...memory.length > 0 && { memory: initialWeights(memory, 0) },
    evaluations: 0,
  };
}

/** The tensors of a checkpoint. */
export async function learnerToHost(
  parameters: readonly Parameter[],
  { student, teacher, moments, memory = new Map() }: Learner,
  frozen: Weights | null,
): Promise<Map<string, HostTensor>> {
  return joinSections({
    student: await weightsToHost(parameters, student),
    teacher: await weightsToHost(parameters, teacher ?? new Map()),
    imageNet: await weightsToHost(parameters, frozen ?? new Map()),
    firstMoment: await weightsToHost(parameters, moments.first),
    secondMoment: await weightsToHost(parameters, moments.second),
    memory: await weightsToHost(
      [...memory].map(([name, { shape }]) => plainly(name, shape)),
      memory,
    ),
  });
}

/**
 * A learner as a checkpoint left it; the caller releases its weights.
 *
 * @throws {WeightsMismatchError} If the checkpoint is of another network.
 */
export function learnerFromHost(
  parameters: readonly Parameter[],
  tensors: ReadonlyMap<string, HostTensor>,
  { file, optimizerSteps, evaluations, hasTeacher, hasSecond = true, memory = [] }: {
    file: string;
    optimizerSteps: number;
    evaluations: number;
    hasTeacher: boolean;
    /** Whether its optimizer remembers the squares of gradients. @default {true} */
    hasSecond?: boolean;
    /** What its loss remembers. @default {[]} */
    memory?: readonly Parameter[];
  },
): Learner {
  const sections = splitSections(tensors);
  const trained = parameters.filter(({ trained }) => trained);
  const read = (
    wanted: readonly Parameter[],
    section: ReadonlyMap<string, HostTensor>,
  ) => readSection(wanted, section, file);
  return {
    student: read(parameters, sections.student),
    teacher: hasTeacher ? read(parameters, sections.teacher) : null,
    moments: {
      steps: optimizerSteps,
      first: read(trained, sections.firstMoment),
      second: read(hasSecond ? trained : [], sections.secondMoment),
    },
    ...memory.length > 0 && { memory: read(memory, sections.memory) },
    evaluations,
  };
}

// Only the name, and that no axis moves, matter for what is written.
function plainly(name: string, shape: readonly number[]): Parameter {
  const initial = { kind: "constant", value: 0 } as const;
  return { name, shape, layout: "plain", initial, trained: false };
}

/**
 * The weights of one section of a checkpoint; the caller releases them.
 *
 * @throws {WeightsMismatchError} If it is not exactly what the network asks for.
 */
export function readSection(
  wanted: readonly Parameter[],
  section: ReadonlyMap<string, HostTensor>,
  file: string,
): Weights {
  const shapes = new Map(wanted.map((one) => [one.name, pytorchShape(one)]));
  matchWeights(shapes, section, file);
  return weightsFromHost(wanted, section);
}

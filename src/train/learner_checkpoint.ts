/** A learner ↔ the sections of a checkpoint. @module */
import type { HostTensor } from "../core/host_tensor.ts";
import type { Parameter, Weights } from "../core/network.ts";
import {
  cloneWeights,
  initializeWeights,
  weightsToHost,
  zeroMoments,
} from "../core/weights.ts";
import type { Learner } from "../methods/learner.ts";
import {
  joinSections,
  readCheckpointSection,
  splitSections,
} from "../weights/checkpoint.ts";

/**
 * A learner before its first iteration; the caller releases its weights.
 *
 * @param hasSecond Whether its optimizer keeps a second moment.
 * @param memory Parameters of the state of its loss.
 */
export function createLearner(
  parameters: readonly Parameter[],
  student: Weights,
  hasTeacher: boolean,
  hasSecond = true,
  memory: readonly Parameter[] = [],
): Learner {
  return {
    student,
    teacher: hasTeacher ? cloneWeights(student) : null,
    moments: {
      steps: 0,
      first: zeroMoments(parameters),
      second: hasSecond ? zeroMoments(parameters) : new Map(),
    },
    ...memory.length > 0 && { lossState: initializeWeights(memory, 0) },
    lastGradient: new Map(),
    forwardCount: 0,
  };
}

/** The tensors of a checkpoint. */
export async function learnerToTensors(
  parameters: readonly Parameter[],
  { student, teacher, moments, lossState = new Map(), lastGradient = new Map() }: Learner,
  frozen: Weights | null,
): Promise<Map<string, HostTensor>> {
  return joinSections({
    student: await weightsToHost(parameters, student),
    teacher: await weightsToHost(parameters, teacher ?? new Map()),
    imageNetEncoder: await weightsToHost(parameters, frozen ?? new Map()),
    firstMoment: await weightsToHost(parameters, moments.first),
    secondMoment: await weightsToHost(parameters, moments.second),
    lastGradient: await weightsToHost(parameters, lastGradient),
    memoryBank: await weightsToHost(
      [...lossState].map(([name, { shape }]) => plainParameter(name, shape)),
      lossState,
    ),
  });
}

/**
 * A learner as a checkpoint left it; the caller releases its weights.
 *
 * @throws {WeightsMismatchError} If the checkpoint is of another network.
 */
export function learnerFromTensors(
  parameters: readonly Parameter[],
  tensors: ReadonlyMap<string, HostTensor>,
  {
    file,
    optimizerSteps,
    forwardCount,
    hasTeacher,
    hasSecond = true,
    memory = [],
  }: {
    file: string;
    optimizerSteps: number;
    forwardCount: number;
    hasTeacher: boolean;
    /** Whether its optimizer keeps a second moment. @default {true} */
    hasSecond?: boolean;
    /** Parameters of the state of its loss. @default {[]} */
    memory?: readonly Parameter[];
  },
): Learner {
  const sections = splitSections(tensors);
  const trained = parameters.filter(({ trainable }) => trainable);
  const readSectionOf = (
    wanted: readonly Parameter[],
    section: ReadonlyMap<string, HostTensor>,
  ) => readCheckpointSection(wanted, section, file);
  return {
    student: readSectionOf(parameters, sections.student),
    teacher: hasTeacher ? readSectionOf(parameters, sections.teacher) : null,
    moments: {
      steps: optimizerSteps,
      first: readSectionOf(trained, sections.firstMoment),
      second: readSectionOf(hasSecond ? trained : [], sections.secondMoment),
    },
    ...memory.length > 0 && { lossState: readSectionOf(memory, sections.memoryBank) },
    // Of the parameters that have one; of none, where no look-ahead reuses it.
    lastGradient: new Map(
      readSectionOf(
        trained.filter(({ name }) => sections.lastGradient.has(name)),
        sections.lastGradient,
      ),
    ),
    forwardCount,
  };
}

// Only the name, and that no axis moves, matter for what is written.
function plainParameter(name: string, shape: readonly number[]): Parameter {
  const initializer = { kind: "constant", value: 0 } as const;
  return { name, shape, layout: "plain", initializer, trainable: false };
}

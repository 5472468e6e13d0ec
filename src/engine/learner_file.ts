/** A learner ↔ the sections of a checkpoint. @module */
import type { HostTensor } from "../core/host_tensor.ts";
import type { Network, Parameter, Weights } from "../core/network.ts";
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
import { readSafetensors } from "../weights/safetensors.ts";

/** A learner before its first iteration; the caller releases its weights. */
export function freshLearner(
  parameters: readonly Parameter[],
  student: Weights,
  hasTeacher: boolean,
): Learner {
  return {
    student,
    teacher: hasTeacher ? copyWeights(student) : null,
    moments: { steps: 0, first: zerosLike(parameters), second: zerosLike(parameters) },
    evaluations: 0,
  };
}

/**
 * Fresh weights, or those of a file where it has them.
 *
 * A file may hold a whole network or an encoder alone (with or without "backbone." before
 * its names); a decoder that the file lacks starts afresh.
 *
 * @throws {WeightsMismatchError} If an encoder weight is missing or has another shape.
 */
export async function startingWeights(
  network: Network,
  pretrained: string | null,
  seed: number,
): Promise<Weights> {
  const weights = initialWeights(network.parameters, seed);
  if (pretrained === null) return weights;
  const { tensors } = await readSafetensors(pretrained);
  const named = withPrefix(splitSections(tensors).student);
  const inFile = (part: readonly Parameter[]) => part.some(({ name }) => named.has(name));
  const wanted = inFile(network.decoder.parameters)
    ? network.parameters
    : network.encoder.parameters;
  const shapes = new Map(wanted.map((one) => [one.name, pytorchShape(one)]));
  // A published backbone brings the classifier it was trained with.
  matchWeights(shapes, named, pretrained, {
    allowUnexpected: ["backbone.head.*", "head.*"],
  });
  const loaded = weightsFromHost(wanted, named);
  return new Map([...weights].map(([name, fresh]) => {
    const value = loaded.get(name);
    if (value === undefined) return [name, fresh];
    fresh.dispose();
    return [name, value];
  }));
}

/** The tensors of a checkpoint. */
export async function learnerToHost(
  parameters: readonly Parameter[],
  { student, teacher, moments }: Learner,
  frozen: Weights | null,
): Promise<Map<string, HostTensor>> {
  return joinSections({
    student: await weightsToHost(parameters, student),
    teacher: await weightsToHost(parameters, teacher ?? new Map()),
    imageNet: await weightsToHost(parameters, frozen ?? new Map()),
    firstMoment: await weightsToHost(parameters, moments.first),
    secondMoment: await weightsToHost(parameters, moments.second),
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
  { file, optimizerSteps, evaluations, hasTeacher }: {
    file: string;
    optimizerSteps: number;
    evaluations: number;
    hasTeacher: boolean;
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
      second: read(trained, sections.secondMoment),
    },
    evaluations,
  };
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

function withPrefix(named: ReadonlyMap<string, HostTensor>): Map<string, HostTensor> {
  const whole = [...named.keys()].some((name) =>
    name.startsWith("backbone.") || name.startsWith("decode_head.")
  );
  if (whole) return new Map(named);
  return new Map([...named].map(([name, value]) => [`backbone.${name}`, value]));
}

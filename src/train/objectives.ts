/** From a method's configuration to its losses and gradients. @module */
import { drawComplementaryDropout } from "../augment/complementary_dropout.ts";
import {
  applyMaskedView,
  applyRecolor,
  drawMaskedView,
  drawRecolor,
  drawTokenMask,
  patchGrid,
} from "../augment/masked_view.ts";
import { boxMask, drawPerturbation, perturb } from "../augment/perturbation.ts";
import {
  applyStrongAugmentation,
  drawStrongAugmentation,
} from "../augment/strong_augmentation.ts";
import { applyStrongView, drawStrongView } from "../augment/strong_view.ts";
import { resolveClassIds } from "../config/data.ts";
import {
  type ContrastiveConfig,
  isSemiSupervised,
  type MaskedConsistencyConfig,
  type MethodConfig,
  type SelfTrainingConfig,
  type SemiSupervisedConfig,
} from "../config/method.ts";
import type { RunConfig } from "../config/schema.ts";
import type { Batch } from "../core/batch.ts";
import {
  type ClassInfo,
  IGNORE_INDEX,
  type Normalization,
  STEPS_OF_16_BITS,
} from "../core/host_batch.ts";
import { hostInput, uploadHostInput } from "../core/host_input.ts";
import type { Network, Parameter, Weights } from "../core/network.ts";
import { createRandom } from "../core/random.ts";
import * as tf from "../core/tf.ts";
import {
  domainAdaptation,
  type DomainAdaptationOptions,
  type MixFunction,
} from "../methods/domain_adaptation.ts";
import type { StepInputs } from "../methods/pseudo_labeler.ts";
import { imageNetFeatureDistance } from "../methods/imagenet_feature_distance.ts";
import type { Learner, Objective } from "../methods/learner.ts";
import {
  type ContrastTerm,
  meanTeacher,
  type PerturbFunction,
} from "../methods/mean_teacher.ts";
import {
  type MaskedConsistency,
  maskedConsistency,
} from "../methods/masked_consistency.ts";
import { partialSourceLoss, sourceLoss } from "../methods/source_loss.ts";
import { supervisedObjective } from "../methods/supervised.ts";
import type { HeadNetwork } from "../models/head_network.ts";
import type { Criterion } from "../objectives/criterion.ts";
import { buildCriterion, type CountedWeights } from "./criterion.ts";
import {
  type ChannelFactorsFunction,
  type StrongViewFunction,
  weakToStrong,
} from "../methods/weak_to_strong.ts";
import {
  contrastMemoryParameters,
  openContrastMemory,
} from "../objectives/contrast_memory.ts";

/** What objectives are made of. */
export interface ObjectiveOptions {
  readonly config: RunConfig;
  /** Of the data set, in the order of their ids. */
  readonly classes: readonly ClassInfo[];
  readonly network: Network;
  /**
   * Of which decoder and heads alone learn, for a look-ahead that moves them alone.
   * @default {null}
   */
  readonly head?: HeadNetwork | null;
  readonly learner: Learner;
  /** The encoder's starting weights, if features are kept near them. */
  readonly frozenEncoder: Weights | null;
  /** The class weights of the criterion that follow from counts. */
  readonly countedWeights: CountedWeights;
  /** Called in every step that uses images without labels. */
  readonly onStep: (step: StepInputs) => void;
  /** From the index of a forward pass to the iteration that it is part of. */
  readonly iterationAt: (forwardIndex: number) => number;
  /** How much of the run is done at a forward pass, 0 … 1. */
  readonly progress: (forwardIndex: number) => number;
}

/** The losses and gradients of a run. */
export interface Objectives {
  /** Of iterations with labels alone. */
  readonly supervisedOnly: Objective;
  /** Of all others. */
  readonly main: Objective;
  /** Of virtual steps that move decoder and heads alone; null without `head`. */
  readonly headOnly: Objective | null;
  /** Frees what they keep. */
  release(): void;
}

/** Builds the objectives of a run. */
export function buildObjectives(options: ObjectiveOptions): Objectives {
  const { config: { method, seed }, classes, network, countedWeights } = options;
  const { head = null } = options;
  const headOptions = head && { ...options, network: head.network };
  const criterion = buildCriterion(method, classes, countedWeights);
  if (!isSemiSupervised(method)) {
    const ofMethod = domainAdaptationOptions(method, criterion, options);
    const source = sourceLoss({ ...ofMethod, network: head?.whole ?? network });
    const main = domainAdaptation({ ...ofMethod, source });
    if (head === null || headOptions === null) {
      return { supervisedOnly: main, main, headOnly: null, release() {} };
    }
    const ofHead = domainAdaptationOptions(method, criterion, headOptions);
    // What keeps features near others has no part in a head.
    const partial = sourceLoss({ ...ofHead, featureDistance: null });
    const { captureMaps, network: { parameters } } = head;
    const headOnly = domainAdaptation({
      ...ofHead,
      source: partialSourceLoss(source, captureMaps, partial, parameters),
    });
    return { supervisedOnly: main, main, headOnly, release() {} };
  }
  const contrast = buildContrastTerm(options);
  return {
    supervisedOnly: supervisedObjective(network, seed, criterion),
    main: semiSupervisedObjective(method, criterion, contrast, options),
    headOnly: headOptions &&
      semiSupervisedObjective(method, criterion, contrast, headOptions),
    release: () => contrast?.memory.release(),
  };
}

function domainAdaptationOptions(
  method: Exclude<MethodConfig, SemiSupervisedConfig>,
  criterion: Criterion,
  options: ObjectiveOptions,
): DomainAdaptationOptions {
  const { config: { seed, data, optimizer }, classes, network, frozenEncoder, onStep } =
    options;
  const { accumulationSteps } = optimizer;
  const common = { network, seed, criterion, onStep, accumulationSteps };
  if (method.name !== "self-training") {
    const nothingToReuse = { reuse: false, shareDropout: false };
    return { ...common, ...nothingToReuse, target: null, featureDistance: null };
  }
  const { lookAhead, featureDistance, pseudoLabel } = method;
  const mix = mixFunction(method, seed, colorNormalization(data));
  return {
    ...common,
    reuse: lookAhead?.reuse ?? false,
    // By head, the first virtual step shares its pass with the real one.
    shareDropout: lookAhead?.by === "head" || (lookAhead?.shareDropout ?? false),
    target: {
      ...{ pseudoLabel, mix },
      counted: pseudoLabel.ignoreMargins && countedPixels,
      masked: maskedTerm(method.maskedConsistency, options),
      measuresAgreement: measuresAgreement(method),
    },
    featureDistance: featureDistance === null || frozenEncoder === null
      ? null
      : imageNetFeatureDistance(network, frozenEncoder, {
        ...featureDistance,
        classIds: featureDistance.classes &&
          resolveClassIds(featureDistance.classes, classes),
      }),
  };
}

/** 1 for the target pixels whose pseudo-labels count: all where the batch does not say. */
function countedPixels({ host }: Batch): tf.Tensor {
  const boxes = hostInput({ host }, ({ host: { target, batchSize, height, width } }) => {
    const whole = { top: 0, left: 0, height, width };
    return target?.countedBoxes ?? Array.from({ length: batchSize }, () => whole);
  });
  return boxMask(boxes, host.batchSize, host);
}

/** Of the three channels that color jitter takes for RGB, on its scale of 0 … 255. */
function colorNormalization(
  { bitDepth, normalization: { mean, std } }: RunConfig["data"],
): Normalization {
  const steps = bitDepth === 16 ? STEPS_OF_16_BITS : 1;
  const scaled = (values: readonly number[]) =>
    values.slice(0, 3).map((value) => value / steps);
  return { mean: scaled(mean), std: scaled(std) };
}

function mixFunction(
  { mixing }: SelfTrainingConfig,
  seed: number,
  normalization: Normalization,
): MixFunction {
  return ({ host, source, target }, pseudoLabel, forwardIndex) => {
    const drawn = hostInput({ host, forwardIndex }, ({ host, forwardIndex }) => {
      const random = createRandom(seed, "strong", forwardIndex);
      const { source: { labels }, batchSize, part } = host;
      return drawStrongAugmentation(labels, batchSize, mixing, random, part);
    });
    const images = target?.images ?? source.images;
    return applyStrongAugmentation(
      { source, target: { ...pseudoLabel, images } },
      drawn,
      normalization,
      { neverBlurs: mixing.blurProbability === 0 },
    );
  };
}

function maskedTerm(
  masking: MaskedConsistencyConfig | null,
  { config: { seed, data, optimizer }, network }: ObjectiveOptions,
): MaskedConsistency | null {
  if (masking === null) return null;
  const normalization = colorNormalization(data);
  const { lossWeight, blurProbability, blockSize, ratio } = masking;
  const { accumulationSteps } = optimizer;
  const neverBlurs = blurProbability === 0;
  const randomAt = (forwardIndex: number) => createRandom(seed, "masked", forwardIndex);
  const common = { network, seed, lossWeight, accumulationSteps };
  if (masking.mask === "patches") {
    return maskedConsistency({
      ...common,
      mask: (images, { host }, forwardIndex) => {
        const drawn = hostInput(
          { host, forwardIndex },
          ({ host, forwardIndex }) =>
            drawMaskedView(masking, host, randomAt(forwardIndex)),
        );
        const grid = patchGrid(host, blockSize);
        return applyMaskedView(images, drawn, grid, normalization, { neverBlurs });
      },
    });
  }
  if (!network.encoder.hasMaskToken) {
    throw new TypeError(
      'Cannot use "method.maskedConsistency.mask", "tokens": the encoder has no mask ' +
        'token; give it one and hasMaskToken, or set it to "patches"',
    );
  }
  return maskedConsistency({
    ...common,
    maskTokens: (shape, key) => drawTokenMask(shape, ratio, key),
    mask: (images, { host }, forwardIndex) => {
      const drawn = hostInput(
        { host, forwardIndex },
        ({ host, forwardIndex }) => drawRecolor(masking, host, randomAt(forwardIndex)),
      );
      return applyRecolor(images, drawn, normalization, { neverBlurs });
    },
  });
}

function semiSupervisedObjective(
  method: SemiSupervisedConfig,
  criterion: Criterion,
  contrast: ContrastTerm | null,
  options: ObjectiveOptions,
): Objective {
  const { config: { seed, data }, network, onStep, progress } = options;
  const { padding } = data;
  const normalization = colorNormalization(data);
  const common = {
    ...{ network, seed, criterion, onStep },
    // Where padding has no label, it gets none from the teacher either.
    ignorePadding: padding.label === IGNORE_INDEX,
    measuresAgreement: measuresAgreement(method),
    masked: maskedTerm(method.maskedConsistency, options),
  };
  if (method.name === "weak-to-strong") {
    const { strongAugmentation } = method;
    const strongView: StrongViewFunction = (input, { host }, forwardIndex, view) => {
      const drawn = hostInput({ host, forwardIndex }, ({ host, forwardIndex }) => {
        const random = createRandom(seed, `strong/${view}`, forwardIndex);
        return drawStrongView(strongAugmentation, host, random);
      });
      return applyStrongView(input, drawn, normalization, strongAugmentation);
    };
    const channels = Math.max(...network.encoder.channels);
    const channelFactors: ChannelFactorsFunction = ({ host }, forwardIndex) =>
      hostInput({ host, forwardIndex }, ({ host, forwardIndex }) => {
        const random = createRandom(seed, "dropout/complementary", forwardIndex);
        return drawComplementaryDropout(host, channels, random);
      });
    return weakToStrong({
      ...{ ...method, ...common, strongView },
      copiesBuffers: method.teacher.buffers === "copy",
      channelFactors: method.complementaryDropout ? channelFactors : null,
    });
  }
  const { perturbation: { name, probability }, entropyFilter } = method;
  const { classCount } = network;
  const drawnPerturbation: PerturbFunction = (input, { host }, forwardIndex) => {
    const drawn = hostInput({ host, forwardIndex }, ({ host, forwardIndex }) => {
      const random = createRandom(seed, "perturbation", forwardIndex);
      return drawPerturbation(probability, { ...host, classCount }, random);
    });
    return perturb(name, input, drawn, classCount);
  };
  const { keepPercent, anneal, teacherMode } = entropyFilter;
  const keptPercentAt = (forwardIndex: number) =>
    100 - (100 - keepPercent) * progress(forwardIndex);
  return meanTeacher({
    ...common,
    ...{ contrast, unsupervisedWeight: method.unsupervisedWeight },
    perturb: drawnPerturbation,
    filterMode: teacherMode,
    keptPercent: ({ host }, forwardIndex) => {
      if (!anneal) return keepPercent;
      // Only a replay needs it on the device, where it is rounded.
      if (tf.getBackend() !== "webgpu") return keptPercentAt(forwardIndex);
      const fraction = hostInput(
        { host, forwardIndex },
        ({ forwardIndex }) => Float32Array.of(keptPercentAt(forwardIndex) / 100),
      );
      return uploadHostInput(fraction, [1]);
    },
  });
}

function measuresAgreement({ lookAhead }: SelfTrainingConfig | SemiSupervisedConfig) {
  return lookAhead !== null && lookAhead.agreement !== null;
}

/** What a method's loss keeps between iterations, for checkpoints: nothing for most. */
export function lossStateParameters(
  { method }: Pick<RunConfig, "method">,
  network: Network,
): readonly Parameter[] {
  const contrastive = contrastiveConfigOf(method);
  if (contrastive === null) return [];
  return contrastMemoryParameters({
    ...representationSizes(network),
    ...contrastive.memoryBank,
  });
}

/** Takes the learner's loss state into use; null without a contrastive loss. */
export function buildContrastTerm(
  { config: { method, iterations }, network, learner, iterationAt }: Pick<
    ObjectiveOptions,
    "config" | "network" | "learner" | "iterationAt"
  >,
): ContrastTerm | null {
  const contrastive = contrastiveConfigOf(method);
  if (contrastive === null || !isSemiSupervised(method)) return null;
  const { lowEntropyThreshold, prototypeDecay, memoryBank } = contrastive;
  const { supervisedOnlyIterations: start } = method;
  const { lossState = new Map() } = learner;
  const scheduleAt = (forwardIndex: number) => {
    const t = iterationAt(forwardIndex);
    const fraction = lowEntropyThreshold / 100 * (1 - t / iterations);
    // Counts the iterations in which the teacher gives labels.
    const decay = Math.min(1 - 1 / Math.max(t - start, 1), prototypeDecay);
    return Float32Array.of(fraction, decay);
  };
  return {
    ...contrastive,
    memory: openContrastMemory(lossState, {
      ...representationSizes(network),
      ...memoryBank,
    }),
    schedule: ({ host }, forwardIndex) =>
      uploadHostInput(
        hostInput({ host, forwardIndex }, ({ forwardIndex }) => scheduleAt(forwardIndex)),
        [2],
      ),
  };
}

function contrastiveConfigOf(method: MethodConfig): ContrastiveConfig | null {
  return method.name === "mean-teacher" ? method.contrastive : null;
}

function representationSizes(
  { classCount, decoder: { representationChannels: channels } }: Network,
): { classCount: number; channels: number } {
  if (channels !== undefined) return { classCount, channels };
  throw new TypeError(
    'Cannot use "method.contrastive": the network gives no representation of pixels; give ' +
      "its decoder applyWithRepresentation() and representationChannels, or set it to null",
  );
}

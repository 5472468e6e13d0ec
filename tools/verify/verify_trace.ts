/** Verifies `trace_*` goldens: four iterations of a method, step by step. @module */
import { readBack } from "../../src/core/backend.ts";
import { type Batch, releaseBatch } from "../../src/core/batch.ts";
import type { Network, Weights } from "../../src/core/network.ts";
import * as tf from "../../src/core/tf.ts";
import {
  cloneWeights,
  releaseWeights,
  weightsToHost,
  zeroMoments,
} from "../../src/core/weights.ts";
import { domainAdaptation } from "../../src/methods/domain_adaptation.ts";
import type { StepInputs } from "../../src/methods/pseudo_labeler.ts";
import { imageNetFeatureDistance } from "../../src/methods/imagenet_feature_distance.ts";
import {
  futureSelfTraining,
  type LookAhead,
} from "../../src/methods/future_self_training.ts";
import { createScratchSets, releaseScratchSets } from "../../src/methods/scratch_sets.ts";
import {
  type Learner,
  type Objective,
  type Recipe,
  releaseLosses,
} from "../../src/methods/learner.ts";
import { pasteSource } from "../../src/ops/class_mix/class_mix.ts";
import { adamwStep } from "../../src/optim/optimizer.ts";
import { learningRateAt } from "../../src/optim/learning_rate.ts";
import { checkError, type CheckResult } from "../../src/doctor/check.ts";
import {
  channelsLastTensor,
  type Golden,
  labelTensor,
  numbersOf,
  parseSidecar,
  recordedWeights,
  storedTensor,
} from "./golden_file.ts";
import { addRoundingNoise, verifyUpToRounding } from "./rounding_noise.ts";
import { referenceNetwork } from "./reference_network.ts";
import {
  normChecks,
  type RecordedEvaluation,
  stepChecks,
  updateChecks,
} from "./trace_checks.ts";
import { crossEntropyCriterion } from "../../src/objectives/criterion.ts";
import { TraceSidecar } from "./trace_sidecar.ts";

type UdaConfig = TraceSidecar["config"]["uda"];

/** Runs the method of a golden on its batches and masks, and compares every step. */
export const verifyTrace = (golden: Golden): Promise<CheckResult[]> =>
  verifyUpToRounding((nudge) => runTrace(golden, nudge));

async function runTrace(golden: Golden, trial: number): Promise<CheckResult[]> {
  const sidecar = parseSidecar(golden, TraceSidecar);
  const network = referenceNetwork(sidecar.config.model);
  const { uda } = sidecar.config;
  const student = recordedWeights(golden, network.parameters, "weights/student/");
  const frozen = recordedWeights(golden, network.parameters, "weights/imnet/", {
    allowMissing: ["*"],
  });
  const learner: Learner = {
    student,
    teacher: cloneWeights(student),
    moments: {
      steps: 0,
      first: zeroMoments(network.parameters),
      second: zeroMoments(network.parameters),
    },
    forwardCount: 0,
  };
  const evaluationRecords: Promise<RecordedEvaluation>[] = [];
  const objective = recordingObjective(golden, network, frozen, uda, evaluationRecords);
  const lookAhead = lookAheadOf(uda);
  const scratch = createScratchSets(learner, lookAhead);
  const { optimizer, lr_config: poly } = sidecar.config;
  const results: CheckResult[] = [];

  for (const [t, indices] of sidecar.config.batches.entries()) {
    const currentLearningRate = learningRateAt(optimizer.lr, t, {
      iterations: poly.max_iters,
      warmupIterations: poly.warmup_iters,
      warmupRatio: poly.warmup_ratio,
      power: poly.power,
      minLearningRate: poly.min_lr,
    });
    const expected = sidecar.lr_per_iteration[t]?.backbone ?? NaN;
    results.push(
      checkError(
        `iter${t}/learning rate`,
        Math.abs(currentLearningRate / expected - 1),
        1e-9,
      ),
    );
    const batches = indices.map((i) => goldenBatch(golden, i, trial));
    const recipe: Recipe = {
      parameters: network.parameters,
      ...objective,
      optimizerStep: (weights, moments, gradient) =>
        adamwStep(network.parameters, weights, moments, gradient, currentLearningRate, {
          betas: optimizer.betas,
          eps: optimizer.eps,
          weightDecay: optimizer.weight_decay,
          headLrMultiplier: optimizer.custom_keys.head.lr_mult,
        }),
    };
    const losses = futureSelfTraining({
      ...{ learner, scratch, lookAhead, recipe },
      batches,
      iteration: t,
    });
    releaseLosses(losses);
    batches.forEach(releaseBatch);
    for (const [role, weights] of namedWeights(learner)) {
      const current = await weightsToHost(network.parameters, weights);
      results.push(
        ...updateChecks(golden, network, sidecar, current, `iter${t}/${role}`),
        ...normChecks(network, sidecar, current, `iter${t}/${role}`),
      );
    }
  }
  results.push(...stepChecks(golden, sidecar, await Promise.all(evaluationRecords)));
  const expectedSteps = sidecar.adamw_step_counter_after_4_iterations[0] ?? NaN;
  results.push(
    checkError("optimizer steps", Math.abs(learner.moments.steps - expectedSteps), 0),
  );

  releaseScratchSets(scratch);
  const sets = [student, frozen, learner.moments.first, learner.moments.second];
  for (const set of [...sets, learner.teacher ?? new Map()]) releaseWeights(set);
  return results;
}

// The evaluation of the method, with the golden's masks and everything written down.
function recordingObjective(
  golden: Golden,
  network: Network,
  imagenetWeights: Weights,
  uda: UdaConfig,
  records: Promise<RecordedEvaluation>[],
): Objective {
  let inputs: StepInputs | null = null;
  const kept: {
    pseudoLabels: tf.Tensor;
    mixedLabels: tf.Tensor;
    pixelWeights: tf.Tensor;
  }[] = [];
  const { forwardBackward, clearCache } = domainAdaptation({
    criterion: crossEntropyCriterion("all"),
    network,
    seed: 0, // no dropout in these networks
    reuse: true,
    shareDropout: false,
    target: uda.type === "SourceOnly" ? null : {
      pseudoLabel: {
        threshold: uda.pseudo_threshold,
        ignoreTop: uda.pseudo_weight_ignore_top,
        ignoreBottom: uda.pseudo_weight_ignore_bottom,
      },
      mix: ({ source, target }, pseudoLabels, evaluation) =>
        tf.tidy(() => {
          const mask = labelTensor(golden, `input/step${evaluation}/mix_mask`);
          const images = target?.images ?? source.images;
          return { ...pasteSource(mask, source, { ...pseudoLabels, images }) };
        }),
    },
    featureDistance: uda.imnet_feature_dist_lambda === 0
      ? null
      : imageNetFeatureDistance(network, imagenetWeights, {
        lossWeight: uda.imnet_feature_dist_lambda,
        classIds: uda.imnet_feature_dist_classes,
        scaleMinRatio: uda.imnet_feature_dist_scale_min_ratio ?? 0,
      }),
    onStep(stepInputs) {
      inputs = stepInputs;
      kept.push({
        pseudoLabels: tf.keep(tf.clone(stepInputs.pseudoLabel.labels)),
        mixedLabels: tf.keep(tf.clone(stepInputs.mixed.labels)),
        pixelWeights: tf.keep(tf.clone(stepInputs.mixed.pixelWeights)),
      });
    },
  });
  const recorded: Objective["forwardBackward"] = (...args) => {
    inputs = null;
    const result = forwardBackward(...args);
    const losses = new Map(
      [...result.losses].map(([name, lossTensor]) => [name, tf.clone(lossTensor)]),
    );
    const stepTensors = inputs === null ? null : kept.pop() ?? null;
    const read = async (): Promise<RecordedEvaluation> => {
      const numbers = new Map<string, number>();
      for (const [name, loss] of losses) {
        const [value = NaN] = await readBack(loss);
        numbers.set(name, value);
      }
      const record = {
        losses: numbers,
        pseudoLabels: stepTensors &&
          Int32Array.from(await readBack(stepTensors.pseudoLabels)),
        mixedLabels: stepTensors &&
          Int32Array.from(await readBack(stepTensors.mixedLabels)),
        pixelWeights: stepTensors &&
          Float32Array.from(await readBack(stepTensors.pixelWeights)),
      };
      tf.dispose([...losses.values()]);
      if (stepTensors) tf.dispose(Object.values(stepTensors));
      return record;
    };
    records.push(read());
    return result;
  };
  return { forwardBackward: recorded, clearCache };
}

function lookAheadOf(uda: UdaConfig): LookAhead {
  const { type, alpha, ahead_step: aheadSteps, paper_faithful: isPaperFaithful } = uda;
  const isWide = type === "Wider_NESTEROV_DifData";
  const looksAhead = isWide || type === "NESTEROV";
  return {
    depth: isWide ? 1 : looksAhead ? aheadSteps : 0,
    width: isWide ? aheadSteps : 1,
    emaDecay: alpha,
    optimizerState: isPaperFaithful ? "restore" : "carry",
    buffers: "carry",
    emaStep: isPaperFaithful ? "iteration" : "forward",
    emaTiming: isWide ? "after" : "before",
    firstIteration: looksAhead ? "plain" : "lookahead",
  };
}

function goldenBatch(golden: Golden, index: number, trial: number): Batch {
  const prefix = `input/batch${index}`;
  const [B = 0, , H = 0, W = 0] = storedTensor(golden, `${prefix}/img`).shape;
  const source = {
    images: addRoundingNoise(channelsLastTensor(golden, `${prefix}/img`), trial),
    labels: labelTensor(golden, `${prefix}/gt`),
  };
  const target = {
    images: addRoundingNoise(channelsLastTensor(golden, `${prefix}/target_img`), trial),
  };
  const host = {
    batchSize: B,
    height: H,
    width: W,
    source: {
      fileNames: [],
      images: new Float32Array(0), // choices on the host need labels only
      labels: Uint8Array.from(numbersOf(storedTensor(golden, `${prefix}/gt`))),
    },
    target: { fileNames: [], images: new Float32Array(0) },
  };
  return { source, target, host };
}

function namedWeights({ student, teacher }: Learner): [string, Weights][] {
  const sets: [string, Weights][] = [["student", student]];
  return teacher === null ? sets : [...sets, ["teacher", teacher]];
}

/** Verifies `trace_*` goldens: four iterations of a method, step by step. @module */
import { readBack } from "../core/backend.ts";
import { type Batch, releaseBatch } from "../core/batch.ts";
import type { Network, Weights } from "../core/network.ts";
import * as tf from "../core/tf.ts";
import {
  copyWeights,
  releaseWeights,
  weightsFromHost,
  weightsToHost,
  zerosLike,
} from "../core/weights.ts";
import { z } from "../core/zod.ts";
import { domainAdaptation, type Seen } from "../methods/domain_adaptation.ts";
import { featureAnchor } from "../methods/feature_anchor.ts";
import {
  futureSelfTraining,
  futureSlots,
  type LookAhead,
  releaseSlots,
} from "../methods/future_self_training.ts";
import { type Learner, type Objective, releaseLosses } from "../methods/learner.ts";
import { pasteSource } from "../ops/class_mix.ts";
import { adamwStep } from "../optim/adamw.ts";
import { learningRate } from "../optim/schedule.ts";
import { check, type CheckResult } from "./check.ts";
import { type Golden, hostTensor, labelsOf, mapsOf, numbersOf } from "./golden_file.ts";
import { section } from "./network.ts";
import { nudged, tellingTies } from "./nudge.ts";
import { ReferenceModel, referenceNetwork } from "./reference_network.ts";
import { movementChecks, stepChecks, sumChecks } from "./trace_checks.ts";
import { TraceSidecar } from "./trace_sidecar.ts";

const Uda = z.object({
  type: z.enum(["SourceOnly", "DACS", "NESTEROV", "Wider_NESTEROV_DifData"]),
  alpha: z.number(),
  pseudo_threshold: z.number(),
  pseudo_weight_ignore_top: z.int(),
  pseudo_weight_ignore_bottom: z.int(),
  imnet_feature_dist_lambda: z.number(),
  imnet_feature_dist_classes: z.array(z.int()).nullable(),
  imnet_feature_dist_scale_min_ratio: z.number().nullable(),
  ahead_step: z.int().default(0),
  paper_faithful: z.boolean().default(false),
});
type Uda = z.output<typeof Uda>;

/** What one loss evaluation of ours did. */
export interface StepRecord {
  readonly losses: ReadonlyMap<string, number>;
  readonly labels: Int32Array | null;
  readonly mixedLabels: Int32Array | null;
  readonly weights: Float32Array | null;
}

/** Runs the method of a golden on its batches and masks, and compares every step. */
export const verifyTrace = (golden: Golden): Promise<CheckResult[]> =>
  tellingTies((nudge) => runTrace(golden, nudge));

async function runTrace(golden: Golden, nudge: number): Promise<CheckResult[]> {
  const sidecar = TraceSidecar.parse(golden.sidecar);
  const network = referenceNetwork(ReferenceModel.parse(sidecar.config.model));
  const uda = Uda.parse(sidecar.config.uda);
  const student = weightsFromHost(
    network.parameters,
    section(golden, "weights/student/"),
  );
  const frozen = weightsFromHost(network.parameters, section(golden, "weights/imnet/"));
  const learner: Learner = {
    student,
    teacher: copyWeights(student),
    moments: {
      steps: 0,
      first: zerosLike(network.parameters),
      second: zerosLike(network.parameters),
    },
    evaluations: 0,
  };
  const records: Promise<StepRecord>[] = [];
  const objective = recording(golden, network, frozen, uda, records);
  const lookAhead = lookAheadOf(uda);
  const slots = futureSlots(learner, lookAhead);
  const { optimizer, lr_config: poly } = sidecar.config;
  const results: CheckResult[] = [];

  for (const [t, indices] of sidecar.config.batches.entries()) {
    const rate = learningRate(optimizer.lr, t, {
      iterations: poly.max_iters,
      warmup: poly.warmup_iters,
      warmupRatio: poly.warmup_ratio,
      power: poly.power,
      minimumRate: poly.min_lr,
    });
    const expected = sidecar.lr_per_iteration[t]?.backbone ?? NaN;
    results.push(check(`iter${t}/rate`, Math.abs(rate / expected - 1), 1e-9));
    const batches = indices.map((i) => batchOf(golden, i, nudge));
    const losses = futureSelfTraining(learner, slots, batches, t, lookAhead, {
      parameters: network.parameters,
      ...objective,
      descend: (weights, moments, gradient) =>
        adamwStep(network.parameters, weights, moments, gradient, rate, {
          betas: optimizer.betas,
          epsilon: optimizer.eps,
          weightDecay: optimizer.weight_decay,
          headFactor: optimizer.custom_keys.head.lr_mult,
        }),
    });
    releaseLosses(losses);
    batches.forEach(releaseBatch);
    for (const [who, weights] of entriesOf(learner)) {
      const now = await weightsToHost(network.parameters, weights);
      results.push(
        ...movementChecks(golden, network, sidecar, now, `iter${t}/${who}`),
        ...sumChecks(network, sidecar, now, `iter${t}/${who}`),
      );
    }
  }
  results.push(...stepChecks(golden, sidecar, await Promise.all(records)));
  const counter = sidecar.adamw_step_counter_after_4_iterations[0] ?? NaN;
  results.push(check("optimizer steps", Math.abs(learner.moments.steps - counter), 0));

  releaseSlots(slots);
  const sets = [student, frozen, learner.moments.first, learner.moments.second];
  for (const set of [...sets, learner.teacher ?? new Map()]) releaseWeights(set);
  return results;
}

// The evaluation of the method, with the golden's masks and everything written down.
function recording(
  golden: Golden,
  network: Network,
  frozen: Weights,
  uda: Uda,
  records: Promise<StepRecord>[],
): Objective {
  let seen: Seen | null = null;
  const copies: { labels: tf.Tensor; mixedLabels: tf.Tensor; weights: tf.Tensor }[] = [];
  const { evaluate, forget } = domainAdaptation({
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
      mix: ({ source, target }, opinion, evaluation) =>
        tf.tidy(() => {
          const mask = labelsOf(golden, `input/step${evaluation}/mix_mask`);
          const images = target?.images ?? source.images;
          return { ...pasteSource(mask, source, { ...opinion, images }) };
        }),
    },
    anchor: uda.imnet_feature_dist_lambda === 0 ? null : featureAnchor(network, frozen, {
      weight: uda.imnet_feature_dist_lambda,
      classes: uda.imnet_feature_dist_classes,
      minimumShare: uda.imnet_feature_dist_scale_min_ratio ?? 0,
    }),
    inspect(now) {
      seen = now;
      copies.push({
        labels: tf.keep(tf.clone(now.opinion.labels)),
        mixedLabels: tf.keep(tf.clone(now.mixed.labels)),
        weights: tf.keep(tf.clone(now.mixed.weights)),
      });
    },
  });
  const recorded: Objective["evaluate"] = (...args) => {
    seen = null;
    const result = evaluate(...args);
    const losses = new Map(
      [...result.losses].map(([name, one]) => [name, tf.clone(one)]),
    );
    const images = seen === null ? null : copies.pop() ?? null;
    const read = async (): Promise<StepRecord> => {
      const numbers = new Map<string, number>();
      for (const [name, loss] of losses) {
        const [value = NaN] = await readBack(loss);
        numbers.set(name, value);
      }
      const record = {
        losses: numbers,
        labels: images && Int32Array.from(await readBack(images.labels)),
        mixedLabels: images && Int32Array.from(await readBack(images.mixedLabels)),
        weights: images && Float32Array.from(await readBack(images.weights)),
      };
      tf.dispose([...losses.values()]);
      if (images) tf.dispose([images.labels, images.mixedLabels, images.weights]);
      return record;
    };
    records.push(read());
    return result;
  };
  return { evaluate: recorded, forget };
}

function lookAheadOf(uda: Uda): LookAhead {
  const { type, alpha, ahead_step: steps, paper_faithful: faithful } = uda;
  const wide = type === "Wider_NESTEROV_DifData";
  const ahead = wide || type === "NESTEROV";
  return {
    depth: wide ? 1 : ahead ? steps : 0,
    width: wide ? steps : 1,
    momentum: alpha,
    optimizerState: faithful ? "restore" : "carry",
    buffers: "carry",
    teacherClock: faithful ? "iteration" : "forward",
    presentStudent: wide ? "after" : "before",
    firstIteration: ahead ? "plain" : "lookahead",
  };
}

function batchOf(golden: Golden, index: number, nudge: number): Batch {
  const at = `input/batch${index}`;
  const [B = 0, , H = 0, W = 0] = hostTensor(golden, `${at}/img`).shape;
  const source = {
    images: nudged(mapsOf(golden, `${at}/img`), nudge),
    labels: labelsOf(golden, `${at}/gt`),
  };
  const target = { images: nudged(mapsOf(golden, `${at}/target_img`), nudge) };
  const host = {
    batch: B,
    height: H,
    width: W,
    source: {
      names: [],
      images: new Float32Array(0), // choices on the host need labels only
      labels: Uint8Array.from(numbersOf(hostTensor(golden, `${at}/gt`))),
    },
    target: { names: [], images: new Float32Array(0) },
  };
  return { source, target, host };
}

function entriesOf({ student, teacher }: Learner): [string, Weights][] {
  const sets: [string, Weights][] = [["student", student]];
  return teacher === null ? sets : [...sets, ["teacher", teacher]];
}

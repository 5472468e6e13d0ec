/** A run in memory: network, learner and method, fresh or from a checkpoint. @module */
import { readConfig } from "../config/read.ts";
import type { RunConfig } from "../config/schema.ts";
import type { ClassInfo } from "../core/host_batch.ts";
import type { Network, Weights } from "../core/network.ts";
import * as tf from "../core/tf.ts";
import { copyWeights, releaseWeights, weightsFromHost } from "../core/weights.ts";
import { recomputing } from "../models/network.ts";
import type { Seen } from "../methods/domain_adaptation.ts";
import type { Learner } from "../methods/learner.ts";
import {
  CHECKPOINT_VERSION,
  type CheckpointMetadata,
  loadCheckpoint,
  saveCheckpoint,
  splitSections,
} from "../weights/checkpoint_file.ts";
import { buildNetwork } from "./build.ts";
import type { MakeNetwork } from "./own_network.ts";
import { assertSameRun } from "./config_difference.ts";
import { hasSecondMoment } from "./descent.ts";
import { type Evaluations, judgedOf } from "./evaluations.ts";
import { assertFiniteWeights } from "./finite_weights.ts";
import { freshLearner, learnerFromHost, learnerToHost } from "./learner_file.ts";
import { hasTeacher, type RunningMethod, startMethod } from "./method.ts";
import { startingWeights } from "./pretrained.ts";
import { exists, type RunFolder } from "./run_folder.ts";
import { memoryParameters } from "./semi_contrast.ts";
import { versions } from "./versions.ts";

/** Everything that one process holds of a run. */
export interface Session {
  readonly network: Network;
  readonly learner: Learner;
  readonly method: RunningMethod;
  /** Whether features are kept near those of a frozen encoder. */
  readonly anchored: boolean;
  /** Iterations done. */
  iteration: number;
  /** Names of the files that the last iteration learned from. */
  names: readonly string[];
  /** Told about every evaluation that looks at the target; null for nobody. */
  inspect: ((seen: Seen) => void) | null;
  /** Writes a checkpoint. */
  save(path: string): Promise<void>;
  /** Remembers the figures, and keeps the network if it is the best so far. */
  rate(evaluations: Evaluations, folder: RunFolder): Promise<void>;
  /** Frees all tensors. */
  release(): void;
}

/**
 * Starts a session at the folder's newest checkpoint, or at the beginning.
 *
 * @param log Told how it starts.
 * @param makeNetwork In place of the network that the configuration describes.
 * @throws If the checkpoint is damaged, or of another run or network.
 */
export async function openSession(
  config: RunConfig,
  folder: RunFolder,
  classes: readonly ClassInfo[],
  log: (line: string) => void = () => {},
  makeNetwork: MakeNetwork = (classes) => buildNetwork(config.model, classes),
): Promise<Session> {
  const made = makeNetwork(classes.length);
  const network = config.model.recompute ? recomputing(made) : made;
  const { parameters } = network;
  const resumed = await exists(folder.last) ? await loadCheckpoint(folder.last) : null;
  if (resumed !== null) {
    const text = JSON.stringify(resumed.metadata.config); // JSON is YAML
    assertSameRun(folder.path, readConfig(text, folder.last), config);
  }
  const learner = resumed === null
    ? freshLearner(
      parameters,
      await startingWeights(network, config.model, config.seed, log),
      hasTeacher(config.method),
      hasSecondMoment(config.optimizer),
      memoryParameters(config, network),
    )
    : learnerFromHost(parameters, resumed.tensors, {
      file: folder.last,
      optimizerSteps: resumed.metadata.optimizerSteps,
      evaluations: resumed.metadata.teacherClock,
      hasTeacher: hasTeacher(config.method),
      hasSecond: hasSecondMoment(config.optimizer),
      memory: memoryParameters(config, network),
    });
  const kept = resumed && splitSections(resumed.tensors).imageNet;
  const frozen = !anchored(config)
    ? null
    : kept === null
    ? copyWeights(encoderOf(network, learner.student))
    : weightsFromHost(network.encoder.parameters, kept);
  let metrics: CheckpointMetadata["metrics"] = resumed?.metadata.metrics ?? {};

  const session: Session = {
    network,
    learner,
    method: startMethod(
      config,
      classes,
      network,
      learner,
      frozen,
      (seen) => session.inspect?.(seen),
      // On wasm there is nothing to gain: its kernels run while the step is described.
      config.replay && tf.getBackend() === "webgpu"
        ? { log, watched: () => session.inspect !== null }
        : null,
    ),
    anchored: frozen !== null,
    iteration: resumed?.metadata.iteration ?? 0,
    names: [],
    inspect: null,
    async save(path) {
      const tensors = await learnerToHost(parameters, learner, frozen);
      const { iteration, names } = session;
      assertFiniteWeights(tensors, { iteration, names, seed: config.seed });
      await saveCheckpoint(path, { tensors, metadata: metadata() });
    },
    async rate(evaluations, folder) {
      const judged = judgedOf(evaluations);
      const [name, first] = [...judged][0] ?? [];
      for (const [split, { mIoU }] of judged) {
        metrics = { ...metrics, [split]: Number.isNaN(mIoU) ? null : mIoU };
      }
      if (name === undefined || first === undefined) return;
      const key = `best.${name}`;
      if (!(first.mIoU > (metrics[key] ?? -Infinity))) return;
      metrics = { ...metrics, [key]: first.mIoU };
      await session.save(folder.best);
    },
    release() {
      session.method.release();
      const { student, teacher, moments, memory = null } = learner;
      for (
        const set of [student, teacher, frozen, moments.first, moments.second, memory]
      ) {
        if (set !== null) releaseWeights(set);
      }
    },
  };
  const metadata = (): CheckpointMetadata => ({
    version: CHECKPOINT_VERSION,
    config,
    iteration: session.iteration,
    optimizerSteps: learner.moments.steps,
    teacherClock: learner.evaluations,
    classes: classes.map(({ name, color: [r, g, b] }) => ({ name, color: [r, g, b] })),
    normalisation: {
      mean: [...config.data.normalisation.mean],
      deviation: [...config.data.normalisation.deviation],
    },
    metrics,
    versions: versions(),
  });
  return session;
}

function anchored({ method }: RunConfig): boolean {
  return "featureDistance" in method && method.featureDistance !== null;
}

function encoderOf(network: Network, weights: Weights): Weights {
  const names = new Set(network.encoder.parameters.map(({ name }) => name));
  return new Map([...weights].filter(([name]) => names.has(name)));
}

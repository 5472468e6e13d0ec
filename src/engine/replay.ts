/**
 * Iterations that are recorded and replayed.
 *
 * The first iteration is like no other, and the second one compiles what is left to
 * compile. Two more are recorded; if they differ in nothing but what is known to differ,
 * all later ones replay the last of them. An iteration on batches of other shapes, or one
 * that somebody watches, runs as if there were no recording.
 *
 * @module
 */
import { type Batch, releaseBatch } from "../core/batch.ts";
import {
  decide,
  type EvaluationOccasion,
  type Occasion,
  upload,
} from "../core/decided.ts";
import type { HostBatch } from "../core/host_batch.ts";
import type * as tf from "../core/tf.ts";
import { type Recording, stepRecorder } from "../kernels/recorder.ts";
import type { Learner, Losses } from "../methods/learner.ts";

/** What the loop around a replay says and hears. */
export interface ReplayOptions {
  /** Told when iterations are replayed, and when one is not. */
  log(line: string): void;
  /** Whether somebody looks into the next iteration: a replay shows nothing. */
  watched(): boolean;
}

/** One iteration of a method. */
export type Iterate = (
  learner: Learner,
  batches: readonly Batch[],
  iteration: number,
) => Losses;

/** Iterations of one method. */
export interface Replay {
  /** Marks the loss evaluation: in a replay its commands are all that is left of it. */
  evaluation<A extends unknown[], R>(evaluate: (...args: A) => R): (...args: A) => R;
  /** The iteration, recorded and replayed. The learner must be the same every time. */
  iteration(run: Iterate): Iterate;
  /** Bytes on the device that it holds besides the backend's. */
  readonly bytes: number;
  /** Frees what it holds. */
  release(): void;
}

/** Recordings after which we give up if none agrees with the one before it. */
const ATTEMPTS = 4;

interface Recorded {
  readonly recording: Recording;
  /** n at its beginning. */
  readonly clock: number;
  readonly hosts: readonly HostBatch[];
}

/** Starts a replay on the WebGPU backend. */
export function openReplay({ log, watched }: ReplayOptions): Replay {
  const recorder = stepRecorder();
  let shape: string | null = null;
  const strange = new Set<string>();
  let warm = false;
  let attempts = 0;
  let last: Recorded | null = null;
  let settled = false;

  function record(
    run: Iterate,
    learner: Learner,
    hosts: readonly HostBatch[],
    t: number,
  ) {
    const clock = learner.evaluations;
    const recording = recorder.record(clock, () => {
      const batches = hosts.map(decidedBatch);
      const losses = run(learner, batches, t);
      batches.forEach(releaseBatch);
      return losses;
    });
    attempts++;
    const reason = recording.fault ??
      (last === null ? "only one was recorded" : recording.differenceTo(last.recording));
    last?.recording.release();
    last = { recording, clock, hosts };
    settled = reason === null;
    if (settled) {
      const { dispatches } = recording;
      log(`iterations are replayed from now on: ${dispatches} dispatches in one submit`);
    } else if (attempts === ATTEMPTS || recording.fault !== null) {
      recording.release();
      last = null;
      if (attempts === ATTEMPTS) log(`iterations are not replayed: ${reason}`);
    }
    return recording.result;
  }

  function replay(
    { recording, clock, hosts }: Recorded,
    run: Iterate,
    learner: Learner,
    batches: readonly Batch[],
    t: number,
  ) {
    const ahead = learner.evaluations - clock;
    const now = <O extends Occasion>(on: O): O => {
      const host = batches[hosts.indexOf(on.host)]?.host ?? on.host;
      if (!isEvaluation(on)) return { ...on, host };
      return { ...on, host, evaluation: on.evaluation + ahead };
    };
    return recording.replay(learner.evaluations, now, () => run(learner, batches, t));
  }

  return {
    evaluation: (evaluate) => recorder.skip(evaluate),
    get bytes() {
      return recorder.bytes;
    },
    iteration: (run) => (learner, batches, t) => {
      const here = batches.map(shapeOf).join(", ");
      if (t > 0) shape ??= here;
      const usual = here === shape;
      if (!usual && settled && !strange.has(here)) {
        strange.add(here);
        log(`an iteration is not replayed: its batches are ${here} instead of ${shape}`);
      }
      const able = t > 0 && usual && !watched() && (settled || attempts < ATTEMPTS);
      if (!able || !warm) {
        const losses = run(learner, batches, t);
        warm ||= able;
        if (settled) recorder.trim();
        return losses;
      }
      if (settled && last !== null) return replay(last, run, learner, batches, t);
      return record(run, learner, batches.map(({ host }) => host), t);
    },
    release() {
      last?.recording.release();
      recorder.release();
    },
  };
}

function isEvaluation(on: Occasion): on is EvaluationOccasion {
  return "evaluation" in on;
}

/** Like `uploadBatch`, with elements that every replay takes from its own batch. */
function decidedBatch(host: HostBatch): Batch {
  const { batch: B, height: H, width: W, target } = host;
  const images = (
    of: (host: HostBatch) => { images: Float32Array<ArrayBuffer> } | null,
  ) =>
    upload<tf.Rank.R4>(
      decide({ host }, ({ host }) => of(host)?.images ?? new Float32Array()),
      [B, H, W, 3],
    );
  return {
    source: {
      images: images(({ source }) => source),
      labels: upload<tf.Rank.R3>(
        decide({ host }, ({ host }) => Int32Array.from(host.source.labels)),
        [B, H, W],
        "int32",
      ),
    },
    target: target && { images: images(({ target }) => target) },
    host,
  };
}

function shapeOf({ host: { batch, height, width, target } }: Batch): string {
  return `${batch}×${height}×${width}${target === null ? " without a target" : ""}`;
}

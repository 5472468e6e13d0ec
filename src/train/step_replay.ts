/**
 * Iterations that are recorded and replayed.
 *
 * The first iteration is like no other, and the second one compiles what is left to
 * compile. Two more are recorded; if they differ in nothing but what is known to differ,
 * all later ones replay the last of them. An iteration on batches of other shapes, or one
 * that is observed, runs as if there were no recording.
 *
 * @module
 */
import { type Batch, channelsOf, releaseBatch } from "../core/batch.ts";
import { hostInput, type StepKey, uploadHostInput } from "../core/host_input.ts";
import type { HostBatch } from "../core/host_batch.ts";
import type * as tf from "../core/tf.ts";
import { createStepRecorder, type Recording } from "../gpu/step_recorder.ts";
import type { Learner, Losses } from "../methods/learner.ts";

/** What the loop around a replay says and hears. */
export interface ReplayOptions {
  /** Called when iterations are replayed, and when one is not. */
  log(line: string): void;
  /** Whether the next iteration is observed: a replay shows nothing. */
  isObserved(): boolean;
}

/** One iteration of a method. */
export type RunIteration = (
  learner: Learner,
  batches: readonly Batch[],
  iteration: number,
) => Losses;

/** Iterations of one method. */
export interface StepReplay {
  /** Marks forward and backward pass: in a replay their commands are all that is left of them. */
  wrapForwardBackward<A extends unknown[], R>(run: (...args: A) => R): (...args: A) => R;
  /** The iteration, recorded and replayed. The learner must be the same every time. */
  wrapIteration(run: RunIteration): RunIteration;
  /** Bytes on the device beyond the backend's. */
  readonly deviceBytes: number;
  /** Frees what it holds. */
  release(): void;
}

/** Recordings after which we give up if none agrees with the one before it. */
const MAX_RECORDINGS = 4;

interface RecordedIteration {
  readonly recording: Recording;
  /** n at its beginning. */
  readonly forwardCount: number;
  readonly hostBatches: readonly HostBatch[];
}

/** Starts a replay on the WebGPU backend. */
export function createStepReplay({ log, isObserved }: ReplayOptions): StepReplay {
  const recorder = createStepRecorder(log);
  let usualShape: string | null = null;
  const reportedShapes = new Set<string>();
  let isWarm = false;
  let recordings = 0;
  let last: RecordedIteration | null = null;
  let isReplaying = false;

  function record(
    run: RunIteration,
    learner: Learner,
    hostBatches: readonly HostBatch[],
    t: number,
  ) {
    const forwardCount = learner.forwardCount;
    const recording = recorder.record(forwardCount, () => {
      const batches = hostBatches.map(uploadReplayableBatch);
      const losses = run(learner, batches, t);
      batches.forEach(releaseBatch);
      return losses;
    });
    recordings++;
    const reason = recording.notReplayableReason ??
      (last === null
        ? "only one was recorded"
        : recording.describeDifference(last.recording));
    last?.recording.release();
    last = { recording, forwardCount, hostBatches };
    isReplaying = reason === null;
    if (isReplaying) {
      const { dispatchCount } = recording;
      log(`iterations are replayed from now on: ${dispatchCount} dispatches each`);
    } else if (recordings === MAX_RECORDINGS || recording.notReplayableReason !== null) {
      recording.release();
      last = null;
      if (recordings === MAX_RECORDINGS) log(`iterations are not replayed: ${reason}`);
    }
    return recording.result;
  }

  function replay(
    { recording, forwardCount, hostBatches }: RecordedIteration,
    run: RunIteration,
    learner: Learner,
    batches: readonly Batch[],
    t: number,
  ) {
    const forwardIndexOffset = learner.forwardCount - forwardCount;
    const keyNow = <O extends StepKey>(on: O): O => {
      const { host, forwardIndex } = on;
      return {
        ...on,
        ...host && { host: batches[hostBatches.indexOf(host)]?.host ?? host },
        ...forwardIndex !== undefined &&
          { forwardIndex: forwardIndex + forwardIndexOffset },
      };
    };
    return recording.replay(learner.forwardCount, keyNow, () => run(learner, batches, t));
  }

  return {
    wrapForwardBackward: (run) => recorder.skipOnReplay(run),
    get deviceBytes() {
      return recorder.bytes;
    },
    wrapIteration: (run) => (learner, batches, t) => {
      const batchShapes = batches.map(batchShape).join(", ");
      if (t > 0) usualShape ??= batchShapes;
      const isUsual = batchShapes === usualShape;
      if (!isUsual && isReplaying && !reportedShapes.has(batchShapes)) {
        reportedShapes.add(batchShapes);
        log(
          `an iteration is not replayed: its batches are ${batchShapes} instead of ${usualShape}`,
        );
      }
      const isReplayable = t > 0 && isUsual && !isObserved() &&
        (isReplaying || recordings < MAX_RECORDINGS);
      if (!isReplayable || !isWarm) {
        const losses = run(learner, batches, t);
        isWarm ||= isReplayable;
        if (isReplaying) recorder.releaseFreeBuffers();
        return losses;
      }
      if (isReplaying && last !== null) return replay(last, run, learner, batches, t);
      return record(run, learner, batches.map(({ host }) => host), t);
    },
    release() {
      last?.recording.release();
      recorder.release();
    },
  };
}

/** Like `uploadBatch`, with elements that every replay takes from its own batch. */
function uploadReplayableBatch(host: HostBatch): Batch {
  const { batchSize: B, height: H, width: W, target } = host;
  const images = (
    of: (host: HostBatch) => { images: Float32Array<ArrayBuffer> } | null,
  ) =>
    uploadHostInput<tf.Rank.R4>(
      hostInput({ host }, ({ host }) => of(host)?.images ?? new Float32Array()),
      [B, H, W, channelsOf(host)],
    );
  return {
    source: {
      images: images(({ source }) => source),
      labels: uploadHostInput<tf.Rank.R3>(
        hostInput({ host }, ({ host }) => Int32Array.from(host.source.labels)),
        [B, H, W],
        "int32",
      ),
    },
    target: target && { images: images(({ target }) => target) },
    host,
  };
}

function batchShape({ host: { batchSize, height, width, target } }: Batch): string {
  return `${batchSize}×${height}×${width}${target === null ? " without a target" : ""}`;
}

/**
 * Recording the commands of a training step, and replaying them: without tape, without bind
 * groups, in few submits.
 *
 * Weights are changed in place, so the next step finds them in the same buffers. What else
 * differs between steps comes from three places. Host inputs (`core/host_input.ts`) are
 * computed again. Uniforms that count forward passes advance. Code around the skipped
 * parts, such as an optimizer's, runs again: its kernels give their uniforms and do not
 * run. Two recordings of different steps must not differ in anything else.
 *
 * A step may exchange tensors (`exchange.ts`): a replay does so between the same commands,
 * and is done when exchangesSettled() says so.
 *
 * @module
 */
import type { StepKey } from "../core/host_input.ts";
import * as tf from "../core/tf.ts";
import { setRecorderHook } from "./dispatch.ts";
import type { Kernel } from "./kernel.ts";
import { createStepBufferPool } from "./step_buffer_pool.ts";
import { type CapturedStep, captureStep, createStepTrace } from "./step_capture.ts";
import { createStepSubmitter, TIME_LIMITS, type TimeLimits } from "./step_submitter.ts";
import { createStepUniforms } from "./step_uniforms.ts";
import {
  flush,
  releaseFreeBuffers,
  type WebGpuBackend,
  webGpuBackend,
} from "./tfjs_webgpu.ts";
import { packUniformsInto, type UniformValues } from "./uniforms.ts";

/** Tensors by name. */
type NamedScalars = ReadonlyMap<string, tf.Scalar>;

/** A step and what it needs to be run again. */
export interface Recording {
  /** Why it cannot be replayed; null if it can. */
  readonly notReplayableReason: string | null;
  /** Dispatches per step. */
  readonly dispatchCount: number;
  /** What the step returned, copied; the caller owns the copies. */
  readonly result: NamedScalars;
  /** How the step differs from another, in words; null if only in what a replay renews. */
  describeDifference(other: Recording): string | null;
  /**
   * Runs the step again.
   *
   * @param forwardCount Forward passes before it.
   * @param keyForStep Turns a key of the recorded step into that of this one.
   * @param run The code of the step, as it was recorded.
   * @returns Copies of what it returns; the caller owns them.
   */
  replay(
    forwardCount: number,
    keyForStep: <O extends StepKey>(key: O) => O,
    run: () => NamedScalars,
  ): NamedScalars;
  /** Frees its memory. */
  release(): void;
}

/** Records steps, one at a time. */
export interface StepRecorder {
  /** Bytes on the device, in addition to those of the backend. */
  readonly bytes: number;
  /** Marks a function that replays skip, returning what it returned in the recording. */
  skipOnReplay<A extends unknown[], R>(f: (...args: A) => R): (...args: A) => R;
  /**
   * Runs a step and records it.
   *
   * @param forwardCount Forward passes before it.
   */
  record(forwardCount: number, run: () => NamedScalars): Recording;
  /** Frees the memory that steps without a recorder left free in the backend. */
  releaseFreeBuffers(): void;
  /** Frees the memory that recordings share. */
  release(): void;
}

/**
 * Makes a recorder for the WebGPU backend in use.
 *
 * @param log Is told how replays are split into submits, if they are.
 * @param limits What a submit may take.
 */
export function createStepRecorder(
  log: (line: string) => void = () => {},
  limits: TimeLimits = TIME_LIMITS,
): StepRecorder {
  const backend = webGpuBackend();
  const { device } = backend;
  const buffers = createStepBufferPool(device, backend.bufferManager);
  // What skipped functions returned: filled by a recording, read by its replays.
  let skippedCalls: { answer<R>(compute: () => R): R } | null = null;
  let uniformBytes = 0;

  return {
    get bytes() {
      return buffers.bytes + uniformBytes;
    },
    skipOnReplay: (f) => (...args) =>
      skippedCalls === null ? f(...args) : skippedCalls.answer(() => f(...args)),
    releaseFreeBuffers: () => releaseFreeBuffers(backend),
    release: () => buffers.destroy(),

    record(forwardCount, run) {
      flush(backend);
      releaseFreeBuffers(backend);
      const lease = buffers.beginRecording();
      const uniforms = createStepUniforms(device);
      const trace = createStepTrace();
      const skippedResults: unknown[] = [];
      let depth = 0;
      const [captured, stop] = captureStep({
        backend,
        buffers: lease,
        uniforms,
        trace,
        forwardCount,
        isSkipped: () => depth > 0,
      });
      skippedCalls = {
        answer(compute) {
          depth++;
          try {
            const answer = compute();
            if (depth === 1) skippedResults.push(answer);
            return answer;
          } finally {
            depth--;
          }
        },
      };
      let outputs: StepOutput[] = [];
      const before = tf.memory().numTensors;
      try {
        outputs = outputsOf(backend, run());
        flush(backend);
      } finally {
        skippedCalls = null;
        stop();
        lease.endRecording();
      }
      for (const { buffer, tensor } of outputs) {
        lease.reserve(buffer);
        tensor.dispose();
      }
      const leakedTensors = tf.memory().numTensors - before;
      if (leakedTensors !== 0) {
        trace.markNotReplayable(`the step leaked ${leakedTensors} tensors`);
      }
      const encoder = device.createCommandEncoder();
      const result = copyOutputs(backend, encoder, outputs);
      device.queue.submit([encoder.finish()]);
      uniformBytes += uniforms.bytes;
      const submitter = createStepSubmitter(device, captured.commands, log, limits);
      const recording = {
        trace,
        notReplayableReason: trace.notReplayableReason,
        dispatchCount:
          captured.commands.filter((command) => "pipeline" in command).length,
        result,
        describeDifference: (other: Recording) =>
          trace.describeDifference((other as typeof recording).trace),
        replay(
          forwardCount: number,
          keyForStep: <O extends StepKey>(key: O) => O,
          run: () => NamedScalars,
        ) {
          flush(backend);
          refreshUniforms(
            backend,
            captured,
            skippedResults,
            (next) => skippedCalls = next,
            run,
          );
          refreshHostInputs(device.queue, captured, keyForStep);
          for (const { slot, countOffset } of captured.forwardCounts) {
            slot.view.setUint32(slot.offset, forwardCount + countOffset, true);
          }
          uniforms.uploadDynamic();
          const result = submitter.submit((encoder) =>
            copyOutputs(backend, encoder, outputs)
          );
          for (const data of captured.writtenTensors) data.values = null;
          return result;
        },
        release() {
          lease.release();
          uniforms.destroy();
          uniformBytes -= uniforms.bytes;
        },
      };
      return recording;
    },
  };
}

// Runs the code around the skipped parts, for its uniforms and its counters.
function refreshUniforms(
  backend: WebGpuBackend,
  { refreshedUniforms }: CapturedStep,
  skippedResults: readonly unknown[],
  setSkippedCalls: (skipping: { answer<R>(compute: () => R): R } | null) => void,
  run: () => NamedScalars,
): void {
  let resultIndex = 0;
  let uniformIndex = 0;
  setSkippedCalls({ answer: <R>() => skippedResults[resultIndex++] as R });
  setRecorderHook({
    replaying: true,
    refreshUniforms(kernel: Kernel, values: UniformValues) {
      const expected = refreshedUniforms[uniformIndex++];
      if (expected?.kernel !== kernel) {
        throw replayMismatch(`kernel "${kernel.name}" came`);
      }
      packUniformsInto(expected.slot.view, expected.slot.offset, kernel, values);
    },
    bindUniforms() {
      throw replayMismatch("a kernel ran");
    },
    onWrite() {},
    onExchange() {},
  });
  try {
    run();
  } finally {
    setRecorderHook(null);
    setSkippedCalls(null);
  }
  if (
    uniformIndex !== refreshedUniforms.length || resultIndex !== skippedResults.length
  ) throw replayMismatch("fewer kernels or results came");
  if (backend.commandEncoder !== null) throw replayMismatch("an operation of tfjs ran");
}

function replayMismatch(what: string): Error {
  return new Error(
    `Cannot replay the iteration: ${what}, which differs from the recording; set ` +
      '"replay" to false',
  );
}

function refreshHostInputs(
  queue: GPUQueue,
  { hostInputs }: CapturedStep,
  keyForStep: <O extends StepKey>(key: O) => O,
): void {
  const keys = new Map<StepKey, StepKey>();
  for (const { buffer, input } of hostInputs) {
    const key = keys.get(input.key) ?? keyForStep(input.key);
    keys.set(input.key, key);
    const values = input.valueAt(key);
    if (values.byteLength !== buffer.size) {
      throw replayMismatch("a tensor changed its size");
    }
    queue.writeBuffer(buffer, 0, values.buffer, values.byteOffset, values.byteLength);
  }
}

/** Where a step leaves one of its results. */
interface StepOutput {
  readonly name: string;
  readonly tensor: tf.Scalar;
  readonly buffer: GPUBuffer;
}

function outputsOf(backend: WebGpuBackend, tensors: NamedScalars): StepOutput[] {
  return [...tensors].map(([name, tensor]) => ({
    name,
    tensor,
    buffer: bufferOf(backend, tensor),
  }));
}

// New tensors, so that the caller may keep them over the next replay.
function copyOutputs(
  backend: WebGpuBackend,
  encoder: GPUCommandEncoder,
  outputs: readonly StepOutput[],
): NamedScalars {
  return new Map(outputs.map(({ name, tensor: { shape, dtype }, buffer }) => {
    const info = backend.makeTensorInfo(shape, dtype);
    encoder.copyBufferToBuffer(buffer, 0, bufferOf(backend, info), 0, buffer.size);
    return [name, tf.engine().makeTensorFromTensorInfo(info) as tf.Scalar];
  }));
}

function bufferOf(backend: WebGpuBackend, { dataId }: tf.TensorInfo): GPUBuffer {
  backend.uploadToGPU(dataId);
  const { resource } = backend.tensorMap.get(dataId);
  if (!resource) throw replayMismatch("a loss is not on the device");
  return resource;
}

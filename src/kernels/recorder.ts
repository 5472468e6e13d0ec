/**
 * Recording what a training step tells the device, and telling it again: without tape,
 * without bind groups, in one submit.
 *
 * Weights are changed in place, so the next step finds them in the same buffers. What else
 * differs between steps comes from three places. Elements that the host decides
 * (`core/decided.ts`) are decided again. Uniforms that count loss evaluations advance. And
 * code around the skipped parts, such as an optimizer's, runs again: its kernels give their
 * uniforms and no more. Two recordings of different steps must not differ in anything else.
 *
 * @module
 */
import type { Occasion } from "../core/decided.ts";
import * as tf from "../core/tf.ts";
import type { Kernel } from "./kernel.ts";
import { stepBuffers } from "./step_buffers.ts";
import { listenToStep, type StepRecord } from "./step_listener.ts";
import { stepTrace } from "./step_trace.ts";
import { stepUniforms } from "./step_uniforms.ts";
import { listen, type UniformValues } from "./tap.ts";
import { flush, trim, type WebGpuBackend, webGpuBackend } from "./tfjs_webgpu.ts";
import { packInto } from "./uniforms.ts";

/** Tensors by name. */
type Named = ReadonlyMap<string, tf.Scalar>;

/** A step and what it needs to be run again. */
export interface Recording {
  /** Why it cannot be replayed; null if it can. */
  readonly fault: string | null;
  /** Dispatches per step. */
  readonly dispatches: number;
  /** What the step returned, copied; the caller owns the copies. */
  readonly result: Named;
  /** How the step differs from another one, for people; null if in nothing unknown. */
  differenceTo(other: Recording): string | null;
  /**
   * Runs the step again.
   *
   * @param clock n at its beginning.
   * @param now Turns an occasion of the recorded step into that of this one.
   * @param run The code of the step, as it was recorded.
   * @returns Copies of what it returns; the caller owns them.
   */
  replay(clock: number, now: <O extends Occasion>(on: O) => O, run: () => Named): Named;
  /** Frees what it holds. */
  release(): void;
}

/** Records steps of one kind, one at a time. */
export interface StepRecorder {
  /** Bytes on the device, besides the backend's. */
  readonly bytes: number;
  /** Marks a function that replays skip, returning what it returned in the recording. */
  skip<A extends unknown[], R>(f: (...args: A) => R): (...args: A) => R;
  /**
   * Runs a step and records it.
   *
   * @param clock n at its beginning.
   */
  record(clock: number, run: () => Named): Recording;
  /** Gives back the memory that steps without a recorder left free in the backend. */
  trim(): void;
  /** Frees what recordings shared. */
  release(): void;
}

/** Makes a recorder for the WebGPU backend in use. */
export function stepRecorder(): StepRecorder {
  const backend = webGpuBackend();
  const { device } = backend;
  const buffers = stepBuffers(device, backend.bufferManager);
  // What skipped functions returned: filled by a recording, read by its replays.
  let skipping: { answer<R>(compute: () => R): R } | null = null;
  let uniformBytes = 0;

  return {
    get bytes() {
      return buffers.bytes + uniformBytes;
    },
    skip: (f) => (...args) =>
      skipping === null ? f(...args) : skipping.answer(() => f(...args)),
    trim: () => trim(backend),
    release: () => buffers.destroy(),

    record(clock, run) {
      flush(backend);
      trim(backend);
      const lease = buffers.begin();
      const uniforms = stepUniforms(device);
      const trace = stepTrace();
      const answers: unknown[] = [];
      let depth = 0;
      const [step, stop] = listenToStep({
        backend,
        buffers: lease,
        uniforms,
        trace,
        clock,
        skipped: () => depth > 0,
      });
      skipping = {
        answer(compute) {
          depth++;
          try {
            const answer = compute();
            if (depth === 1) answers.push(answer);
            return answer;
          } finally {
            depth--;
          }
        },
      };
      let outputs: Output[] = [];
      const before = tf.memory().numTensors;
      try {
        outputs = outputsOf(backend, run());
        flush(backend);
      } finally {
        skipping = null;
        stop();
        lease.end();
      }
      for (const { buffer, tensor } of outputs) {
        lease.keep(buffer);
        tensor.dispose();
      }
      const left = tf.memory().numTensors - before;
      if (left !== 0) trace.fail(`the step left ${left} tensors behind`);
      const encoder = device.createCommandEncoder();
      const result = copies(backend, encoder, outputs);
      device.queue.submit([encoder.finish()]);
      uniformBytes += uniforms.bytes;
      const own = {
        trace,
        fault: trace.fault,
        dispatches: step.commands.length,
        result,
        differenceTo: (other: Recording) =>
          trace.differenceTo((other as typeof own).trace),
        replay(
          clock: number,
          now: <O extends Occasion>(on: O) => O,
          run: () => Named,
        ) {
          flush(backend);
          restate(backend, step, answers, (next) => skipping = next, run);
          decideAgain(device.queue, step, now);
          for (const { slot, ahead } of step.clocks) {
            slot.view.setUint32(slot.offset, clock + ahead, true);
          }
          uniforms.send();
          const encoder = device.createCommandEncoder();
          encode(encoder, step);
          const result = copies(backend, encoder, outputs);
          device.queue.submit([encoder.finish()]);
          for (const data of step.written) data.values = null;
          return result;
        },
        release() {
          lease.release();
          uniforms.destroy();
          uniformBytes -= uniforms.bytes;
        },
      };
      return own;
    },
  };
}

// Runs the code around what is skipped, for its uniforms and its counters.
function restate(
  backend: WebGpuBackend,
  { restated }: StepRecord,
  answers: readonly unknown[],
  skip: (skipping: { answer<R>(compute: () => R): R } | null) => void,
  run: () => Named,
): void {
  let answered = 0;
  let at = 0;
  skip({ answer: <R>() => answers[answered++] as R });
  listen({
    replaying: true,
    restate(kernel: Kernel, values: UniformValues) {
      const known = restated[at++];
      if (known?.kernel !== kernel) throw lost(`kernel "${kernel.name}" came`);
      packInto(known.slot.view, known.slot.offset, kernel.uniforms, values);
    },
    bind() {
      throw lost("a kernel ran");
    },
    wrote() {},
  });
  try {
    run();
  } finally {
    listen(null);
    skip(null);
  }
  if (at !== restated.length || answered !== answers.length) throw lost("less was done");
  if (backend.commandEncoder !== null) throw lost("an operation of tfjs ran");
}

function lost(what: string): Error {
  return new Error(
    `Cannot replay the iteration: ${what} where the recording has something else; set ` +
      '"replay" to false',
  );
}

function decideAgain(
  queue: GPUQueue,
  { decided }: StepRecord,
  now: <O extends Occasion>(on: O) => O,
): void {
  const occasions = new Map<Occasion, Occasion>();
  for (const { buffer, cells } of decided) {
    const on = occasions.get(cells.on) ?? now(cells.on);
    occasions.set(cells.on, on);
    const values = cells.at(on);
    if (values.byteLength !== buffer.size) throw lost("a tensor changed its size");
    queue.writeBuffer(buffer, 0, values.buffer, values.byteOffset, values.byteLength);
  }
}

function encode(encoder: GPUCommandEncoder, { commands }: StepRecord): void {
  const pass = encoder.beginComputePass();
  let current: GPUComputePipeline | null = null;
  for (const { pipeline, bindGroup, grid: [x, y, z] } of commands) {
    if (pipeline !== current) pass.setPipeline(current = pipeline);
    pass.setBindGroup(0, bindGroup);
    pass.dispatchWorkgroups(x, y, z);
  }
  pass.end();
}

/** Where a step leaves one of its results. */
interface Output {
  readonly name: string;
  readonly tensor: tf.Scalar;
  readonly buffer: GPUBuffer;
}

function outputsOf(backend: WebGpuBackend, tensors: Named): Output[] {
  return [...tensors].map(([name, tensor]) => ({
    name,
    tensor,
    buffer: bufferOf(backend, tensor),
  }));
}

// New tensors, so that whoever gets them may keep them over the next replay.
function copies(
  backend: WebGpuBackend,
  encoder: GPUCommandEncoder,
  outputs: readonly Output[],
): Named {
  return new Map(outputs.map(({ name, tensor: { shape, dtype }, buffer }) => {
    const info = backend.makeTensorInfo(shape, dtype);
    encoder.copyBufferToBuffer(buffer, 0, bufferOf(backend, info), 0, buffer.size);
    return [name, tf.engine().makeTensorFromTensorInfo(info) as tf.Scalar];
  }));
}

function bufferOf(backend: WebGpuBackend, { dataId }: tf.TensorInfo): GPUBuffer {
  backend.uploadToGPU(dataId);
  const { resource } = backend.tensorMap.get(dataId);
  if (!resource) throw lost("a loss is not on the device");
  return resource;
}

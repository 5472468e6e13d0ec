/**
 * Following tfjs's WebGPU backend while a step runs: every command, and the uniforms and
 * uploads it depends on.
 *
 * The trace of a step holds what two steps are compared by: if they differ in anything that
 * is not known to differ, neither can stand for the next one.
 *
 * @module
 */
import {
  type HostInput,
  type HostTypedArray,
  setHostInputHook,
} from "../core/host_input.ts";
import type * as tf from "../core/tf.ts";
import type { BufferExchange } from "./buffer_exchange.ts";
import { setRecorderHook } from "./dispatch.ts";
import type { Kernel } from "./kernel.ts";
import type { BufferLease } from "./step_buffer_pool.ts";
import type { DispatchCommand, StepCommand } from "./step_submitter.ts";
import { contentKeyOf, type StepUniforms, type UniformSlot } from "./step_uniforms.ts";
import type { TensorData, WebGpuBackend } from "./tfjs_webgpu.ts";
import { packUniforms, uniformOffset, type UniformValues } from "./uniforms.ts";

/** The commands of a step with everything they depend on except host inputs. */
export interface StepTrace {
  /** Why this step cannot be replayed, whatever others do; null if it can. */
  readonly notReplayableReason: string | null;
  /** Adds a command: `what` names it in messages, `key` is compared. */
  add(what: string, key: string): void;
  /** Keeps the first reason it is given. */
  markNotReplayable(reason: string): void;
  /** Where this step first differs from another, in words; null if nowhere. */
  describeDifference(other: StepTrace): string | null;
  /** The commands so far. */
  readonly entries: readonly (readonly [what: string, key: string])[];
}

/** Starts a trace. */
export function createStepTrace(): StepTrace {
  const entries: [string, string][] = [];
  let notReplayableReason: string | null = null;
  return {
    entries,
    get notReplayableReason() {
      return notReplayableReason;
    },
    add: (what, key) => void entries.push([what, key]),
    markNotReplayable: (reason) => notReplayableReason ??= reason,
    describeDifference({ entries: others }) {
      const length = Math.max(entries.length, others.length);
      for (let i = 0; i < length; i++) {
        const [what, key] = entries[i] ?? ["the end", ""];
        const [other, otherKey] = others[i] ?? ["the end", ""];
        if (what !== other) return `${other} was replaced by ${what} at command ${i}`;
        if (key !== otherKey) return `${what} changed at command ${i}`;
      }
      return null;
    },
  };
}

/** What a step did, in order. */
export interface CapturedStep {
  readonly commands: StepCommand[];
  /** Kernels run by code that a replay runs too; it gives their uniforms. */
  readonly refreshedUniforms: { readonly kernel: Kernel; readonly slot: UniformSlot }[];
  /** Uniforms that count forward passes, relative to the count at the step's beginning. */
  readonly forwardCounts: { readonly slot: UniformSlot; readonly countOffset: number }[];
  /** Buffers whose elements the host computes anew for every step. */
  readonly hostInputs: {
    readonly buffer: GPUBuffer;
    readonly input: HostInput<HostTypedArray>;
  }[];
  /** Tensors that kernels changed in place. */
  readonly writtenTensors: Set<TensorData>;
}

/** Where a step's parts go. */
interface CaptureContext {
  readonly backend: WebGpuBackend;
  readonly buffers: BufferLease;
  readonly uniforms: StepUniforms;
  readonly trace: StepTrace;
  /** Forward passes before the step. */
  readonly forwardCount: number;
  /** Whether the code that runs now is skipped in a replay. */
  isSkipped(): boolean;
}

const ids = new WeakMap<object, number>();
let nextId = 0;

/** Starts to capture a step; the second result stops. */
export function captureStep(context: CaptureContext): [CapturedStep, () => void] {
  const { backend, buffers, uniforms, trace, forwardCount, isSkipped } = context;
  const captured: CapturedStep = {
    commands: [],
    refreshedUniforms: [],
    forwardCounts: [],
    hostInputs: [],
    writtenTensors: new Set(),
  };
  const hostInputs = new Map<tf.DataId, HostInput<HostTypedArray>>();
  let uniformKey = "";
  let isRefreshing = false;

  const bindConstant = (bytes: ArrayBuffer) => {
    const key = contentKeyOf(bytes);
    uniformKey = key;
    return uniforms.constant(bytes, key);
  };
  const bindUniforms = (kernel: Kernel, values: UniformValues): GPUBufferBinding => {
    const { forwardCountUniform: countUniform } = kernel;
    if (isSkipped() && countUniform === undefined) {
      return bindConstant(packUniforms(kernel, values));
    }
    const slot = uniforms.dynamic(kernel, values);
    if (isSkipped() && countUniform !== undefined) {
      const countOffset = (values[countUniform] ?? NaN) - forwardCount;
      const offset = slot.offset + uniformOffset(kernel, countUniform);
      captured.forwardCounts.push({ slot: { ...slot, offset }, countOffset });
      uniformKey = contentKeyOf(
        packUniforms(kernel, { ...values, [countUniform]: countOffset }),
      );
    } else {
      isRefreshing = true;
      captured.refreshedUniforms.push({ kernel, slot });
      uniformKey = "refreshed";
    }
    return slot.binding;
  };

  const onDispatch = (command: DispatchCommand) => {
    const { pipeline, workgroups } = command;
    const name = pipeline.label || "an operation of tfjs";
    if (!isSkipped() && !isRefreshing) {
      trace.markNotReplayable(`${name} ran outside of a forward and backward pass`);
    }
    isRefreshing = false;
    trace.add(name, `${identityOf(pipeline)} ${workgroups} ${uniformKey}`);
    captured.commands.push(command);
  };

  const onExchange = (command: BufferExchange) => {
    const { exchange: { name }, inputs, outputs } = command;
    if (!isSkipped()) {
      trace.markNotReplayable(`${name} ran outside of a forward and backward pass`);
    }
    const sizes = [inputs, outputs].map((buffers) => buffers.map(({ size }) => size));
    trace.add(name, sizes.join(" → "));
    captured.commands.push(command);
  };

  const originals = {
    ensureCommandEncoderReady: backend.ensureCommandEncoderReady,
    makeUniforms: backend.makeUniforms,
    uploadToGPU: backend.uploadToGPU,
    submitQueue: backend.submitQueue,
  };
  Object.assign(backend, {
    ensureCommandEncoderReady() {
      backend.commandEncoder ??= encoder(backend.device.createCommandEncoder());
    },
    // The original lays the struct out and, here, writes it to nowhere.
    makeUniforms(fields: unknown) {
      let bytes = new ArrayBuffer(0);
      originals.makeUniforms.call(
        {
          bufferManager: { acquireBuffer: () => null },
          queue: { writeBuffer: (_: null, __: 0, data: ArrayBuffer) => bytes = data },
          uniformPendingDisposal: [],
        } as unknown as WebGpuBackend,
        fields,
      );
      return bindConstant(bytes);
    },
    uploadToGPU(id: tf.DataId) {
      const data = backend.tensorMap.get(id);
      const { values, resource } = data;
      originals.uploadToGPU.call(backend, id);
      const buffer = data.resource;
      if (!buffer) return;
      if (resource) {
        if (!buffers.has(buffer)) trace.add("a tensor", `${identityOf(buffer)}`);
        return;
      }
      if (!values) return;
      const input = hostInputs.get(id);
      if (input !== undefined) captured.hostInputs.push({ buffer, input });
      else trace.add("a constant", contentKey(values));
    },
    submitQueue() {
      originals.submitQueue.call(backend);
      backend.commandQueueOwnedIds = OWNS_NOTHING;
    },
  });
  backend.commandQueueOwnedIds = OWNS_NOTHING;
  buffers.onForeignRelease = () =>
    trace.markNotReplayable("a tensor from before the step was freed during the step");
  setRecorderHook({
    replaying: false,
    refreshUniforms() {},
    bindUniforms,
    onWrite: (data) => void captured.writtenTensors.add(data),
    onExchange,
  });
  setHostInputHook((tensor, input) => hostInputs.set(tensor.dataId, input));

  return [captured, () => {
    Object.assign(backend, originals, { commandQueueOwnedIds: new WeakSet<tf.DataId>() });
    buffers.onForeignRelease = null;
    setRecorderHook(null);
    setHostInputHook(null);
  }];

  function encoder(real: GPUCommandEncoder): GPUCommandEncoder {
    return {
      beginComputePass: () => computePass(real.beginComputePass(), onDispatch),
      copyBufferToBuffer(...copy: Parameters<GPUCommandEncoder["copyBufferToBuffer"]>) {
        trace.markNotReplayable("a buffer was copied during the step");
        real.copyBufferToBuffer(...copy);
      },
      finish: () => real.finish(),
    } as unknown as GPUCommandEncoder; // the members that the backend uses
  }
}

// A step's commands run in order, so a buffer is free as soon as its tensor is, not only
// after the submit. So the backend must believe that the queue owns nothing.
const OWNS_NOTHING: WebGpuBackend["commandQueueOwnedIds"] = {
  add: () => OWNS_NOTHING as WeakSet<tf.DataId>,
  has: () => false,
};

function computePass(
  real: GPUComputePassEncoder,
  onDispatch: (command: DispatchCommand) => void,
): GPUComputePassEncoder {
  let pipeline: GPUComputePipeline | null = null;
  let bindGroup: GPUBindGroup | null = null;
  return {
    setPipeline(next: GPUComputePipeline) {
      pipeline = next;
      real.setPipeline(next);
    },
    setBindGroup(index: number, next: GPUBindGroup) {
      bindGroup = next;
      real.setBindGroup(index, next);
    },
    dispatchWorkgroups(x: number, y = 1, z = 1) {
      if (pipeline === null || bindGroup === null) return;
      real.dispatchWorkgroups(x, y, z);
      onDispatch({ pipeline, bindGroup, workgroups: [x, y, z] });
    },
    end: () => real.end(),
  } as unknown as GPUComputePassEncoder; // the members that the backend uses
}

function identityOf(thing: object): number {
  const existing = ids.get(thing);
  if (existing !== undefined) return existing;
  ids.set(thing, ++nextId);
  return nextId;
}

function contentKey(values: ArrayLike<number>): string {
  const numbers = Float64Array.from(values);
  return `${numbers.length} ${fnv1a(new Uint32Array(numbers.buffer))}`;
}

// The 32-bit FNV-1a hash of words.
function fnv1a(words: Uint32Array): number {
  let hash = 0x811c9dc5;
  for (const word of words) hash = Math.imul(hash ^ word, 0x01000193);
  return hash >>> 0;
}

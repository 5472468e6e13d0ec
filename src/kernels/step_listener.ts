/**
 * Listening to tfjs's WebGPU backend while a step runs: every command, the uniforms and the
 * uploads it depends on.
 *
 * @module
 */
import { type Decided, type HostCells, listenToDecisions } from "../core/decided.ts";
import type * as tf from "../core/tf.ts";
import type { Kernel } from "./kernel.ts";
import type { BufferLease } from "./step_buffers.ts";
import { hashOf, type StepTrace } from "./step_trace.ts";
import { keyOf, type StepUniforms, type UniformSlot } from "./step_uniforms.ts";
import { listen, type UniformValues } from "./tap.ts";
import type { TensorData, WebGpuBackend } from "./tfjs_webgpu.ts";
import { offsetOf, packUniforms } from "./uniforms.ts";

/** One dispatch. */
export interface StepCommand {
  readonly pipeline: GPUComputePipeline;
  readonly bindGroup: GPUBindGroup;
  readonly grid: readonly [number, number, number];
}

/** What a step did, in order. */
export interface StepRecord {
  readonly commands: StepCommand[];
  /** Kernels run by code that runs in a replay too: it gives their uniforms. */
  readonly restated: { readonly kernel: Kernel; readonly slot: UniformSlot }[];
  /** Uniforms that count evaluations, and by how much they are ahead of the clock. */
  readonly clocks: { readonly slot: UniformSlot; readonly ahead: number }[];
  /** Buffers with decided elements. */
  readonly decided: {
    readonly buffer: GPUBuffer;
    readonly cells: Decided<HostCells>;
  }[];
  /** Tensors that kernels changed in place. */
  readonly written: Set<TensorData>;
}

/** Where a step's parts go. */
export interface ListenerParts {
  readonly backend: WebGpuBackend;
  readonly buffers: BufferLease;
  readonly uniforms: StepUniforms;
  readonly trace: StepTrace;
  /** n at the beginning of the step. */
  readonly clock: number;
  /** Whether the code that runs now is skipped in a replay. */
  skipped(): boolean;
}

const ids = new WeakMap<object, number>();
let nextId = 0;

/** Starts to listen; the second result stops. */
export function listenToStep(parts: ListenerParts): [StepRecord, () => void] {
  const { backend, buffers, uniforms, trace, clock, skipped } = parts;
  const record: StepRecord = {
    commands: [],
    restated: [],
    clocks: [],
    decided: [],
    written: new Set(),
  };
  const decisions = new Map<tf.DataId, Decided<HostCells>>();
  let uniformKey = "";
  let restating = false;

  const constant = (bytes: ArrayBuffer) => {
    const key = keyOf(bytes);
    uniformKey = key;
    return uniforms.constant(bytes, key);
  };
  const bind = (kernel: Kernel, values: UniformValues): GPUBufferBinding => {
    const { clock: counter } = kernel;
    if (skipped() && counter === undefined) {
      return constant(packUniforms(kernel.uniforms, values));
    }
    const slot = uniforms.changing(kernel.uniforms, values);
    if (skipped() && counter !== undefined) {
      const ahead = (values[counter] ?? NaN) - clock;
      const offset = slot.offset + offsetOf(kernel.uniforms, counter);
      record.clocks.push({ slot: { ...slot, offset }, ahead });
      uniformKey = keyOf(packUniforms(kernel.uniforms, { ...values, [counter]: ahead }));
    } else {
      restating = true;
      record.restated.push({ kernel, slot });
      uniformKey = "restated";
    }
    return slot.binding;
  };

  const onDispatch = (command: StepCommand) => {
    const { pipeline, grid } = command;
    const name = pipeline.label || "an operation of tfjs";
    if (!skipped() && !restating) {
      trace.fail(`${name} ran outside of a loss evaluation`);
    }
    restating = false;
    trace.add(name, `${idOf(pipeline)} ${grid} ${uniformKey}`);
    record.commands.push(command);
  };

  const saved = {
    ensureCommandEncoderReady: backend.ensureCommandEncoderReady,
    makeUniforms: backend.makeUniforms,
    uploadToGPU: backend.uploadToGPU,
    submitQueue: backend.submitQueue,
  };
  Object.assign(backend, {
    ensureCommandEncoderReady() {
      backend.commandEncoder ??= encoder(
        backend.device.createCommandEncoder(),
        onDispatch,
      );
    },
    // The original lays the struct out and, here, writes it to nowhere.
    makeUniforms(fields: unknown) {
      let bytes = new ArrayBuffer(0);
      saved.makeUniforms.call(
        {
          bufferManager: { acquireBuffer: () => null },
          queue: { writeBuffer: (_: null, __: 0, data: ArrayBuffer) => bytes = data },
          uniformPendingDisposal: [],
        } as unknown as WebGpuBackend,
        fields,
      );
      return constant(bytes);
    },
    uploadToGPU(id: tf.DataId) {
      const data = backend.tensorMap.get(id);
      const { values, resource } = data;
      saved.uploadToGPU.call(backend, id);
      const buffer = data.resource;
      if (!buffer) return;
      if (resource) {
        if (!buffers.has(buffer)) trace.add("a tensor", `${idOf(buffer)}`);
        return;
      }
      if (!values) return;
      const cells = decisions.get(id);
      if (cells !== undefined) record.decided.push({ buffer, cells });
      else trace.add("a constant", contentOf(values));
    },
    submitQueue() {
      saved.submitQueue.call(backend);
      backend.commandQueueOwnedIds = NOTHING;
    },
  });
  backend.commandQueueOwnedIds = NOTHING;
  buffers.onForeign = () => trace.fail("a tensor from before the step was freed in it");
  listen({
    replaying: false,
    restate() {},
    bind,
    wrote: (data) => void record.written.add(data),
  });
  listenToDecisions((tensor, cells) => decisions.set(tensor.dataId, cells));

  return [record, () => {
    Object.assign(backend, saved, { commandQueueOwnedIds: new WeakSet<tf.DataId>() });
    buffers.onForeign = null;
    listen(null);
    listenToDecisions(null);
  }];

  function encoder(
    real: GPUCommandEncoder,
    onDispatch: (command: StepCommand) => void,
  ): GPUCommandEncoder {
    return {
      beginComputePass: () => computePass(real.beginComputePass(), onDispatch),
      copyBufferToBuffer(...copy: Parameters<GPUCommandEncoder["copyBufferToBuffer"]>) {
        trace.fail("a buffer was copied in it");
        real.copyBufferToBuffer(...copy);
      },
      finish: () => real.finish(),
    } as unknown as GPUCommandEncoder; // the members that the backend uses
  }
}

// A step's commands run in order, so a buffer is free as soon as its tensor is, not only
// after the submit: the backend is told that the queue owns nothing.
const NOTHING: WebGpuBackend["commandQueueOwnedIds"] = {
  add: () => NOTHING as WeakSet<tf.DataId>,
  has: () => false,
};

function computePass(
  real: GPUComputePassEncoder,
  onDispatch: (command: StepCommand) => void,
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
      onDispatch({ pipeline, bindGroup, grid: [x, y, z] });
    },
    end: () => real.end(),
  } as unknown as GPUComputePassEncoder; // the members that the backend uses
}

function idOf(thing: object): number {
  const known = ids.get(thing);
  if (known !== undefined) return known;
  ids.set(thing, ++nextId);
  return nextId;
}

function contentOf(values: ArrayLike<number>): string {
  const cells = Float64Array.from(values);
  return `${cells.length} ${hashOf(new Uint32Array(cells.buffer))}`;
}

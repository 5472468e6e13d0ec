/**
 * Tensors that go through the host in the midst of a step: to other ranks, and back.
 *
 * On the host's own backend an exchange blocks. On WebGPU nothing can be read back at once,
 * so there what the device is given afterwards waits instead, see `queue_order.ts`. Code that
 * exchanges tensors is the same for both.
 *
 * @module
 */
import * as tf from "../core/tf.ts";
import {
  type BufferExchange,
  checkResults,
  exchangeBuffers,
  type HostExchange,
} from "./buffer_exchange.ts";
import { holdsIntegers, recorderHook } from "./dispatch.ts";
import { allocateTensor } from "./launch.ts";
import { queueOrderSettled } from "./queue_order.ts";
import { heapView } from "./tfjs_wasm.ts";
import { flush, webGpuBackend } from "./tfjs_webgpu.ts";

export type { HostExchange } from "./buffer_exchange.ts";

/** The shape of a tensor that an exchange makes, and the type of its elements. */
export interface ExchangedTensor {
  readonly shape: readonly number[];
  readonly dtype: "float32" | "int32";
}

/**
 * Makes tensors of others by way of the host. No gradient flows through it.
 *
 * Elements of int32 tensors are passed on as their 32 bits. On WebGPU exchanges are done in
 * their order, each when its turn comes: whoever talks to the same ranks in another way
 * waits for {@linkcode exchangesSettled} first.
 *
 * @param inputs Of type float32 or int32.
 * @returns One tensor for each of `outputs`; the caller owns them.
 * @throws {TypeError} If an input is of another type.
 * @throws {RangeError} On the host's own backend, if the exchange gives another number of
 * values than the outputs have elements; on WebGPU {@linkcode exchangesSettled} rejects
 * with it, as with any other failure.
 */
export function exchangeTensors(
  inputs: readonly tf.Tensor[],
  outputs: readonly ExchangedTensor[],
  exchange: HostExchange,
): tf.Tensor[] {
  for (const { dtype } of inputs) {
    if (dtype === "float32" || dtype === "int32") continue;
    throw new TypeError(
      `Cannot exchange tensors for "${exchange.name}": one is of type ${dtype}; ` +
        "use tf.cast()",
    );
  }
  if (tf.isDryRun()) return exchangeShapes(inputs, outputs, exchange);
  switch (tf.getBackend()) {
    case "wasm":
      return exchangeOnHeap(inputs, outputs, exchange);
    case "webgpu":
      return exchangeOnDevice(inputs, outputs, exchange);
    default:
      throw new TypeError(
        `Cannot exchange tensors for "${exchange.name}" on backend ` +
          `"${tf.getBackend()}": call openBackend() first`,
      );
  }
}

/**
 * Waits until all exchanges begun so far are done and the device has been given what came
 * after them.
 *
 * @throws {Error} What an exchange on this device failed with; {@linkcode readBack} throws
 * it as well, and opening the backend again opens a new device.
 */
export async function exchangesSettled(): Promise<void> {
  if (tf.getBackend() === "webgpu") await queueOrderSettled(webGpuBackend().device);
}

function exchangeShapes(
  inputs: readonly tf.Tensor[],
  outputs: readonly ExchangedTensor[],
  { name }: HostExchange,
): tf.Tensor[] {
  const made = outputs.map(allocateOutput);
  tf.reportKernel({
    kernel: name,
    inputs: Object.fromEntries(inputs.entries()),
    attributes: {},
    outputs: Object.fromEntries(made.entries()),
  });
  return made;
}

function exchangeOnHeap(
  inputs: readonly tf.Tensor[],
  outputs: readonly ExchangedTensor[],
  exchange: HostExchange,
): tf.Tensor[] {
  const values = new Float32Array(inputs.reduce((sum, { size }) => sum + size, 0));
  let position = 0;
  for (const input of inputs) {
    values.set(bitsOf(input), position);
    position += input.size;
  }
  const results = exchange.run(values);
  checkResults(
    exchange,
    results,
    outputs.reduce((sum, { shape }) => sum + tf.util.sizeFromShape([...shape]), 0),
  );
  const made = outputs.map(allocateOutput);
  position = 0;
  for (const output of made) { // all exist, so the heap cannot move
    bitsOf(output).set(results.subarray(position, position + output.size));
    position += output.size;
  }
  return made;
}

function exchangeOnDevice(
  inputs: readonly tf.Tensor[],
  outputs: readonly ExchangedTensor[],
  exchange: HostExchange,
): tf.Tensor[] {
  const backend = webGpuBackend();
  const hook = recorderHook();
  if (hook?.replaying) {
    throw new TypeError(
      `Cannot replay exchange "${exchange.name}": it makes a tensor outside of a forward ` +
        "and backward pass",
    );
  }
  const buffersOf = (tensors: readonly tf.Tensor[]) =>
    tensors.filter(({ size }) => size > 0).map(({ dataId }) => {
      backend.uploadToGPU(dataId);
      const buffer = backend.tensorMap.get(dataId).resource;
      if (!buffer) throw new Error("Cannot exchange a tensor without memory");
      return buffer;
    });
  const floats = inputs.map((input) =>
    holdsIntegers(backend, input) ? tf.floor(input) : input
  );
  const made = outputs.map(allocateOutput);
  const buffers: BufferExchange = {
    exchange,
    inputs: buffersOf(floats),
    outputs: buffersOf(made),
  };
  flush(backend);
  hook?.onExchange(buffers);
  exchangeBuffers(backend.device, buffers);
  floats.filter((input, i) => input !== inputs[i]).forEach((input) => input.dispose());
  // A tensor without elements has no memory on the device, and no other to read.
  for (const { dataId, size } of made) {
    if (size === 0) backend.tensorMap.get(dataId).values = new Float32Array();
  }
  return made;
}

function allocateOutput({ shape, dtype }: ExchangedTensor): tf.Tensor {
  return allocateTensor(shape, dtype === "int32" ? "i32" : "f32");
}

// Copied between arrays of floats, bits stay what they are.
function bitsOf(tensor: tf.Tensor): Float32Array {
  const { buffer, byteOffset, length } = heapView(tensor);
  return new Float32Array(buffer, byteOffset, length);
}

/**
 * Tensors that go through the host in the midst of a step: to other ranks, and back.
 *
 * On the host's own backend an exchange blocks. On WebGPU nothing can be read back at once,
 * so there the device's later work waits instead, see `exchange_queue.ts`: code that
 * exchanges tensors is the same for both.
 *
 * @module
 */
import * as tf from "../core/tf.ts";
import { allocateTensor } from "./launch.ts";
import { heapView } from "./tfjs_wasm.ts";

/** What is done on the host with the values of some tensors. */
export interface HostExchange {
  /** Names it in messages and traces. */
  readonly name: string;
  /** Values of all inputs one after the other → values of all outputs; blocks. */
  run(values: Float32Array<ArrayBuffer>): Float32Array<ArrayBuffer>;
  /** The same while other code runs. */
  runAsync(values: Float32Array<ArrayBuffer>): Promise<Float32Array<ArrayBuffer>>;
}

/** The shape of a tensor that an exchange makes, and the type of its elements. */
export interface ExchangedTensor {
  readonly shape: readonly number[];
  readonly dtype: "float32" | "int32";
}

/**
 * Makes tensors of others by way of the host. No gradient flows through it.
 *
 * Elements of int32 tensors are passed on as their 32 bits.
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
  if (tf.getBackend() === "wasm") return exchangeOnHeap(inputs, outputs, exchange);
  throw new TypeError(
    `Cannot exchange tensors for "${exchange.name}" on backend "${tf.getBackend()}"`,
  );
}

/** Waits until all exchanges begun so far are done and what came after them has been given to the device. */
export function exchangesSettled(): Promise<void> {
  return Promise.resolve();
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
  checkSize(exchange, results, outputs);
  const made = outputs.map(allocateOutput);
  position = 0;
  for (const output of made) { // all exist, so the heap cannot move
    bitsOf(output).set(results.subarray(position, position + output.size));
    position += output.size;
  }
  return made;
}

/** Asserts that an exchange gave what its outputs need. */
function checkSize(
  { name }: HostExchange,
  { length }: Float32Array,
  outputs: readonly ExchangedTensor[],
): void {
  const needed = outputs.reduce(
    (sum, { shape }) => sum + tf.util.sizeFromShape([...shape]),
    0,
  );
  if (length === needed) return;
  throw new RangeError(
    `Cannot exchange tensors for "${name}": it gave ${length} values for ${needed} ` +
      "elements",
  );
}

function allocateOutput({ shape, dtype }: ExchangedTensor): tf.Tensor {
  return allocateTensor(shape, dtype === "int32" ? "i32" : "f32");
}

// Copied between arrays of floats, bits stay what they are.
function bitsOf(tensor: tf.Tensor): Float32Array {
  const { buffer, byteOffset, length } = heapView(tensor);
  return new Float32Array(buffer, byteOffset, length);
}

/**
 * Exchanges between buffers of a device: read back, given to the host's code, written.
 *
 * @module
 */
import { runInQueueOrder } from "./queue_order.ts";

/** What is done on the host with the values of some tensors. */
export interface HostExchange {
  /** Names it in messages and traces. */
  readonly name: string;
  /** Values of all inputs one after the other → values of all outputs; blocks. */
  run(values: Float32Array<ArrayBuffer>): Float32Array<ArrayBuffer>;
  /** The same while other code runs. */
  runAsync(values: Float32Array<ArrayBuffer>): Promise<Float32Array<ArrayBuffer>>;
}

/** An exchange between buffers. */
export interface BufferExchange {
  readonly exchange: HostExchange;
  readonly inputs: readonly GPUBuffer[];
  readonly outputs: readonly GPUBuffer[];
}

/** Does it between what the device was given so far and what it is given from now on. */
export function exchangeBuffers(
  device: GPUDevice,
  { exchange, inputs, outputs }: BufferExchange,
): void {
  const bytes = bytesOf(inputs);
  runInQueueOrder(device, async ({ submit, writeBuffer, mapAsync }) => {
    const staging = stagingFor(device, bytes);
    const encoder = device.createCommandEncoder();
    let offset = 0;
    for (const input of inputs) {
      encoder.copyBufferToBuffer(input, 0, staging.buffer, offset, input.size);
      offset += input.size;
    }
    submit.call(device.queue, [encoder.finish()]);
    const isMapped = mapAsync.call(staging.buffer, GPUMapMode.READ, 0, bytes);
    const range = await mappedRange(staging, bytes, isMapped);
    try {
      const results = await exchange.runAsync(new Float32Array(range));
      checkResults(exchange, results, bytesOf(outputs) / 4);
      offset = results.byteOffset;
      for (const output of outputs) {
        const { size } = output;
        writeBuffer.call(device.queue, output, 0, results.buffer, offset, size);
        offset += size;
      }
    } finally {
      staging.buffer.unmap(); // and the range, which may hold the results, is gone
    }
  });
}

/**
 * Asserts that an exchange gave a value for every element of its outputs.
 *
 * @throws {RangeError} If it gave more or fewer.
 */
export function checkResults(
  { name }: HostExchange,
  { length }: Float32Array,
  elements: number,
): void {
  if (length === elements) return;
  throw new RangeError(
    `Cannot exchange tensors for "${name}": it gave ${length} values for ${elements} ` +
      "elements",
  );
}

/** Where the host reads. */
interface Staging {
  readonly buffer: GPUBuffer;
  wasMapped: boolean;
}

const stagingOfDevice = new WeakMap<GPUDevice, Staging>();

// One for all exchanges of a device, which come one after the other.
function stagingFor(device: GPUDevice, bytes: number): Staging {
  const existing = stagingOfDevice.get(device);
  if (existing !== undefined && existing.buffer.size >= bytes) return existing;
  existing?.buffer.destroy();
  const usage = GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST;
  const buffer = device.createBuffer({ size: bytes, usage, label: "exchange" });
  const staging = { buffer, wasMapped: false };
  stagingOfDevice.set(device, staging);
  return staging;
}

// Deno maps a buffer before mapAsync() returns and says so 10 ms later, so we look. Where a
// buffer is mapped later there is no range yet; Deno itself panics if there never was one.
async function mappedRange(
  staging: Staging,
  bytes: number,
  isMapped: Promise<unknown>,
): Promise<ArrayBuffer> {
  const { buffer } = staging;
  if (staging.wasMapped) {
    try {
      const range = buffer.getMappedRange(0, bytes);
      isMapped.catch(() => {}); // a device that is lost fails at what follows
      return range;
    } catch {
      // Not yet.
    }
  }
  await isMapped;
  staging.wasMapped = true;
  return buffer.getMappedRange(0, bytes);
}

function bytesOf(buffers: readonly GPUBuffer[]): number {
  return buffers.reduce((sum, { size }) => sum + size, 0);
}

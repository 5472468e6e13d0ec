/**
 * Asynchronous work in the order of the device's queue: what code gives to the device after
 * it waits on the host until the work is done.
 *
 * Nothing of a GPU can be read back within synchronous code. Where what comes next depends
 * on what was read, as in the midst of a forward pass, the code goes on nonetheless: its
 * commands and uploads are kept back, and so are the maps of buffers, which would come too
 * early, and their ends. They follow in order as the work before them is done.
 *
 * Textures, which nothing here uses, are not kept back.
 *
 * @module
 */
import { explainGpuError, failDevice } from "../core/device.ts";

/** The methods of WebGPU as they are: work that others wait for uses these. */
export interface DirectMethods {
  readonly submit: GPUQueue["submit"];
  readonly writeBuffer: GPUQueue["writeBuffer"];
  readonly mapAsync: GPUBuffer["mapAsync"];
}

/** What waits for the work before it. */
interface Waiting {
  /** Where it goes; null: to that of the work before it, as far as we know. */
  readonly queue: GPUQueue | null;
  start(): void | Promise<void>;
  /** Is called instead if work before it failed. */
  drop(error: Error): void;
}

/** What waits, in order; null: no work is under way. */
let waiting: Waiting[] | null = null;
let direct: DirectMethods | null = null;
const failures = new WeakMap<GPUQueue, Error>();

/**
 * Does something asynchronous between what the device was given so far and what it is given
 * from now on.
 *
 * Where it fails, the device has failed: what should have come after it is not done.
 *
 * @throws {Error} What work on the device failed with before.
 */
export function runInQueueOrder(
  { queue }: GPUDevice,
  work: (direct: DirectMethods) => Promise<void>,
): void {
  const failure = failures.get(queue);
  if (failure !== undefined) throw failure;
  const methods = direct ??= keepBack();
  const next: Waiting = { queue, start: () => work(methods), drop() {} };
  if (waiting === null) startAll(waiting = [next]);
  else waiting.push(next);
}

/**
 * Waits until all work that was begun so far is done and the device has been given what
 * came after it.
 *
 * @throws {Error} What work on the device failed with.
 */
export async function queueOrderSettled({ queue }: GPUDevice): Promise<void> {
  await inOrder(queue, () => Promise.resolve());
  const failure = failures.get(queue);
  if (failure !== undefined) throw failure;
}

async function startAll(line: Waiting[]): Promise<void> {
  let queue: GPUQueue | null = null;
  for (let next = line.shift(); next !== undefined; next = line.shift()) {
    queue = next.queue ?? queue;
    const failure = queue === null ? undefined : failures.get(queue);
    if (failure !== undefined) {
      next.drop(failure);
      continue;
    }
    try {
      const started = next.start();
      if (started !== undefined) await started;
    } catch (error) {
      if (queue !== null) await fail(queue, error);
    }
  }
  waiting = null;
}

async function fail(queue: GPUQueue, cause: unknown): Promise<void> {
  const explained = await explainGpuError(cause);
  const error = explained instanceof Error ? explained : new Error(String(explained));
  failures.set(queue, error);
  failDevice(queue, error);
}

/** Starts something as soon as the work before it is done. */
function inOrder<R>(queue: GPUQueue | null, start: () => Promise<R>): Promise<R> {
  if (waiting === null) return start();
  const { promise, resolve, reject } = Promise.withResolvers<R>();
  waiting.push({ queue, start: () => void start().then(resolve, reject), drop: reject });
  return promise;
}

// Changes the methods for good; they cost nothing where no work is under way.
function keepBack(): DirectMethods {
  const { submit, writeBuffer, onSubmittedWorkDone } = GPUQueue.prototype;
  const { mapAsync, destroy } = GPUBuffer.prototype;
  const drop = () => {};
  Object.assign(GPUQueue.prototype, {
    submit(this: GPUQueue, commands: GPUCommandBuffer[]) {
      if (waiting === null) return submit.call(this, commands);
      const copy = [...commands];
      waiting.push({ queue: this, start: () => submit.call(this, copy), drop });
    },
    writeBuffer(this: GPUQueue, ...args: Parameters<GPUQueue["writeBuffer"]>) {
      if (waiting === null) return writeBuffer.apply(this, args);
      const [buffer, offset, ...data] = args;
      const copy = copyBytes(...data);
      const start = () => writeBuffer.call(this, buffer, offset, copy);
      waiting.push({ queue: this, start, drop });
    },
    onSubmittedWorkDone(this: GPUQueue) {
      return inOrder(this, () => onSubmittedWorkDone.call(this));
    },
  });
  Object.assign(GPUBuffer.prototype, {
    mapAsync(this: GPUBuffer, ...args: Parameters<GPUBuffer["mapAsync"]>) {
      return inOrder(null, () => mapAsync.apply(this, args));
    },
    destroy(this: GPUBuffer) {
      const start = () => destroy.call(this);
      if (waiting === null) start();
      else waiting.push({ queue: null, start, drop: start });
    },
  });
  return { submit, writeBuffer, mapAsync };
}

// Offset and size are in elements of a typed array, else in bytes.
function copyBytes(
  data: BufferSource,
  offset = 0,
  size = Infinity,
): Uint8Array<ArrayBuffer> {
  const unit = "BYTES_PER_ELEMENT" in data ? Number(data.BYTES_PER_ELEMENT) : 1;
  const bytes = ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data);
  return bytes.slice(unit * offset, unit * (offset + size));
}

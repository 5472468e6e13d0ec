/**
 * Threads that share the heap and run parts of one kernel at a time.
 *
 * A kernel is a function of a WebAssembly module, called as f(...args, begin, end, scratch):
 * it computes the items begin … end − 1 of its result, each in an order that does not
 * depend on the range, so that results have the same bits for any number of threads. Which
 * thread computes which items is decided as they go: a thread that is held up takes fewer.
 *
 * The threads talk through words of the heap. A call is open while {@linkcode Word.openCall}
 * has its number. Workers wait for that, spinning for some microseconds and sleeping then;
 * they count as {@linkcode Word.active} while they take ranges of items by adding to
 * {@linkcode Word.next}. The caller takes ranges, too, then closes the call and waits until
 * no worker is active: it does not wait for one that never came.
 *
 * @module
 */

/** Functions of the kernels' module. */
export type KernelFunctions = Readonly<Record<string, (...args: number[]) => void>>;

/** What a worker is told when it starts. */
export interface WorkerStart {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  /** Address of the control words. */
  readonly control: number;
  /** Address of this thread's scratch memory. */
  readonly scratch: number;
}

/** Where the control words are, as indices of an Int32Array. */
export const Word = {
  /** The number of the call that is open, 0, or {@linkcode CLOSED}. */
  openCall: 0,
  /** The first item that no thread has taken. */
  next: 1,
  /** Workers that may be computing. */
  active: 2,
  /** The kernel: its index among the module's functions. */
  kernel: 3,
  items: 4,
  grain: 5,
  argumentCount: 6,
  /** Workers that will not come back. */
  gone: 7,
} as const;

/** In place of a call: the pool is closed. */
const CLOSED = -1;

/** Arguments follow the words, as numbers of 64 bits. */
const ARGUMENTS_AT = 8; // in units of 8 bytes
const MAX_ARGUMENTS = 56;

/** Bytes of the control words and the arguments; their address is a multiple of 8. */
export const CONTROL_BYTES = 8 * (ARGUMENTS_AT + MAX_ARGUMENTS);

const SPINS = 2000;
const SLEEP_MS = 50;

/** A kernel's call as its callers see it. */
export interface Call {
  /** Index among the names. */
  readonly kernel: number;
  readonly items: number;
  /** Items that a thread takes at a time. */
  readonly grain: number;
  readonly args: readonly number[];
}

/** The words and arguments at an address of the heap. */
export function openControl(memory: WebAssembly.Memory, address: number) {
  return {
    words: new Int32Array(memory.buffer, address, 2 * ARGUMENTS_AT),
    args: new Float64Array(memory.buffer, address + 8 * ARGUMENTS_AT, MAX_ARGUMENTS),
  };
}

/** The control words of a heap. */
export type Control = ReturnType<typeof openControl>;

/** Opens a call to the workers. @param number Not 0, and not that of the last call. */
export function openCall(control: Control, number: number, call: Call): void {
  const { words } = control;
  const { kernel, items, grain, args } = call;
  if (args.length > MAX_ARGUMENTS) {
    throw new RangeError(
      `Cannot call a kernel with ${args.length} arguments: at most ${MAX_ARGUMENTS} fit`,
    );
  }
  control.args.set(args);
  words[Word.kernel] = kernel;
  words[Word.items] = items;
  words[Word.grain] = grain;
  words[Word.argumentCount] = args.length;
  Atomics.store(words, Word.next, 0);
  Atomics.store(words, Word.openCall, number);
  Atomics.notify(words, Word.openCall);
}

/** Closes the call, once no items are left, and waits for the workers that joined it. */
export function closeCall({ words }: Control): void {
  Atomics.store(words, Word.openCall, 0);
  for (;;) {
    const active = Atomics.load(words, Word.active);
    if (active === 0) return;
    waitWhile(words, Word.active, active);
  }
}

/** Takes ranges of the call's items until none is left. */
export function takeItems(
  { words }: Control,
  kernel: (...args: number[]) => void,
  args: readonly number[],
  scratch: number,
): void {
  const items = words[Word.items] ?? 0;
  const grain = words[Word.grain] ?? 1;
  for (;;) {
    const begin = Atomics.add(words, Word.next, grain);
    if (begin >= items) return;
    kernel(...args, begin, Math.min(begin + grain, items), scratch);
  }
}

/** What a worker does for one call after another, until the pool is closed. */
export function serveCalls(
  control: Control,
  kernels: readonly ((...args: number[]) => void)[],
  scratch: number,
): void {
  const { words } = control;
  for (let last = 0;;) {
    const call = Atomics.load(words, Word.openCall);
    if (call === CLOSED) break;
    if (call === 0 || call === last) {
      waitWhile(words, Word.openCall, call);
      continue;
    }
    last = call;
    Atomics.add(words, Word.active, 1);
    // Still open: then it stays so until this worker is done with it.
    if (Atomics.load(words, Word.openCall) === call) {
      const kernel = kernels[words[Word.kernel] ?? 0];
      const args = Array.from(control.args.subarray(0, words[Word.argumentCount]));
      if (kernel !== undefined) takeItems(control, kernel, args, scratch);
    }
    Atomics.sub(words, Word.active, 1);
    Atomics.notify(words, Word.active);
  }
  Atomics.add(words, Word.gone, 1);
  Atomics.notify(words, Word.gone);
}

/** Ends the workers, which read these words until they are gone. */
export function closePool({ words }: Control, workers: number): void {
  Atomics.store(words, Word.openCall, CLOSED);
  Atomics.notify(words, Word.openCall);
  for (;;) {
    const gone = Atomics.load(words, Word.gone);
    if (gone === workers) return;
    waitWhile(words, Word.gone, gone);
  }
}

// A short spin, for the next call often follows within microseconds; then sleep.
function waitWhile(words: Int32Array, at: number, value: number): void {
  for (let i = 0; i < SPINS; i++) {
    if (Atomics.load(words, at) !== value) return;
  }
  while (Atomics.load(words, at) === value) Atomics.wait(words, at, value, SLEEP_MS);
}

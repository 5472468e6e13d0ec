/**
 * Threads that share the heap and run parts of one kernel at a time.
 *
 * A kernel is a function of a WebAssembly module, called as f(...args, begin, end, scratch):
 * it computes the items begin … end − 1 of its result, each in an order that does not
 * depend on the range, so that results have the same bits for any number of threads. Which
 * thread computes which items is decided as they go: a thread that is held up takes fewer.
 *
 * The threads talk through words of the heap. A call raises {@linkcode Word.generation};
 * workers wait for that, spinning for some microseconds and sleeping then, take ranges of
 * items by adding to {@linkcode Word.next}, and report in {@linkcode Word.finished}.
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
  /** Counts calls. */
  generation: 0,
  /** The first item that no thread has taken. */
  next: 1,
  /** Workers that are done with the call. */
  finished: 2,
  /** The kernel: its index among the names of the module's exports. */
  kernel: 3,
  items: 4,
  grain: 5,
  argumentCount: 6,
} as const;

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

/** Lets the workers begin a call. */
export function startCall(control: Control, { kernel, items, grain, args }: Call): void {
  if (args.length > MAX_ARGUMENTS) {
    throw new RangeError(
      `Cannot call a kernel with ${args.length} arguments: at most ${MAX_ARGUMENTS} fit`,
    );
  }
  const { words } = control;
  control.args.set(args);
  words[Word.kernel] = kernel;
  words[Word.items] = items;
  words[Word.grain] = grain;
  words[Word.argumentCount] = args.length;
  words[Word.next] = 0;
  words[Word.finished] = 0;
  Atomics.add(words, Word.generation, 1);
  Atomics.notify(words, Word.generation);
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

/** What a worker does for one call after another. */
export function serveCalls(
  control: Control,
  kernels: readonly ((...args: number[]) => void)[],
  scratch: number,
): never {
  const { words } = control;
  for (let calls = 0;; calls++) {
    waitWhile(words, Word.generation, calls);
    const kernel = kernels[words[Word.kernel] ?? 0];
    const args = Array.from(control.args.subarray(0, words[Word.argumentCount]));
    if (kernel !== undefined) takeItems(control, kernel, args, scratch);
    Atomics.add(words, Word.finished, 1);
    Atomics.notify(words, Word.finished);
  }
}

/** Waits until `workers` workers are done with the call. */
export function awaitWorkers({ words }: Control, workers: number): void {
  for (;;) {
    const finished = Atomics.load(words, Word.finished);
    if (finished >= workers) return;
    waitWhile(words, Word.finished, finished);
  }
}

// A short spin, for the next call often follows within microseconds; then sleep.
function waitWhile(words: Int32Array, at: number, value: number): void {
  for (let i = 0; i < SPINS; i++) {
    if (Atomics.load(words, at) !== value) return;
  }
  while (Atomics.load(words, at) === value) Atomics.wait(words, at, value, SLEEP_MS);
}

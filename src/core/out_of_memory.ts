/** Recognizing that WebAssembly has run out of memory. @module */

/** A failed allocation of tfjs in the memory of WebAssembly. */
export class WasmMemoryError extends RangeError {
  override readonly name = "WasmMemoryError";

  /** @param bytes How many could not be allocated. */
  constructor(bytes: number) {
    super(
      `Cannot allocate ${bytes} bytes: WebAssembly has at most 4 GB of memory, and not so ` +
        "many free in one piece",
    );
  }
}

/** How V8 and emscripten report that memory could not be allocated or could not grow. */
const ALLOCATION_FAILURES: readonly RegExp[] = [
  /^Array buffer allocation failed/, // V8: new ArrayBuffer(), and typed arrays
  /^WebAssembly\.Memory\(\): could not allocate memory/i,
  /^WebAssembly\.Memory\.grow\(\): (Maximum memory size exceeded|Unable to grow)/i,
  /^WebAssembly\.(Instance|instantiate)\(\): Out of memory/i,
  /^Aborted\((OOM|Cannot enlarge memory arrays)/, // emscripten, with assertions
  /^abort\((OOM|Cannot enlarge memory arrays)/, // older emscripten
];

/**
 * Whether an error means that memory could not be allocated.
 *
 * A trap ("memory access out of bounds", "unreachable") does not mean it, nor does an
 * abort without a reason: a wrong kernel ends so, too.
 */
export function isOutOfMemory(error: unknown): boolean {
  if (error instanceof WasmMemoryError) return true;
  return (error instanceof RangeError || error instanceof WebAssembly.RuntimeError) &&
    ALLOCATION_FAILURES.some((failure) => failure.test(error.message));
}

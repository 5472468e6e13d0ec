import assert from "node:assert/strict";
import { openBackend, readBack } from "../../src/core/backend.ts";
import { isOutOfMemory, WasmMemoryError } from "../../src/core/out_of_memory.ts";
import * as tf from "../../src/core/tf.ts";

const thrownBy = (action: () => unknown): unknown => {
  try {
    action();
  } catch (error) {
    return error;
  }
  return assert.fail("it throws nothing");
};
const trap = (message: string) => new WebAssembly.RuntimeError(message);

/** As V8, emscripten and tfjs report them. */
const FAILED_ALLOCATIONS: Readonly<Record<string, unknown>> = {
  "an ArrayBuffer": thrownBy(() => new ArrayBuffer(2 ** 52)),
  "a typed array": new RangeError("Array buffer allocation failed"),
  "Memory.grow() beyond the maximum": thrownBy(() =>
    new WebAssembly.Memory({ initial: 1, maximum: 1 }).grow(1)
  ),
  "Memory.grow() without memory": new RangeError(
    "WebAssembly.Memory.grow(): Unable to grow instance memory",
  ),
  "Memory()": new RangeError("WebAssembly.Memory(): could not allocate memory"),
  "Instance()": new RangeError(
    "WebAssembly.Instance(): Out of memory: Cannot allocate Wasm memory for new instance",
  ),
  "emscripten": trap("Aborted(OOM). Build with -sASSERTIONS for more info."),
  "emscripten without growth": trap("Aborted(Cannot enlarge memory arrays to size 1)"),
  "older emscripten": trap("abort(Cannot enlarge memory arrays) at Error"),
  "tfjs's malloc": new WasmMemoryError(8),
};

/** What looks like it. */
const OTHER_FAILURES: Readonly<Record<string, unknown>> = {
  "a trap": trap("memory access out of bounds"),
  "another trap": trap("unreachable"),
  "a division": trap("divide by zero"),
  "an abort without a reason": trap("Aborted(). Build with -sASSERTIONS for more info."),
  "a wrong offset": thrownBy(() => new Uint8Array(1).set([1], 1)),
  "a wrong length": thrownBy(() => new Uint8Array(-1)),
  "an error that quotes one": new Error("Array buffer allocation failed"),
  "no error": "Array buffer allocation failed",
};

for (const [title, error] of Object.entries(FAILED_ALLOCATIONS)) {
  Deno.test(`isOutOfMemory() is true for a failed allocation: ${title}`, () => {
    assert.ok(isOutOfMemory(error), String(error));
  });
}

for (const [title, error] of Object.entries(OTHER_FAILURES)) {
  Deno.test(`isOutOfMemory() is false for another failure: ${title}`, () => {
    assert.ok(!isOutOfMemory(error), String(error));
  });
}

// Neither fits beside x; the second has more bytes than an address can count.
for (const shape of [[1024, 1024, 1023], [1024, 1024, 1025]] as const) {
  Deno.test({
    name:
      `tf.fill([${shape}]) throws WasmMemoryError and leaves the backend intact [wasm]`,
    sanitizeOps: false,
    sanitizeResources: false,
    async fn() {
      await openBackend("wasm");
      const x = tf.fill([2048, 2048], 1);
      assert.throws(
        () => tf.fill([...shape], 1),
        (error: Error) =>
          isOutOfMemory(error) &&
          error.message.includes(`${4 * shape[0] * shape[1] * shape[2]} bytes`),
      );
      const sum = tf.sum(x);
      assert.deepEqual([...await readBack(sum)], [x.size]);
      tf.dispose([x, sum]);
    },
  });
}

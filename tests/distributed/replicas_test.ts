import assert from "node:assert/strict";
import { assertSameReplicas } from "../../src/distributed/replicas.ts";

type Arrays = readonly ArrayBufferView[];

/** Checks what each rank has, by ranks that wait for each other in one process. */
async function check(
  ...replicas: readonly Arrays[]
): Promise<PromiseSettledResult<void>[]> {
  const size = replicas.length;
  const given: Float32Array[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  return await Promise.allSettled(replicas.map((arrays, rank) =>
    assertSameReplicas(
      {
        size,
        async gatherAsync(values) {
          given[rank] = values;
          if (Object.keys(given).length === size) resolve();
          await promise;
          return Float32Array.from(given.flatMap((one) => [...one]));
        },
      },
      "weights",
      arrays,
    )
  ));
}

Deno.test("assertSameReplicas() passes where all bits are the same", async () => {
  const memory = new Float32Array([0, 1, 2, 3]);
  const results = await check(
    [memory.subarray(1, 3), new Uint8Array([7])],
    [new Float32Array([1, 2]), new Uint8Array([7])],
    [new Float32Array([1]), new Float32Array([2]), new Uint8Array([7])],
  );
  assert.deepEqual(results.map(({ status }) => status), Array(3).fill("fulfilled"));
});

Deno.test("assertSameReplicas() names the first rank with another bit, on all", async () => {
  const same = [new Float32Array([1, 0])];
  const results = await check(same, same, [new Float32Array([1, -0])], [
    new Float32Array(2),
  ]);
  for (const result of results) {
    assert(result.status === "rejected");
    assert.match(
      result.reason.message,
      /^Cannot go on: the weights of rank 2 differ from those of rank 0, which must have the same bits: start again/,
    );
  }
});

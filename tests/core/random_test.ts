import assert from "node:assert/strict";
import { createRandom, pcg4d } from "../../src/core/random.ts";

Deno.test("pcg4d() equals the formula of the paper", () => {
  const words = Uint32Array.of(1, 2, 3, 4);
  pcg4d(words);
  // The same formula with big integers.
  const M = 1n << 32n;
  let v = [1n, 2n, 3n, 4n].map((x) => (x * 1664525n + 1013904223n) % M);
  const round = () => {
    let [x = 0n, y = 0n, z = 0n, w = 0n] = v;
    x = (x + y * w) % M;
    y = (y + z * x) % M;
    z = (z + x * y) % M;
    w = (w + y * z) % M;
    v = [x, y, z, w];
  };
  round();
  v = v.map((x) => x ^ (x >> 16n));
  round();
  assert.deepEqual([...words].map(BigInt), v);
});

Deno.test("createRandom() depends on seed, stream and iteration only", () => {
  const draw = (seed: number, stream: string, iteration: number) => {
    const random = createRandom(seed, stream, iteration);
    return Array.from({ length: 9 }, () => random.uniform());
  };
  assert.deepEqual(draw(1, "a", 2), draw(1, "a", 2));
  for (const other of [draw(2, "a", 2), draw(1, "b", 2), draw(1, "a", 3)]) {
    assert.notDeepEqual(draw(1, "a", 2), other);
  }
});

Deno.test("uniform() and normal() have the moments of their distributions", () => {
  const random = createRandom(5, "moments");
  const count = 20_000;
  const mean = (draw: () => number) => {
    let [sum, squares] = [0, 0];
    for (let i = 0; i < count; i++) {
      const value = draw();
      sum += value;
      squares += value * value;
    }
    return [sum / count, squares / count] as const;
  };
  const [uniform, uniformSquare] = mean(random.uniform);
  assert.ok(Math.abs(uniform - 1 / 2) < 0.01 && Math.abs(uniformSquare - 1 / 3) < 0.01);
  const [normal, normalSquare] = mean(random.normal);
  assert.ok(Math.abs(normal) < 0.03 && Math.abs(normalSquare - 1) < 0.05);
});

Deno.test("sample() draws without replacement", () => {
  const drawn = createRandom(1, "sample").sample(10, 10);
  assert.deepEqual(drawn.toSorted((a, b) => a - b), [...Array(10).keys()]);
});

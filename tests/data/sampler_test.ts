import assert from "node:assert/strict";
import { createSampler, type SamplerOptions } from "../../src/data/sampler.ts";

const OPTIONS: SamplerOptions = {
  seed: 7,
  batchSize: 2,
  sourceCount: 10,
  targetCount: 7,
  rareClassSampling: null,
};

const RARE = {
  classes: [2, 0],
  probabilities: [0.75, 0.25],
  imageIndices: [[1, 4], [0, 2, 3]],
  minCropPixels: 12,
};

function indices(draws: readonly { readonly index: number }[] | null): number[] {
  return (draws ?? []).map(({ index }) => index);
}

Deno.test("every image comes once per epoch, in another order each time", () => {
  const sampler = createSampler(OPTIONS);
  const epochs = [0, 1, 2].map((epoch) =>
    [0, 1, 2, 3, 4].flatMap((i) => indices(sampler(epoch * 5 + i).source))
  );
  for (const epoch of epochs) {
    assert.deepEqual(epoch.toSorted((a, b) => a - b), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  }
  assert.notDeepEqual(epochs[0], epochs[1]);
  const target = Array.from({ length: 7 }, (_, i) => indices(sampler(i).target)).flat();
  assert.deepEqual(target.slice(0, 7).toSorted(), [0, 1, 2, 3, 4, 5, 6]);
  assert.deepEqual(target.slice(7).toSorted(), [0, 1, 2, 3, 4, 5, 6]);
});

Deno.test("a draw depends on nothing that was drawn before", () => {
  const straight = createSampler(OPTIONS);
  for (let i = 0; i < 100; i++) straight(i, i % 3);
  assert.deepEqual(straight(123, 1), createSampler(OPTIONS)(123, 1));
});

Deno.test("futures and seeds draw other images", () => {
  const sampler = createSampler({ ...OPTIONS, sourceCount: 1000 });
  const other = createSampler({ ...OPTIONS, sourceCount: 1000, seed: 8 });
  assert.notDeepEqual(sampler(3, 0).source, sampler(3, 1).source);
  assert.notDeepEqual(sampler(3, 1).source, sampler(3, 2).source);
  assert.notDeepEqual(sampler(3, 0).source, other(3, 0).source);
});

Deno.test("a set smaller than the batch repeats", () => {
  const draws = createSampler({ ...OPTIONS, sourceCount: 1, targetCount: null })(0);
  assert.deepEqual(indices(draws.source), [0, 0]);
  assert.equal(draws.target, null);
});

Deno.test("rare classes are drawn by their probability, with an image that has them", () => {
  const sampler = createSampler({ ...OPTIONS, rareClassSampling: RARE });
  const seen = new Map<number, number>();
  const pictures = new Set<number>();
  const targets = new Set<number>();
  for (let i = 0; i < 2000; i++) {
    const draws = sampler(i);
    for (const { index, requiredClass } of draws.source) {
      assert.ok(requiredClass !== null);
      assert.equal(requiredClass.minPixels, 12);
      const candidates = RARE.imageIndices[RARE.classes.indexOf(requiredClass.id)];
      assert.ok(candidates?.includes(index));
      seen.set(requiredClass.id, (seen.get(requiredClass.id) ?? 0) + 1);
      pictures.add(index);
    }
    for (const index of indices(draws.target)) targets.add(index);
  }
  // 4000 draws: the deviation of the share is 0.007.
  assert.ok(Math.abs((seen.get(2) ?? 0) / 4000 - 0.75) < 0.03);
  assert.equal(pictures.size, 5);
  assert.equal(targets.size, 7);
});

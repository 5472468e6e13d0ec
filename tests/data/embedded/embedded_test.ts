import assert from "node:assert/strict";
import { EMBEDDED_CLASSES } from "../../../src/data/embedded/classes.ts";
import type { EmbeddedSpec } from "../../../src/data/data_spec.ts";
import { openEmbedded } from "../../../src/data/embedded/embedded.ts";

const SPEC: EmbeddedSpec = {
  kind: "embedded",
  domain: "clean",
  images: 12,
  labeled: true,
};

Deno.test("a scene depends on seed, domain and index alone", async () => {
  for (const domain of ["clean", "worn"] as const) {
    const few = openEmbedded({ ...SPEC, domain, images: 3, firstScene: 2 });
    const many = openEmbedded({ ...SPEC, domain });
    await many.read(7);
    assert.deepEqual(await few.read(1), await many.read(3));
    const other = openEmbedded({ ...SPEC, domain, seed: 1 });
    assert.notDeepEqual((await other.read(3)).image, (await many.read(3)).image);
    assert.notDeepEqual((await many.read(4)).image, (await many.read(3)).image);
  }
});

Deno.test("the same scenes come from one edition to the next", async () => {
  const { label } = await openEmbedded(SPEC).read(0);
  const counts = EMBEDDED_CLASSES.map((_, id) =>
    label?.reduce((n, value) => n + +(value === id), 0)
  );
  // Recorded. Where scenes change on purpose, raise EDITION in embedded.ts. Sines may differ
  // in their last bit between systems, which can move the rim of a shape by a pixel.
  const recorded = [4879, 657, 519, 136, 481, 149, 1407, 3719, 249, 92];
  for (const [id, count] of recorded.entries()) {
    assert.ok(Math.abs((counts[id] ?? 0) - count) <= 4, `${counts}`);
  }
});

Deno.test("labels are class ids and all classes occur in both domains", async () => {
  for (const domain of ["clean", "worn"] as const) {
    const set = openEmbedded({ ...SPEC, domain, images: 40 });
    const counts = new Array<number>(256).fill(0);
    for (let i = 0; i < 40; i++) {
      const { data } = await set.readLabel(i);
      for (const id of data) counts[id] = (counts[id] ?? 0) + 1;
    }
    const total = 40 * 96 * 128;
    for (const [id, { name }] of EMBEDDED_CLASSES.entries()) {
      const share = (counts[id] ?? 0) / total;
      assert.ok(share > 0.001 && share < 0.5, `${domain} ${name}: ${share}`);
    }
    assert.equal(counts.slice(EMBEDDED_CLASSES.length).reduce((a, b) => a + b), 0);
    const shares = ["sign", "person", "fence"].map((name) =>
      (counts[EMBEDDED_CLASSES.findIndex((c) => c.name === name)] ?? 0) / total
    );
    assert.ok(shares.every((share) => share < 0.03), "rare classes are rare");
  }
});

Deno.test("readLabel() gives the label that read() gives", async () => {
  const set = openEmbedded({ ...SPEC, domain: "worn" });
  assert.deepEqual((await set.readLabel(5)).data, (await set.read(5)).label);
});

Deno.test("scenes come in any size, and without labels where none are wanted", async () => {
  for (const [height, width] of [[48, 64], [128, 256], [33, 97]] as const) {
    const set = openEmbedded({ ...SPEC, size: { height, width }, labeled: false });
    const sample = await set.read(0);
    assert.equal(sample.image.length, height * width * 3);
    assert.equal(sample.label, null);
  }
});

Deno.test("openEmbedded() says what is wrong with a description", async () => {
  const worst: EmbeddedSpec = JSON.parse(JSON.stringify({ ...SPEC, domain: "dirty" }));
  assert.throws(() => openEmbedded(worst), {
    name: "RangeError",
    message: 'Cannot open the embedded data set: "domain" is "dirty": use one of ' +
      '"clean", "worn"',
  });
  assert.throws(() => openEmbedded({ ...SPEC, images: 0 }), /"images" must be a whole/);
  assert.throws(
    () => openEmbedded({ ...SPEC, size: { height: 8, width: 64 } }),
    /"size.height" must be a whole number of 32 … 2048 pixels: received 8/,
  );
  await assert.rejects(openEmbedded(SPEC).read(12), {
    message: "Cannot render scene 12 of the embedded data set: there are 12",
  });
});

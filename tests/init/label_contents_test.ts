// What labels hold, before it is known what it means.
import assert from "node:assert/strict";
import { packRgb } from "../../src/data/label_colors.ts";
import { encodePng } from "../../src/formats/png.ts";
import { readLabelContents, summarizeLabels } from "../../src/init/label_contents.ts";

type Palette = readonly (readonly [number, number, number])[];

const gray = (values: readonly number[], palette?: Palette) =>
  encodePng({
    ...{ width: values.length, height: 1, channels: 1 },
    data: Uint8Array.from(values),
    ...(palette === undefined ? {} : { palette }),
  });

const rgb = (...colors: readonly (readonly number[])[]) =>
  encodePng({
    ...{ width: colors.length, height: 1, channels: 3 },
    data: Uint8Array.from(colors.flat()),
  });

const summarize = (...labels: readonly Uint8Array[]) =>
  summarizeLabels(
    labels.map((bytes, i) => ({
      key: String(i),
      path: `${i}.png`,
      read: () => Promise.resolve(bytes),
    })),
    { progress: () => {} },
  );

Deno.test("readLabelContents() counts values, and colors of RGB", () => {
  const values = readLabelContents(gray([0, 3, 3, 255]), "a.png");
  assert.deepEqual(values.pixels, new Map([[0, 1], [3, 2], [255, 1]]));
  const colors = readLabelContents(rgb([1, 2, 3], [1, 2, 3]), "a.png");
  assert.deepEqual(colors.pixels, new Map([[packRgb(1, 2, 3), 2]]));
});

Deno.test("readLabelContents() gives up on what is no label", () => {
  const colors = Array.from({ length: 80 }, (_, i) => [i, 2 * i, 0]);
  assert.equal(readLabelContents(rgb(...colors), "a.png").pixels, null);
  const ramp = Array.from({ length: 200 }, (_, i) => i);
  assert.equal(readLabelContents(gray(ramp), "a.png").pixels, null);
  assert.equal(
    readLabelContents(gray(ramp, ramp.map((i) => [i, 0, 0])), "a.png").pixels?.size,
    200,
  );
});

Deno.test("summarizeLabels() adds labels up, by value or by color", async () => {
  const values = await summarize(gray([0, 1]), gray([1, 1]));
  assert.deepEqual([values.form, values.totals], ["values", new Map([[0, 1], [1, 3]])]);
  const colors = await summarize(rgb([9, 9, 9]), rgb([9, 9, 9], [0, 0, 0]));
  assert.deepEqual(colors.totals, new Map([[packRgb(9, 9, 9), 2], [0, 1]]));
  assert.equal(colors.form, "colors");
});

Deno.test("summarizeLabels() counts colors where every label has a palette of its own", async () => {
  const [road, sky] = [[128, 64, 128], [70, 130, 180]] as const;
  const two = await summarize(gray([0, 0, 1], [road, sky]), gray([0, 1, 1], [sky, road]));
  assert.equal(two.form, "colors");
  assert.deepEqual(two.totals, new Map([[packRgb(...road), 4], [packRgb(...sky), 2]]));
  const same = await summarize(gray([0, 0, 1], [road, sky]), gray([0, 1], [road, sky]));
  assert.equal(same.form, "values");
});

Deno.test("summarizeLabels() names labels of two forms", async () => {
  await assert.rejects(
    summarize(rgb([0, 0, 0]), gray([0])),
    /"1\.png" holds values and "0\.png" colors/,
  );
});

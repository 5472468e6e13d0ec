// From what labels hold to classes, as a configuration has them.
import assert from "node:assert/strict";
import { parseClassFile } from "../../src/init/class_files.ts";
import { guessClasses } from "../../src/init/guess_classes.ts";
import type { LabelSummary } from "../../src/init/label_contents.ts";
import { CAMVID_CLASSES, CITYSCAPES_CLASSES } from "../../src/data/native_classes.ts";
import { packRgb } from "../../src/data/label_colors.ts";

function summaryOf(
  values: readonly number[],
  rest: Partial<LabelSummary> = {},
): LabelSummary {
  const totals = new Map(values.map((value) => [value, 100]));
  return {
    form: "values",
    totals,
    byImage: new Map([["a", totals]]),
    palette: null,
    blurred: [],
    ...rest,
  };
}

/** Names of the classes, and the label map. */
function guess(summary: LabelSummary, text: string | null = null, names: string[] = []) {
  const file = text === null ? null : { path: "c.txt", classes: parseClassFile(text) };
  const { classes, labelMap } = guessClasses(summary, file, names);
  const map = labelMap && Object.fromEntries(labelMap);
  return [classes.map(({ name }) => name).join(" "), map];
}

Deno.test("guessClasses() takes values 0 … N − 1 as they are, 255 aside", () => {
  assert.deepEqual(guess(summaryOf([0, 1, 2, 255])), ["class_0 class_1 class_2", null]);
  assert.deepEqual(guess(summaryOf([0, 1])), ["background foreground", null]);
  assert.deepEqual(guess(summaryOf([0, 1, 255])), ["background foreground", null]);
});

Deno.test("guessClasses() makes masks of two values to two classes", () => {
  const names = "background foreground";
  assert.deepEqual(guess(summaryOf([0, 255])), [names, { 0: 0, 255: 1 }]);
  assert.deepEqual(guess(summaryOf([0, 128])), [names, { 0: 0, 128: 1 }]);
  assert.deepEqual(guess(summaryOf([1, 255])), [names, { 1: 0, 255: 1 }]);
});

Deno.test("guessClasses() moves values that begin at 1, and joins those with gaps", () => {
  assert.deepEqual(
    guess(summaryOf([1, 2, 3])),
    ["class_1 class_2 class_3", { 0: 255, 1: 0, 2: 1, 3: 2 }],
  );
  assert.deepEqual(
    guess(summaryOf([0, 50, 100])),
    ["class_0 class_50 class_100", { 0: 0, 50: 1, 100: 2, 255: 255 }],
  );
  assert.deepEqual(
    guess(summaryOf([0, 85, 170, 255])),
    ["class_0 class_85 class_170 class_255", { 0: 0, 85: 1, 170: 2, 255: 3 }],
  );
});

Deno.test("guessClasses() reads names from the files of tools", () => {
  const three = summaryOf([0, 1, 2]);
  assert.deepEqual(guess(three, "bg\ncat\ndog\n"), ["bg cat dog", null]);
  assert.deepEqual(
    guess(three, "Pixel Value, Class\n0, bg\n1, cat\n2, dog"),
    ["bg cat dog", null],
  );
  assert.deepEqual(
    guess(three, "__ignore__\n_background_\ncat\ndog\nbird"),
    ["_background_ cat dog bird", null],
  );
  assert.deepEqual(guess(summaryOf([0, 1, 3]), "a\nb\nc\nd"), ["a b c d", null]);
  assert.deepEqual(guess(three, "cat\ncat\ndog"), ["cat cat_1 dog", null]);
});

Deno.test("guessClasses() takes each color of RGB labels for a class", () => {
  const colors = (...all: [number, number, number][]) =>
    summaryOf(all.map((one) => packRgb(...one)), { form: "colors" });
  assert.deepEqual(
    guess(colors([0, 0, 0], [255, 255, 255])),
    ["background foreground", null],
  );
  const map = "bg,0,0,0\ncat,250,50,83\n";
  assert.deepEqual(guess(colors([0, 0, 0], [250, 50, 83]), map), ["bg cat", null]);
  assert.deepEqual(
    guess(colors([0, 0, 0], [250, 50, 83], [1, 2, 3]), map),
    ["bg cat class_2", null],
  );
  assert.deepEqual(
    guess(colors([128, 64, 128], [70, 70, 70], [0, 0, 142], [0, 0, 0])),
    [[...CITYSCAPES_CLASSES.map(({ name }) => name), "unlabeled"].join(" "), null],
  );
});

Deno.test("guessClasses() knows CamVid by the names of its frames", () => {
  const names = CAMVID_CLASSES.map(({ name }) => name).join(" ");
  assert.deepEqual(guess(summaryOf([0, 4, 10]), null, ["0001TP_006690"]), [names, null]);
  const [, map] = guess(summaryOf([0, 4, 11]), null, ["0001TP_006690"]);
  assert.equal((map as Record<string, number>)[11], 255, "SegNet's void");
  const [own] = guess(summaryOf([0, 1, 2]), null, ["0001TP_006690"]);
  assert.equal(own, "class_0 class_1 class_2", "too few values to be CamVid's");
});

Deno.test("guessClasses() takes the colors of a palette, unless it is gray", () => {
  const palette = [[0, 0, 0], [10, 200, 30], [250, 0, 0]];
  const { classes } = guessClasses(summaryOf([0, 1, 2], { palette }), null, []);
  assert.deepEqual(classes.map(({ color }) => color), palette);
  const gray = [[0, 0, 0], [1, 1, 1], [2, 2, 2]];
  const other = guessClasses(summaryOf([0, 1, 2], { palette: gray }), null, []);
  assert.notDeepEqual(other.classes[1]?.color, [1, 1, 1]);
});

Deno.test("guessClasses() refuses what is no label, with what to do", () => {
  assert.throws(() => guess(summaryOf([7])), /the labels hold the value 7 alone/);
  assert.throws(() => guess(summaryOf([0, 1, 254, 255])), /as after JPEG or smooth/);
  assert.throws(
    () => guess(summaryOf([0, 65535])),
    /the values 0, 65535, and 255 is the largest of a label: save them with 8 bits/,
  );
  const steps = Array.from({ length: 40 }, (_, i) => i * 6);
  assert.throws(() => guess(summaryOf(steps)), /\(40 of them\), as after JPEG/);
  const colors = new Map([[0, 9000], [0xffffff, 9000]]);
  for (let i = 0; i < 12; i++) colors.set(0x101010 * i + 1, 1);
  assert.throws(
    () => guess(summaryOf([], { form: "colors", totals: colors })),
    /14 colors, most of them of hardly a pixel/,
  );
});

Deno.test("parseClassFile() reads names with values, with colors, and plain ones", () => {
  assert.deepEqual(parseClassFile("Pixel Value, Class\r\n1, small cat\r\n"), [
    { name: "small cat", value: 1, color: null },
  ]);
  assert.deepEqual(parseClassFile("name,r,g,b\nSky,128,128,128"), [
    { name: "Sky", value: null, color: [128, 128, 128] },
  ]);
  assert.deepEqual(parseClassFile("64 128 64\tAnimal\n"), [
    { name: "Animal", value: null, color: [64, 128, 64] },
  ]);
  assert.deepEqual(parseClassFile("# names\ncat\n\ndog\n"), [
    { name: "cat", value: null, color: null },
    { name: "dog", value: null, color: null },
  ]);
  assert.deepEqual(parseClassFile("a\u0000b"), [], "no name of a class");
});

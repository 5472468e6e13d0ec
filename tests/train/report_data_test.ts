// A run says what it learns from before it starts, and what is wrong with the labels.
import assert from "node:assert/strict";
import { join } from "node:path";
import { parseConfig } from "../../src/config/read.ts";
import { openLoader } from "../../src/data/loader.ts";
import { decodeImage } from "../../src/formats/image_codec.ts";
import { trainingLoaderSpec } from "../../src/prepare/data_specs.ts";
import { reportData } from "../../src/train/report_data.ts";
import { zipOf } from "../data/archives.ts";
import { complaint } from "../support/error_text.ts";
import { tinyFiles, tinyImage, tinyLabel, withFiles } from "../data/tiny_folder.ts";

const CONFIG = `
seed: 1
iterations: 1
model:
  encoder: { name: mit-b0 }
  decoder: { name: segformer }
data:
  kind: folder
  root: null
  classes:
    - { name: road, color: [128, 64, 128] }
    - { name: sky, color: [70, 130, 180] }
    - { name: car, color: [0, 0, 142] }
  source: { split: train }
  evaluations: { val: { split: val } }
  cropSize: { height: 32, width: 32 }
  numWorkers: 0
method: { name: supervised }
`;

/** What is said of a run, with its folder as ROOT. */
async function reported(root: string, overrides: readonly string[] = []) {
  const config = parseConfig(CONFIG, "c.yaml", [`data.root=${root}`, ...overrides]);
  const cache = join(root, "cache");
  const loader = await openLoader(trainingLoaderSpec(config, cache));
  const lines: string[] = [];
  try {
    await reportData(config, loader, cache, (line) => lines.push(line));
  } finally {
    await loader.close();
  }
  return lines.map((line) => line.replaceAll(root, "ROOT").replaceAll("\\", "/"));
}

/** The images and labels of a split. */
const split = (name: string, labels: Readonly<Record<string, Uint8Array>>) =>
  Object.fromEntries(
    Object.entries(labels).flatMap(([stem, label]) => [
      [`images/${name}/${stem}.png`, tinyImage(3)],
      [`labels/${name}/${stem}.png`, label],
    ]),
  );

const ALL = tinyLabel((i) => i % 3);
const TWO =
  "data.classes=[{name: ground, color: [1, 2, 3]}, {name: house, color: [4, 5, 6]}]";

Deno.test("reportData() says how many images each part has, and where from", async () => {
  const files = {
    ...tinyFiles(["a", "b", "c"]),
    ...split("val", { v: ALL }),
    "images/dusk/d.png": tinyImage(5),
    "images/dusk/e.gif": "",
    "list.txt": "a\n./b.png labels/train/c.png\n",
  };
  await withFiles(files, async (root) => {
    assert.deepEqual(await reported(root), [
      'source     3 images with labels in "ROOT/images/train"',
      'val        1 images with labels in "ROOT/images/val"',
    ]);
    const overrides = [
      "method={name: self-training}",
      "data.source.list=list.txt",
      "data.target={split: dusk, include: [d*]}",
    ];
    assert.deepEqual(await reported(root, overrides), [
      'source     2 images with labels in "ROOT/images/train" (list "list.txt")',
      'target     1 images without labels in "ROOT/images/dusk" (include ["d*"])',
      'val        1 images with labels in "ROOT/images/val"',
      '1 of the 2 lines of the list "list.txt" name another label than the one that is ' +
      'read (first: line 2: "./b.png labels/train/c.png"; read is "labels/train/b.png")',
      'left out 1 .gif files of "ROOT/images/dusk": images are .jpg, .jpeg, .png, .tif or ' +
      ".tiff files that are not hidden",
    ]);
    await Deno.remove(join(root, "images/val"), { recursive: true });
    assert.match(
      await complaint(root, reported(root)),
      /there is no folder "ROOT\/images\/val": "ROOT\/images" holds "dusk", "train"/,
    );
  });
});

Deno.test("reportData() names classes that no label has, and what looks wrong", async () => {
  const files = {
    ...split("train", {
      a: tinyLabel((i) => i % 2 === 0 ? 0 : 255),
      b: tinyLabel(() => 0),
    }),
    ...split("val", { v: tinyLabel((i) => 1 + i % 2) }),
    ...split("void", { v: tinyLabel(() => 255) }),
    ...split("part", { v: tinyLabel(() => 0) }),
  };
  await withFiles(files, async (root) => {
    const notes = async (...overrides: string[]) =>
      (await reported(root, overrides)).filter((line) => !/^(source|val) /.test(line));
    assert.deepEqual(await notes(TWO, "data.evaluations.val.split=part"), [
      'no pixel of "house" in the 2 labels of "source": they hold the values 0 and 255 ' +
      'alone, and 255 is ignored; if 255 stands for "house", set "labelMap": {0: 0, 255: 1}',
      'no pixel of "house" in the 1 labels of "val"',
    ]);
    const mapped = ["data.labelMap={0: 0, 255: 1}", "data.evaluations.val.split=train"];
    assert.deepEqual(await notes(TWO, ...mapped), [
      '2 pictures of "val" are also in "source" (first: "a"): scores on them are too good',
    ]);
    assert.deepEqual(await notes(), [
      'no pixel of "sky", "car" in the 2 labels of "source": they hold the values 0 and ' +
      "255 alone, and 255 is ignored",
      'no pixel of "road" in the 1 labels of "val": the value 0 never occurs; if values ' +
      'are 1 … 3, set "labelMap": {0: 255, 1: 0, 2: 1, 3: 2}',
    ]);
    assert.deepEqual(
      (await notes("data.source.split=void"))[0],
      'the 1 labels of "source" have no pixel of any class: all are ignored (255)',
    );
  });
});

Deno.test("reportData() says that an evaluation is of images that the run learns from", async () => {
  const files = { ...tinyFiles(["a", "b", "c"]), "list.txt": "b\nc\n" };
  await withFiles({ ...files, ...split("val", { v: ALL }) }, async (root) => {
    const note = async (...overrides: string[]) =>
      (await reported(root, ["data.source.list=list.txt", ...overrides]))
        .filter((line) => /pictures/.test(line));
    assert.deepEqual(await note("data.evaluations.val.split=train"), [
      '2 pictures of "val" are also in "source" (first: "b"): scores on them are too good',
    ]);
    assert.deepEqual(await note("data.evaluations.val={split: train, include: [a]}"), []);
    assert.deepEqual(await note(), []);
  });
});

Deno.test("reportData() says that labeled pictures are turned by EXIF", async () => {
  const picture = await Deno.readFile(
    new URL("../formats/opencv/exif.jpg", import.meta.url),
  );
  const { width, height } = await decodeImage(picture, "exif.jpg");
  const label = tinyLabel((i) => i % 3, width, height);
  const files = {
    ...split("train", { a: ALL }),
    "images/train/b.jpg": picture,
    "labels/train/b.png": label,
    ...split("val", { v: ALL }),
  };
  await withFiles(files, async (root) => {
    assert.deepEqual((await reported(root)).filter((line) => /EXIF/.test(line)), [
      '1 of the 2 pictures of "source" that were looked at are turned by their EXIF ' +
      "orientation, and labels are read as they are stored: look at both with " +
      '"deno task prepare … --picture"',
    ]);
  });
});

Deno.test("reportData() names a label that cannot be used, of any part", async () => {
  const files = { ...tinyFiles(["a"]), ...split("val", { v: tinyLabel(() => 7) }) };
  await withFiles(files, async (root) => {
    assert.match(
      await complaint(root, reported(root)),
      /Cannot use the label "ROOT\/labels\/val\/v\.png": it holds the value 7/,
    );
  });
});

Deno.test("reportData() looks at some labels of a large set, and says so", async () => {
  const stems = Array.from({ length: 1001 }, (_, i) => String(i));
  const label = tinyLabel(() => 1);
  const files = {
    ...Object.fromEntries(stems.map((stem) => [`images/train/${stem}.png`, ALL])),
    ...Object.fromEntries(stems.map((stem) => [`labels/train/${stem}.png`, label])),
    ...split("val", { v: ALL }),
  };
  await withFiles({ "x.zip": zipOf(files) }, async (root) => {
    const lines = await reported(root, [`data.root=${join(root, "x.zip")}`]);
    assert.match(
      lines.at(-1) ?? "",
      /^no pixel of "road", "car" in the 200 labels of "source" that were looked at, of 1001:/,
    );
  });
});

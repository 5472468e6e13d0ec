// TIFF files as pictures and as labels of a folder.
import assert from "node:assert/strict";
import { openFolder } from "../../src/data/folder.ts";
import { prepare } from "../../src/prepare/prepare.ts";
import { complaint } from "../support/error_text.ts";
import { encodeTiff } from "../support/tiff_file.ts";
import { zipOf } from "./archives.ts";
import {
  HEIGHT,
  tinyFiles,
  tinyImage,
  tinyLabel,
  tinySpec,
  WIDTH,
  withFiles,
} from "./tiny_folder.ts";

const SIZE = { width: WIDTH, height: HEIGHT };
const PIXELS = WIDTH * HEIGHT;
const ids = Uint8Array.from({ length: PIXELS }, (_, i) => i % 5 === 4 ? 255 : i % 3);

const tiffLabel = (data: Uint8Array | Uint16Array, channels = 1) =>
  encodeTiff({ ...SIZE, channels, data });
const fourBands = (width = WIDTH) =>
  encodeTiff({
    ...{ width, height: HEIGHT, channels: 4 },
    data: Uint16Array.from({ length: 4 * width * HEIGHT }, (_, i) => i * 300),
  });
const FOUR = { pixelFormat: { channels: 4, bitDepth: 16 } } as const;

Deno.test("openFolder() reads TIFFs of any channels, and labels that are TIFFs", async () => {
  const files = {
    "images/train/a.tif": fourBands(),
    "images/train/b.TIFF": fourBands(),
    "images/train/c.tif": fourBands(),
    "labels/train/a.tif": tiffLabel(ids),
    "labels/train/b.TIFF": tiffLabel(Uint16Array.from(ids)),
    "labels/train/c.png": tinyLabel((i) => ids[i] ?? 0),
  };
  const zipped = { "data.zip": zipOf(files) };
  for (const [place, root] of [[files, ""], [zipped, "/data.zip"]] as const) {
    await withFiles(place, async (folder) => {
      const set = await openFolder(tinySpec(folder + root, FOUR));
      assert.deepEqual(set.names, ["a", "b", "c"]);
      assert.deepEqual(set.notes, []);
      for (let i = 0; i < 3; i++) {
        const { image, channels, label } = await set.read(i);
        assert.equal(channels, 4);
        assert.deepEqual([...image.subarray(0, 3)], [0, 300, 600]);
        assert.deepEqual(label, ids);
      }
    });
  }
});

Deno.test("a TIFF beside a PNG of its stem is the picture, and never its own label", async () => {
  const files = {
    "train/a.tif": fourBands(),
    "train/a.png": tinyLabel((i) => ids[i] ?? 0),
    "train/b.tif": fourBands(),
  };
  const pattern = { images: "{split}", labels: "{split}", imageSuffix: "" };
  const sibling = { ...FOUR, files: { ...pattern, labelSuffix: "" } };
  await withFiles(files, async (root) => {
    assert.match(
      await complaint(root, openFolder(tinySpec(root, sibling))),
      /the label "ROOT\/train\/b\.png" is missing \(1 of 2 images have none\)/,
    );
    const set = await openFolder(tinySpec(root, { ...sibling, include: ["a"] }));
    assert.deepEqual((await set.read(0)).label, ids);
  });
});

Deno.test("a label that is a TIFF is refused as a PNG is, with its place", async () => {
  const rgb = new Uint8Array(3 * PIXELS).fill(7);
  const turned = encodeTiff({ ...SIZE, channels: 1, data: ids, tags: [[274, 2, [6]]] });
  const labels: [Uint8Array, RegExp][] = [
    [
      tiffLabel(Uint16Array.from(ids, (id) => id === 1 ? 300 : id)),
      /holds the value 300 \(/,
    ],
    [tiffLabel(rgb, 3), /it holds the color/],
    [
      tiffLabel(new Uint8Array(2 * PIXELS), 2),
      /its pixels are 8-bit gray and alpha, but/,
    ],
    [tiffLabel(new Uint8Array(7 * PIXELS), 7), /its pixels are 8-bit of 7 channels, but/],
    [turned, /its orientation is 6, and only pictures are turned: save it turned$/],
    [
      tiffLabel(ids).subarray(0, 40),
      /as a TIFF: the file ends early: is the file complete/,
    ],
  ];
  for (const [label, message] of labels) {
    const files = { "images/train/a.png": tinyImage(1), "labels/train/a.tif": label };
    await withFiles(files, async (root) => {
      const set = await openFolder(tinySpec(root));
      assert.match(await complaint(root, set.read(0)), message);
    });
  }
});

Deno.test("prepare() names every picture of other channels at once", async () => {
  const files = {
    ...tinyFiles(["a", "b"]),
    "images/train/c.tif": fourBands(),
    "labels/train/c.tif": tiffLabel(ids),
  };
  await withFiles(files, async (root) => {
    const text = `
iterations: 1
model: { encoder: { name: mit-b0 }, decoder: { name: segformer } }
data:
  kind: folder
  root: ${JSON.stringify(root)}
  channels: 4
  classes:
    - { name: road, color: [128, 64, 128] }
    - { name: sky, color: [70, 130, 180] }
    - { name: car, color: [0, 0, 142] }
  source: { split: train }
  evaluations: { val: { split: train } }
  cropSize: { height: 32, width: 32 }
method: { name: supervised }
`;
    await Deno.writeTextFile(`${root}/four.yaml`, text);
    const { report } = await prepare(`${root}/four.yaml`, { cache: null, workers: 0 });
    const said = report.splits[0]?.problems.map((line) => line.replace(/^.*\//, ""));
    assert.deepEqual(said, [
      'a.png" as an image: it has 3 channels, and "data.channels" is 4: convert it, or ' +
      'train with "data.channels" of 3',
      'b.png" as an image: it has 3 channels, and "data.channels" is 4: convert it, or ' +
      'train with "data.channels" of 3',
      'c.tif" as an image: its values have 16 bits, and "data.bitDepth" is 8: convert it, ' +
      'or train with "data.bitDepth" of 16',
    ]);
  });
});

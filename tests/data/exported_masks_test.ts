// Masks as CVAT and Roboflow export them, read as they are.
import assert from "node:assert/strict";
import { join } from "node:path";
import {
  parseClassesCsv,
  parseLabelMap,
} from "../../src/data/annotations/annotated_classes.ts";
import type { FolderSpec } from "../../src/data/data_spec.ts";
import { openDataSet } from "../../src/data/open_data_set.ts";
import { encodePng } from "../../src/formats/png.ts";
import { zipOf } from "./archives.ts";
import { HEIGHT, tinyImage, tinyLabel, WIDTH, withFiles } from "./tiny_folder.ts";

const textBytes = (text: string) => new TextEncoder().encode(text);

/** Opens a set from a folder and from its zip, and gives the labels of both. */
async function labelsOf(
  files: Readonly<Record<string, Uint8Array>>,
  spec: Omit<FolderSpec, "kind" | "root" | "labeled">,
) {
  const found: { names: readonly string[]; labels: number[][] }[] = [];
  await withFiles({ ...files, "export.zip": zipOf(files) }, async (root) => {
    for (const one of [root, join(root, "export.zip")]) {
      const set = await openDataSet({
        kind: "folder",
        root: one,
        labeled: true,
        ...spec,
      });
      const samples = await Promise.all(set.names.map((_, i) => set.read(i)));
      found.push({
        names: set.names,
        labels: samples.map(({ label }) => [...label ?? []]),
      });
    }
  });
  assert.deepEqual(found[0], found[1], "folder and zip");
  return found[0] ?? assert.fail();
}

Deno.test("openFolder() reads an export of CVAT in the colors of its label map", async () => {
  const labelMap = "# label:color_rgb:parts:actions\nbackground:0,0,0::\n" +
    "car:250,50,83::\nroad:51,221,255::\n";
  const classes = parseLabelMap(labelMap, "labelmap.txt");
  const ids = (n: number) => (i: number) => (i + n) % 3;
  const mask = (n: number) =>
    encodePng({
      width: WIDTH,
      height: HEIGHT,
      channels: 3,
      data: Uint8Array.from(
        { length: 3 * WIDTH * HEIGHT },
        (_, i) => classes[ids(n)(Math.floor(i / 3))]?.color[i % 3] ?? 0,
      ),
    });
  const files = {
    "labelmap.txt": textBytes(labelMap),
    "ImageSets/Segmentation/Train.txt": textBytes('frame_000000\n"my photo"\n'),
    "ImageSets/Segmentation/Validation.txt": textBytes("sub/frame_000002\n"),
    "JPEGImages/frame_000000.PNG": tinyImage(0),
    "JPEGImages/my photo.png": tinyImage(1),
    "JPEGImages/sub/frame_000002.png": tinyImage(2),
    "SegmentationClass/frame_000000.png": mask(0),
    "SegmentationClass/my photo.png": mask(1),
    "SegmentationClass/sub/frame_000002.png": mask(2),
    "SegmentationObject/frame_000000.png": mask(2),
    "SegmentationObject/my photo.png": mask(2),
    "SegmentationObject/sub/frame_000002.png": mask(2),
  };
  const spec = (split: string) => ({
    split,
    classes,
    files: {
      images: "JPEGImages",
      labels: "SegmentationClass",
      imageSuffix: "",
      labelSuffix: "",
    },
    list: `ImageSets/Segmentation/${split}.txt`,
  });
  const pixels = Array.from({ length: WIDTH * HEIGHT }, (_, i) => i);
  assert.deepEqual(await labelsOf(files, spec("Train")), {
    names: ["frame_000000", "my photo"],
    labels: [pixels.map(ids(0)), pixels.map(ids(1))],
  });
  assert.deepEqual(await labelsOf(files, spec("Validation")), {
    names: ["sub/frame_000002"],
    labels: [pixels.map(ids(2))],
  });
});

Deno.test("openFolder() reads an export of Roboflow with the values of its list of classes", async () => {
  const csv = "Pixel Value, Class\n0, background\n1, leaf\n2, stem\n";
  const stems = ["a_jpg.rf.0c1f", "b_png.rf.77aa"];
  const files: Record<string, Uint8Array> = {
    "README.roboflow.txt": textBytes("exported\n"),
    "README.dataset.txt": textBytes("# plants\n"),
  };
  for (const split of ["train", "valid"]) {
    files[`${split}/_classes.csv`] = textBytes(csv);
    for (const [n, stem] of stems.entries()) {
      files[`${split}/${stem}.jpg`] = tinyImage(n);
      files[`${split}/${stem}_mask.png`] = tinyLabel((i) => (i + n) % 3);
    }
  }
  const classes = parseClassesCsv(csv, "_classes.csv").map(({ name }, i) => ({
    name,
    color: [i, i, i] as const,
  }));
  const { names, labels } = await labelsOf(files, {
    split: "valid",
    classes,
    files: {
      images: "{split}",
      labels: "{split}",
      imageSuffix: "",
      labelSuffix: "_mask",
    },
  });
  assert.deepEqual(names, stems);
  assert.deepEqual(
    labels,
    stems.map((_, n) => Array.from({ length: WIDTH * HEIGHT }, (_, i) => (i + n) % 3)),
  );
});

// Every data set in the form in which it is downloaded, and what is said when it is not.
import assert from "node:assert/strict";
import { join } from "node:path";
import type { NativeDataSet } from "../../../src/data/native_classes.ts";
import { openDataSet } from "../../../src/data/open_data_set.ts";
import { CITYSCAPES } from "../../../src/data/native/cityscapes.ts";
import type { NativeSpec } from "../../../src/data/data_spec.ts";
import { openNative } from "../../../src/data/native/native.ts";
import { complaint } from "../../support/error_text.ts";
import { GRAY, PALETTE, plainPng, RGB } from "../plain_png.ts";
import { withFiles } from "../tiny_folder.ts";
import {
  camvidFiles,
  cityscapesFiles,
  type Files,
  frame,
  gtaFiles,
  HEIGHT,
  synthiaFiles,
  VOC_IDS,
  vocFiles,
  WIDTH,
  within,
} from "./trees.ts";

const spec = (
  set: NativeDataSet,
  root: string,
  rest: Partial<NativeSpec> = {},
): NativeSpec => ({ kind: "native", set, root, labeled: true, ...rest });

/** The ids in the first row, without repetition. */
const firstRow = (label: Uint8Array | null) => [...new Set(label?.subarray(0, WIDTH))];

Deno.test("Cityscapes: label ids become train ids, names are city and frame", async () => {
  await withFiles(cityscapesFiles(), async (root) => {
    const train = await openDataSet(spec("cityscapes", root, { split: "train" }));
    assert.deepEqual(train.names, [
      `aachen/${frame("aachen", 1)}`,
      `ulm/${frame("ulm", 0)}`,
      `ulm/${frame("ulm", 2)}`,
    ]);
    assert.equal(train.classes.length, 19);
    const { width, height, label } = await train.read(1);
    assert.deepEqual([width, height], [WIDTH, HEIGHT]);
    assert.deepEqual(firstRow(label), [0, 2, 13, 255]);
    const val = await openDataSet(spec("cityscapes", root, { split: "val" }));
    assert.equal(val.names.length, 2);
  });
});

Deno.test("Cityscapes: train ids are used where they are, and instances never", async () => {
  const name = `train/ulm/${frame("ulm", 0)}_gtFine`;
  const trainIds = plainPng(WIDTH, HEIGHT, GRAY, 8, (i) => i < WIDTH ? 18 : 255);
  const files = { ...cityscapesFiles(), [`gtFine/${name}_labelTrainIds.png`]: trainIds };
  await withFiles(files, async (root) => {
    const train = await openNative(spec("cityscapes", root, { split: "train" }));
    assert.deepEqual(firstRow((await train.read(1)).label), [18]);
    assert.deepEqual(firstRow((await train.read(2)).label), [13, 255, 0, 2]);
  });
});

Deno.test("Cityscapes: train ids are used in whatever order a disk names its files", async () => {
  const stem = `ulm/${frame("ulm", 0)}`;
  const labels = ["TrainIds", "Ids"].map((ids) => `${stem}_gtFine_label${ids}.png`);
  const unused = () => assert.fail();
  for (const order of [labels, labels.toReversed()]) {
    const found = await CITYSCAPES.findFiles({
      name: "stub",
      findFirst: (folders) =>
        Promise.resolve(
          folders.find((one) => /^(leftImg8bit|gtFine)$/.test(one)) ?? null,
        ),
      list: (folder) =>
        Promise.resolve(folder === "gtFine/val" ? order : [`${stem}_leftImg8bit.png`]),
      listChildren: () => Promise.resolve(["leftImg8bit", "gtFine"]),
      read: unused,
      fingerprint: unused,
      size: unused,
      knownCrc32: unused,
      readEnd: unused,
      remarks: () => [],
      displayPath: (path) => path,
    }, { split: "val", labeled: true });
    assert.equal(found?.labels.get(stem), `gtFine/val/${stem}_gtFine_labelTrainIds.png`);
  }
});

Deno.test("Cityscapes without gtFine is a target, and no source", async () => {
  const files = Object.fromEntries(
    Object.entries(cityscapesFiles()).filter(([path]) => !path.startsWith("gtFine/")),
  );
  await withFiles(files, async (root) => {
    const some = spec("cityscapes", root, { split: "train" });
    const target = await openNative({ ...some, labeled: false });
    assert.equal((await target.read(0)).label, null);
    assert.equal(
      await complaint(root, openNative(some)),
      'RangeError: Cannot use the data set "ROOT": the label "ROOT/gtFine/train/aachen/' +
        'aachen_000001_000019_gtFine_labelIds.png" is missing (3 of 3 images have ' +
        "none): add it (gtFine_trainvaltest.zip has those of train and val), or use this " +
        "data set as the unlabeled target only",
    );
  });
});

Deno.test("GTA5: the palette index is the label id", async () => {
  await withFiles(gtaFiles(), async (root) => {
    const set = await openNative(spec("gta5", root));
    assert.deepEqual(set.names, ["00001", "00002", "00003"]);
    assert.deepEqual(firstRow((await set.read(0)).label), [0, 2, 13, 255]);
    assert.deepEqual(set.notes, []);
  });
});

Deno.test("GTA5: known bad files are left out and reported, but fine as a target", async () => {
  const names = ["00001", "15188", "20800", "20801", "20860", "20861"];
  await withFiles(gtaFiles(names), async (root) => {
    const set = await openNative(spec("gta5", root));
    assert.deepEqual(set.names, ["00001", "20800", "20861"]);
    assert.match(
      set.notes?.join() ?? "",
      /^left out 3 images of GTA5 with invalid labels/,
    );
    const target = await openNative(spec("gta5", root, { labeled: false }));
    assert.deepEqual([target.names.length, target.notes?.length], [6, 0]);
  });
});

Deno.test("SYNTHIA: the class is the red value of 16-bit colors", async () => {
  for (const files of [synthiaFiles(), within("RAND_CITYSCAPES", synthiaFiles())]) {
    await withFiles(files, async (root) => {
      const set = await openNative(spec("synthia", root));
      assert.deepEqual(set.names, ["0000000", "0000001", "0000002"]);
      assert.deepEqual(firstRow((await set.read(0)).label), [0, 2, 13, 255]);
    });
  }
});

Deno.test("VOC: lists of the data set are splits, void is ignored", async () => {
  const bases = ["", "VOC2012/", "VOCdevkit/VOC2012/"];
  for (const base of bases) {
    await withFiles(vocFiles(base), async (root) => {
      const train = await openNative(spec("voc", root, { split: "train" }));
      assert.deepEqual(train.names, VOC_IDS.slice(0, 2));
      assert.equal(train.classes.length, 21);
      assert.deepEqual(firstRow((await train.read(0)).label), [0, 15, 255, 7]);
      const val = await openNative(spec("voc", root, { split: "val" }));
      assert.deepEqual(val.names, VOC_IDS.slice(2));
      assert.match(
        await complaint(root, openNative(spec("voc", root, { split: "test" }))),
        /there is no list "ROOT.*test\.txt": that folder holds "train\.txt", "val\.txt"/,
      );
    });
  }
});

Deno.test("VOC: an image of a list that only the extra labels have says so", async () => {
  const list = new TextEncoder().encode("2012_000001");
  await withFiles({ ...vocFiles(), "one.txt": list }, async (root) => {
    assert.match(
      await complaint(root, openNative(spec("voc", root, { list: "one.txt" }))),
      /SegmentationClass\/2012_000001\.png" is missing .*: add SegmentationClassAug or SBD /,
    );
  });
});

Deno.test("VOC: the extra labels are used where they are, gray or palette", async () => {
  const gray = plainPng(WIDTH, HEIGHT, GRAY, 8, () => 20);
  const extra = Object.fromEntries(
    VOC_IDS.map((id) => [`SegmentationClassAug/${id}.png`, gray]),
  );
  for (const files of [within("VOCdevkit/VOC2012", extra), extra]) {
    await withFiles({ ...vocFiles(), ...files }, async (root) => {
      const train = await openNative(spec("voc", root, { split: "train" }));
      assert.deepEqual(firstRow((await train.read(0)).label), [20]);
    });
  }
});

Deno.test("CamVid: colors become eleven classes, others are refused", async () => {
  await withFiles(camvidFiles(), async (root) => {
    const set = await openNative(spec("camvid", root, { include: ["0001TP*"] }));
    assert.deepEqual([set.names.length, set.classes.length], [3, 11]);
    assert.deepEqual(firstRow((await set.read(0)).label), [3, 8, 1, 255]);
  });
  const path = "LabeledApproved_full/0001TP_006690_L.png";
  const other = plainPng(WIDTH, HEIGHT, RGB, 8, () => 9);
  assert.match(
    await misread("camvid", camvidFiles(), path, other),
    /^RangeError: .*_L\.png": it holds the color 9, 9, 9 \(first at row 0, column 0\), which/,
  );
  assert.match(
    await misread(
      "camvid",
      camvidFiles(),
      path,
      plainPng(WIDTH, HEIGHT, GRAY, 8, () => 9),
    ),
    /labels of CamVid are 8-bit RGB PNGs, and this has 1 channels of 8 bits/,
  );
});

/** Opens a set whose first label is another file, and reads it. */
async function misread(
  set: NativeDataSet,
  files: Files,
  path: string,
  label: Uint8Array,
  rest: Partial<NativeSpec> = {},
): Promise<string> {
  let said = "";
  await withFiles({ ...files, [path]: label }, async (root) => {
    const opened = await openNative(spec(set, root, rest));
    said = await complaint(root, opened.readLabel(0));
  });
  return said;
}

Deno.test("labels of another form are refused by name", async () => {
  const city = `gtFine/train/aachen/${frame("aachen", 1)}_gtFine_labelIds.png`;
  const ofCity = (label: Uint8Array) =>
    misread("cityscapes", cityscapesFiles(), city, label, { split: "train" });
  const flat = (type: number, depth: 8 | 16, value = 7) =>
    plainPng(WIDTH, HEIGHT, type, depth, () => value);

  assert.equal(
    await ofCity(flat(PALETTE, 8)),
    `SyntaxError: Cannot read the label "ROOT/${city}": its pixels are indices of a ` +
      "palette, but labels of Cityscapes are 8-bit gray PNGs: is it a _color or an " +
      "_instanceIds file under another name?",
  );
  assert.match(await ofCity(flat(GRAY, 16)), /its pixels are 16-bit gray, but labels of/);
  assert.equal(
    await ofCity(flat(GRAY, 8, 35)),
    `RangeError: Cannot use the label "ROOT/${city}": it holds the value 35 (first at ` +
      "row 0, column 0), but the allowed values are those of Cityscapes' label ids, " +
      "0 … 34 and 255 (ignored): restore the downloaded file",
  );
  assert.match(
    await misread("synthia", synthiaFiles(), "GT/LABELS/0000000.png", flat(RGB, 8)),
    /8-bit RGB, but labels of SYNTHIA are 16-bit RGB PNGs, .* knows 8 bits only\?$/,
  );
  assert.match(
    await misread("synthia", synthiaFiles(), "GT/LABELS/0000000.png", flat(RGB, 16, 300)),
    /^RangeError: .*LABELS\/0000000\.png": it holds the red value 300 \(first at row 0/,
  );
  assert.match(
    await misread("gta5", gtaFiles(), "labels/00001.png", flat(RGB, 8)),
    /its pixels are 8-bit RGB, but labels of GTA5 are PNGs with a palette/,
  );
  assert.match(
    await misread("gta5", gtaFiles(), "labels/00001.png", flat(PALETTE, 8, 40)),
    /it holds the palette index 40 .* 0 … 34 and 255/,
  );
  assert.match(
    await misread("gta5", gtaFiles(), "labels/00001.png", flat(GRAY, 8).slice(0, 60)),
    /^SyntaxError: Cannot read "ROOT\/labels\/00001\.png" as a PNG: .*complete\?$/,
  );
});

Deno.test("what is not there is said with what is", async () => {
  await withFiles(gtaFiles(), async (root) => {
    assert.equal(
      await complaint(root, openNative(spec("cityscapes", root, { split: "val" }))),
      'RangeError: Cannot find Cityscapes in "ROOT": it holds "images", "labels": name ' +
        'the folder that holds "leftImg8bit" and "gtFine" (leftImg8bit_trainvaltest.zip, ' +
        "gtFine_trainvaltest.zip)",
    );
    assert.match(
      await complaint(root, openNative(spec("voc", join(root, "no"), { split: "val" }))),
      /^RangeError: Cannot find PASCAL VOC 2012 in "ROOT\/no": there is no such folder: /,
    );
    // A file where a folder should be.
    const file = join(root, "images/00001.png");
    assert.match(
      await complaint(root, openNative(spec("gta5", file))),
      /^SyntaxError: Cannot use "ROOT\/images\/00001\.png" as a data set: it is neither/,
    );
    assert.equal(
      await complaint(root, openNative(spec("gta5", root, { split: "train" }))),
      'RangeError: Cannot use "split": "train": GTA5 has no splits: choose images with ' +
        '"include" or "list"',
    );
  });
  await withFiles({ "RAND_CITYSCAPES.rar": new Uint8Array(9) }, async (root) => {
    assert.match(
      await complaint(root, openNative(spec("synthia", root))),
      /"RAND_CITYSCAPES\.rar" cannot be read in place: unpack it: name the folder that/,
    );
    assert.match(
      await complaint(root, openNative(spec("synthia", `${root}/RAND_CITYSCAPES.rar`))),
      /^SyntaxError: Cannot read the archive "ROOT\/RAND_CITYSCAPES\.rar" in place: unpack/,
    );
  });
});

Deno.test("a folder that cannot be listed is named", async () => {
  await withFiles({ "images": new Uint8Array(3) }, async (root) => {
    assert.match(
      await complaint(root, openNative(spec("gta5", root))),
      /^RangeError: Cannot use the data set: cannot list the folder "ROOT\/images": /,
    );
  });
});

Deno.test("images of a split that are not there are counted", async () => {
  const files = vocFiles("");
  delete files[`JPEGImages/${VOC_IDS[1]}.jpg`];
  await withFiles(files, async (root) => {
    assert.match(
      await complaint(root, openNative(spec("voc", root, { split: "train" }))),
      /1 of the 2 images of its split "train" are missing in "ROOT\/JPEGImages" \(first: "2007_000039"\): is it unpacked completely\?$/,
    );
  });
});

Deno.test("a vanished file is named when it is read", async () => {
  await withFiles(gtaFiles(), async (root) => {
    const set = await openNative(spec("gta5", root));
    await Deno.remove(join(root, "images/00002.png"));
    assert.equal(
      await complaint(root, set.read(1)),
      'Error: Cannot read "ROOT/images/00002.png": there is no such file',
    );
  });
});

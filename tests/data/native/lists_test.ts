// Lists choose images in the forms in which they were published.
import assert from "node:assert/strict";
import { join } from "node:path";
import type { NativeDataSet } from "../../../src/data/native_classes.ts";
import { openNative } from "../../../src/data/native/native.ts";
import { complaint } from "../../support/error_text.ts";
import { withFiles } from "../tiny_folder.ts";
import { cityscapesFiles, frame, VOC_IDS, vocFiles } from "./trees.ts";

const text = (lines: string) => new TextEncoder().encode(lines);
const SPLITS = new URL("../../../configs/splits/", import.meta.url);

const openList = (
  ...[set, root, list, split]: [
    NativeDataSet,
    root: string,
    list: string | null,
    split?: string | null,
  ]
) =>
  openNative({
    kind: "native",
    ...{ set, root, list, labeled: true },
    ...(split !== undefined && { split }),
  });

const cityPath = (city: string, n: number) =>
  `leftImg8bit/train/${city}/${frame(city, n)}_leftImg8bit.png`;

Deno.test("lines may be paths, names or bare frames", async () => {
  const files = {
    ...cityscapesFiles(),
    // No line end after the last line.
    "paths.txt": text(`${cityPath("ulm", 2)}\n${cityPath("aachen", 1)}`),
    "names.txt": text(`ulm/${frame("ulm", 2)}\naachen/${frame("aachen", 1)}\n`),
    "frames.txt": text(`${frame("ulm", 2)}\n${frame("aachen", 1)}\n`),
  };
  await withFiles(files, async (root) => {
    for (const list of ["paths.txt", "names.txt", "frames.txt"]) {
      for (const split of ["train", null]) {
        const set = await openList("cityscapes", root, list, split);
        assert.deepEqual(
          set.names,
          [`aachen/${frame("aachen", 1)}`, `ulm/${frame("ulm", 2)}`],
          list,
        );
        const { label } = await set.read(0);
        assert.equal(label?.[0], 2);
      }
    }
  });
});

Deno.test("ids choose images of VOC, with and without a split", async () => {
  const files = {
    ...vocFiles(),
    "ids.txt": text(`${VOC_IDS[1]}`),
    "images.txt": text(`JPEGImages/${VOC_IDS[1]}.jpg\n`),
  };
  await withFiles(files, async (root) => {
    for (const list of ["ids.txt", "images.txt", join(root, "ids.txt")]) {
      for (const split of ["train", null]) {
        const set = await openList("voc", root, list, split);
        assert.deepEqual(set.names, [VOC_IDS[1]]);
      }
    }
  });
});

Deno.test("a list that is empty or names what is missing is refused", async () => {
  const files = {
    ...vocFiles(),
    "empty.txt": text("\n"),
    "more.txt": text(`${VOC_IDS[0]}\n2010_999999`),
    "out.txt": text("../../etc/passwd"),
  };
  await withFiles(files, async (root) => {
    const said = (list: string | null) => complaint(root, openList("voc", root, list));
    assert.match(await said("empty.txt"), /"empty\.txt": it is empty: one stem per line/);
    assert.match(
      await said("more.txt"),
      /1 of its 2 lines name no image in "ROOT.*JPEGImages" \(first: line 2: "2010_999999";/,
    );
    assert.match(await said("out.txt"), /leads out of the data set's folder/);
    assert.match(
      await said("none/of/these"),
      /"none\/of\/these": there is no such file, nor ".*these", nor a published split of this name, such as "pascal\/662\/labeled": "list" is a text file/,
    );
    assert.match(
      await said(root),
      /^RangeError: Cannot read the list "ROOT": it is a folder/,
    );
    const absent = join(root, "absent.txt");
    assert.match(await said(absent), /absent\.txt": there is no such file: "list" is a/);
    assert.equal(
      await said(null),
      'RangeError: Cannot use PASCAL VOC 2012 as a whole: give its "split", "train", ' +
        '"trainval", "val", or a "list"',
    );
  });
});

Deno.test("the published splits are found by name, from any folder", async () => {
  const list = await Deno.readTextFile(new URL("pascal/92/labeled.txt", SPLITS));
  const ids = list.split("\n").filter((id) => id !== "");
  assert.equal(ids.length, 92);
  const picture = vocFiles("")[`JPEGImages/${VOC_IDS[0]}.jpg`] ?? assert.fail();
  const files = Object.fromEntries(ids.map((id) => [`JPEGImages/${id}.jpg`, picture]));
  await withFiles(files, async (root) => {
    for (const name of ["pascal/92/labeled", "pascal/92/labeled.txt"]) {
      const set = await openNative({
        kind: "native",
        set: "voc",
        root,
        list: name,
        labeled: false,
      });
      assert.deepEqual(set.names, ids.toSorted());
    }
  });
});

Deno.test("labeled and unlabeled lists of a split are disjoint and make up the whole", async () => {
  const linesOf = async (path: string) =>
    (await Deno.readTextFile(new URL(path, SPLITS))).split("\n").filter((id) =>
      id !== ""
    );
  const wholes = { pascal: 10582, cityscapes: 2975, "cityscapes_unimatch_v2": 2975 };
  for (const [set, whole] of Object.entries(wholes)) {
    for await (const { name, isDirectory } of Deno.readDir(new URL(`${set}/`, SPLITS))) {
      if (!isDirectory) continue;
      const labeled = await linesOf(`${set}/${name}/labeled.txt`);
      const unlabeled = await linesOf(`${set}/${name}/unlabeled.txt`);
      assert.equal(labeled.length, Number(name));
      assert.equal(new Set([...labeled, ...unlabeled]).size, whole, `${set}/${name}`);
    }
  }
});

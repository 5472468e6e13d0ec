import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { encodePng } from "../../src/formats/png.ts";
import { openDataSet } from "../../src/data/open_data_set.ts";
import { openFolder } from "../../src/data/folder.ts";
import {
  CLASSES,
  tinyFiles,
  tinyImage,
  tinyLabel,
  tinySpec,
  withFiles,
} from "./tiny_folder.ts";

/** The error's kind and sentence, with the temporary folder as ROOT. */
async function complaint(root: string, promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    return String(error).replaceAll(root, "ROOT").replaceAll("\\", "/");
  }
  return "no error";
}

Deno.test("a folder data set reads images and labels by sorted name", async () => {
  await withFiles(
    { ...tinyFiles(["b", "a", "city/c"]), "images/train/._a.png": "x" },
    async (root) => {
      const set = await openDataSet(tinySpec(root));
      assert.deepEqual(set.names, ["a", "b", "city/c"]);
      const sample = await set.read(1);
      assert.deepEqual([sample.name, sample.width, sample.height], ["b", 8, 6]);
      assert.deepEqual([...sample.image.subarray(0, 3)], [0, 7, 14]);
      assert.deepEqual([...(sample.label ?? []).slice(0, 6)], [0, 1, 2, 0, 255, 2]);
      assert.deepEqual((await set.readLabel(1)).data, sample.label);
      assert.equal((await set.read(2)).name, "city/c");
    },
  );
});

Deno.test("a folder that unpacking has made around all or a part is found, if it is one", async () => {
  const files = Object.entries(tinyFiles(["a", "b"]));
  const inside = (place: (path: string) => string) =>
    Object.fromEntries(files.map(([path, file]) => [place(path), file]));
  const around = inside((path) => `mydata/${path}`);
  for (
    const tree of [
      { ...around, "__MACOSX/images/train/._a.png": "x" },
      inside((path) => `${path.split("/")[0]}_v2/${path}`),
    ]
  ) {
    await withFiles(tree, async (root) => {
      const set = await openFolder(tinySpec(root));
      assert.deepEqual(set.names, ["a", "b"]);
      assert.notEqual((await set.read(0)).label, null);
    });
  }
  await withFiles({ ...around, "images/val/a.png": tinyImage(0) }, async (root) => {
    assert.match(
      await complaint(root, openFolder(tinySpec(root))),
      /there is no folder "ROOT\/images\/train": "ROOT\/images" holds "val"/,
    );
  });
  await withFiles(
    { ...around, "copy/images/train/c.png": tinyImage(0) },
    async (root) => {
      assert.match(
        await complaint(root, openFolder(tinySpec(root))),
        /there is no folder "ROOT\/images\/train": "ROOT" holds "copy", "mydata"/,
      );
    },
  );
});

Deno.test("patterns and a list restrict the images", async () => {
  const files = tinyFiles(["0001_a", "0001_b", "0006_a", "0016.x"]);
  // No line end after the last line; Windows line ends; an editor's mark at the start.
  files["list.txt"] = new TextEncoder().encode("\uFEFF0006_a\r\n\r\n0001_b");
  files["paths.txt"] = new TextEncoder().encode("images/train/0001_a.png\n0016.x.png\n");
  await withFiles(files, async (root) => {
    const names = async (rest: Parameters<typeof tinySpec>[1]) =>
      (await openFolder(tinySpec(root, rest))).names;
    assert.deepEqual(await names({ include: ["0001*", "0016.*"] }), [
      "0001_a",
      "0001_b",
      "0016.x",
    ]);
    assert.deepEqual(await names({ include: ["*_a"] }), ["0001_a", "0006_a"]);
    assert.deepEqual(await names({ list: "list.txt" }), ["0001_b", "0006_a"]);
    assert.deepEqual(await names({ list: "paths.txt" }), ["0001_a", "0016.x"]);
    assert.deepEqual(await names({ list: join(root, "list.txt"), include: ["0001*"] }), [
      "0001_b",
    ]);
  });
});

Deno.test("a palette label's indices are class ids", async () => {
  const data = Uint8Array.from({ length: 48 }, (_, i) => i % 3);
  const palette = [[9, 9, 9], [200, 0, 0], [0, 200, 0]] as const;
  const label = encodePng({ width: 8, height: 6, channels: 1, data, palette });
  const files = { ...tinyFiles(["a"]), "labels/train/a.png": label };
  await withFiles(files, async (root) => {
    const set = await openFolder(tinySpec(root));
    assert.deepEqual((await set.readLabel(0)).data, data);
  });
});

Deno.test("a label map turns file values into class ids", async () => {
  const label = tinyLabel((i) => [7, 8, 26, 0][i % 4] ?? 0);
  await withFiles({ ...tinyFiles(["a"]), "labels/train/a.png": label }, async (root) => {
    const labelMap = { 7: 0, 8: 1, 26: 2, 0: 255 };
    const set = await openFolder(tinySpec(root, { labelMap }));
    assert.deepEqual([...(await set.readLabel(0)).data].slice(0, 4), [0, 1, 2, 255]);

    const some = await openFolder(tinySpec(root, { labelMap: { 7: 0, 8: 1, 0: 255 } }));
    assert.equal(
      await complaint(root, some.read(0)),
      'RangeError: Cannot use the label "ROOT/labels/train/a.png": it holds the value 26 ' +
        "(first at row 0, column 2), but the allowed values are those of " +
        '"labelMap" (0, 7, 8, 255): correct "classes" or map the values in "labelMap"',
    );
    assert.match(
      await complaint(root, openFolder(tinySpec(root, { labelMap: { 7: 3 } }))),
      /"labelMap" maps 7 to 3, but there are 3 classes: use 0 … 2, or 255 to ignore/,
    );
    assert.match(
      await complaint(root, openFolder(tinySpec(root, { labelMap: { road: 1 } }))),
      /"labelMap" has the key "road"/,
    );
  });
});

Deno.test("a value beyond the classes names file, value and what is allowed", async () => {
  const label = tinyLabel((i) => i === 10 ? 3 : 0);
  await withFiles({ ...tinyFiles(["a"]), "labels/train/a.png": label }, async (root) => {
    const set = await openFolder(tinySpec(root));
    assert.equal(
      await complaint(root, set.read(0)),
      'RangeError: Cannot use the label "ROOT/labels/train/a.png": it holds the value 3 ' +
        "(first at row 1, column 2), but the allowed values are 0 … 2 and 255 (ignored): " +
        'correct "classes" or map the values in "labelMap"; if the classes are 1 … 3 and ' +
        '0 is none of them, it is "labelMap": {0: 255, 1: 0, 2: 1, 3: 2}',
    );
  });
});

Deno.test("a label with other colors or 16 bits is refused by name", async () => {
  const deep = Uint8Array.from(
    atob(
      "iVBORw0KGgoAAAANSUhEUgAAAAIAAAABEAAAAACB2fwVAAAADUlEQVR4nGNgYGDUAQAAMwAuMadZLQAAAABJRU5ErkJggg==",
    ),
    (c) => c.charCodeAt(0),
  );
  const files = {
    ...tinyFiles(["a", "b"]),
    "labels/train/a.png": tinyImage(0),
    "labels/train/b.png": deep,
  };
  await withFiles(files, async (root) => {
    const set = await openFolder(tinySpec(root));
    assert.equal(
      await complaint(root, set.readLabel(0)),
      'RangeError: Cannot use the label "ROOT/labels/train/a.png": it holds the color ' +
        "0, 7, 14 (first at row 0, column 0), which is that of no class: correct the " +
        'colors in "classes", or convert it to an 8-bit gray PNG of class ids, 255 for ' +
        "what is ignored",
    );
    assert.match(
      await complaint(root, set.readLabel(1)),
      /b\.png": its pixels are 16-bit gray,/,
    );
  });
});

Deno.test("an image and a label of different size are both named", async () => {
  const files = { ...tinyFiles(["a"]), "labels/train/a.png": tinyLabel(() => 0, 4, 6) };
  await withFiles(files, async (root) => {
    const set = await openFolder(tinySpec(root));
    assert.equal(
      await complaint(root, set.read(0)),
      'RangeError: Cannot pair "ROOT/images/train/a.png" with "ROOT/labels/train/a.png": ' +
        "the image is 8×6 and the label 4×6: both must have the same size",
    );
  });
});

Deno.test("labels of fewer than 8 bits are read as Pillow reads them, or refused", async () => {
  const fixture = (name: string) =>
    Deno.readFile(new URL(`../fuzz/png/${name}.png`, import.meta.url));
  const files = {
    ...tinyFiles(["a", "b", "c"]),
    "labels/train/a.png": await fixture("gray_1_interlaced"),
    "labels/train/b.png": await fixture("gray_2"),
    "labels/train/c.png": await fixture("palette_4_interlaced"),
  };
  const classes = Array.from({ length: 16 }, (_, i) => ({
    name: `class ${i}`,
    color: [3 * i, 3 * i + 1, 3 * i + 2] as const, // those of its palette
  }));
  await withFiles(files, async (root) => {
    const set = await openFolder(tinySpec(root, { classes }));
    const { width, height, data } = await set.readLabel(0);
    assert.deepEqual([width, height, data.length], [10, 9, 90]);
    assert.deepEqual(new Set(data), new Set([0, 1]));
    assert.equal(
      await complaint(root, set.readLabel(1)),
      'SyntaxError: Cannot read the label "ROOT/labels/train/b.png": its pixels are 2-bit ' +
        "gray, of which 1 is 85 for Pillow and 1 for others: save it with 8 bits",
    );
    // numpy.array(PIL.Image.open(path))[0]
    assert.deepEqual([...(await set.readLabel(2)).data.subarray(0, 11)], [
      13,
      14,
      13,
      3,
      11,
      10,
      8,
      5,
      14,
      4,
      15,
    ]);
  });
});

Deno.test("an image that EXIF turns is told apart from its unturned label", async () => {
  const picture = await Deno.readFile(
    new URL("../formats/opencv/exif.jpg", import.meta.url),
  );
  const files = {
    "images/train/a.jpg": picture,
    "labels/train/a.png": tinyLabel(() => 0, 16, 8),
    "images/train/b.jpg": picture,
    "labels/train/b.png": tinyLabel(() => 0, 8, 16),
  };
  await withFiles(files, async (root) => {
    const set = await openFolder(tinySpec(root));
    assert.equal(
      await complaint(root, set.read(0)),
      'RangeError: Cannot pair "ROOT/images/train/a.jpg" with "ROOT/labels/train/a.png": ' +
        "the image, turned by its EXIF orientation 5, is 8×16 and the label 16×8: turn the " +
        "label too, or save the image without EXIF",
    );
    const { width, height } = await set.read(1);
    assert.deepEqual([width, height], [8, 16]);
  });
});

Deno.test("an unreadable, truncated or vanished file is named", async () => {
  const files = {
    ...tinyFiles(["a", "b", "c"]),
    "images/train/a.png": tinyImage(0).slice(0, 70),
    "images/train/b.png": "no picture",
    "labels/train/c.png": tinyLabel(() => 0).slice(0, 50),
  };
  await withFiles(files, async (root) => {
    const set = await openFolder(tinySpec(root));
    assert.match(
      await complaint(root, set.read(0)),
      /^SyntaxError: Cannot read "ROOT\/images\/train\/a\.png" as an image: .*complete\?$/,
    );
    assert.match(await complaint(root, set.read(1)), /"ROOT\/images\/train\/b\.png" as/);
    assert.match(
      await complaint(root, set.read(2)),
      /^SyntaxError: Cannot read "ROOT\/labels\/train\/c\.png" as a PNG: /,
    );
    await Deno.remove(join(root, "images/train/c.png"));
    assert.equal(
      await complaint(root, set.read(2)),
      'Error: Cannot read "ROOT/images/train/c.png": there is no such file',
    );
  });
});

Deno.test("a missing label is named, and no matter where labels are not needed", async () => {
  const files = tinyFiles(["a", "b", "c"]);
  delete files["labels/train/b.png"];
  await withFiles(files, async (root) => {
    assert.equal(
      await complaint(root, openFolder(tinySpec(root))),
      'RangeError: Cannot use the data set "ROOT": the label "ROOT/labels/train/b.png" is ' +
        "missing (1 of 3 images have none): add it, or use this data set as the unlabeled " +
        "target only",
    );
    const set = await openFolder(tinySpec(root, { labeled: false }));
    assert.equal((await set.read(1)).label, null);
  });
});

Deno.test("pictures of names without an ending are named as what is there", async () => {
  await withFiles(
    { "images/train/a": tinyImage(0), "images/train/.b": "" },
    async (root) => {
      assert.match(
        await complaint(root, openFolder(tinySpec(root, { labeled: false }))),
        /ends in \.jpg, \.jpeg, \.png, \.tif or \.tiff: found no images, and other files: "a"$/,
      );
    },
  );
});

Deno.test("labels of names without an ending are named as such", async () => {
  const { "labels/train/a.png": label = "", ...files } = tinyFiles(["a"]);
  await withFiles({ ...files, "labels/train/a": label }, async (root) => {
    assert.match(
      await complaint(root, openFolder(tinySpec(root))),
      /"ROOT\/labels\/train" holds "a": labels are read from \.png and \.tif files/,
    );
  });
});

Deno.test("an empty selection says where it looked and what is there", async () => {
  await withFiles(tinyFiles(["a1", "a2", "b1", "b2"]), async (root) => {
    assert.equal(
      await complaint(root, openFolder(tinySpec(root, { include: ["0006R0*"] }))),
      'RangeError: Cannot use the data set: no image in "ROOT/images/train" fits ' +
        '"include" ["0006R0*"]: found 4 images, such as "a1", "a2", "b1"',
    );
    assert.equal(
      await complaint(root, openFolder(tinySpec(root, { split: "test" }))),
      'RangeError: Cannot use the data set: there is no folder "ROOT/images/test": ' +
        '"ROOT/images" holds "train": correct "split"',
    );
    assert.match(
      await complaint(root, openFolder(tinySpec(join(root, "images")))),
      /"ROOT\/images" holds "train": it should hold "images" and "labels"$/,
    );
    assert.match(
      await complaint(root, openFolder(tinySpec(join(root, "nowhere")))),
      /there is no folder "ROOT\/nowhere" either: correct "data\.root"$/,
    );
  });
  await withFiles({ "images/train/readme.txt": "" }, async (root) => {
    assert.equal(
      await complaint(root, openFolder(tinySpec(root))),
      'RangeError: Cannot use the data set: no image in "ROOT/images/train" ends in ' +
        '.jpg, .jpeg, .png, .tif or .tiff: found no images, and other files: "readme.txt"',
    );
  });
});

Deno.test("two images that would share a label are both named", async () => {
  const files = { ...tinyFiles(["a"]), "images/train/a.jpg": "" };
  await withFiles(files, async (root) => {
    assert.match(
      await complaint(root, openFolder(tinySpec(root))),
      /holds both "a\.(jpg|png)" and "a\.(jpg|png)", which would share one label/,
    );
  });
});

Deno.test("a bad list is named with its line", async () => {
  const files = {
    ...tinyFiles(["a", "b"]),
    "absent.txt": "a\nz\n",
    "twice.txt": "a\na\n",
    "out.txt": "a\n../../secret\n",
    "root.txt": "/etc/passwd",
    "empty.txt": "\n\n",
  };
  await withFiles(files, async (root) => {
    const of = (list: string) =>
      complaint(root, openFolder(tinySpec(root, { list: join(root, list) })));
    assert.equal(
      await of("absent.txt"),
      'RangeError: Cannot use the list "ROOT/absent.txt": 1 of its 2 lines name no ' +
        'image in "ROOT/images/train" (first: line 2: "z"; found there: 2 images, such as ' +
        '"a", "b"): each line is the stem or the path of an image',
    );
    assert.match(
      await of("twice.txt"),
      /it names "a" twice: remove one of the lines 1 and 2$/,
    );
    assert.match(await of("out.txt"), /"\.\.\/\.\.\/secret" leads out of the data set/);
    assert.match(await of("root.txt"), /"\/etc\/passwd" leads out of the data set/);
    assert.match(await of("empty.txt"), /it is empty: one stem per line$/);
    assert.match(
      await of("none.txt"),
      /Cannot read the list "ROOT\/none\.txt": there is/,
    );
    assert.match(
      await complaint(root, openFolder(tinySpec(root, { split: "../other" }))),
      /Cannot use "split": "\.\.\/other" leads out of the data set's folder/,
    );
  });
});

const CAMVID = new URL("../../../shared/data/camvid", import.meta.url).pathname;

Deno.test({
  name: "CamVid is a folder data set",
  ignore: !existsSync(CAMVID),
  async fn() {
    const classes = Array.from({ length: 11 }, (_, id) => ({
      name: String(id),
      color: CLASSES[0]?.color ?? [0, 0, 0],
    }));
    const spec = { kind: "folder", root: CAMVID, classes, labeled: true } as const;
    const val = await openDataSet({ ...spec, split: "val" });
    assert.equal(val.names.length, 101);
    const dusk = await openDataSet({ ...spec, split: "train", include: ["0001TP*"] });
    assert.equal(dusk.names.length, 62);
    const { width, height, label } = await dusk.read(0);
    assert.deepEqual([width, height, label?.length], [480, 360, 480 * 360]);
  },
});

// Every file that is an image is one, whatever its name looks like, or it is said why not.
import assert from "node:assert/strict";
import { join } from "node:path";
import { openFolder } from "../../src/data/folder.ts";
import { openNative } from "../../src/data/native/native.ts";
import type { NativeDataSet } from "../../src/data/native_classes.ts";
import { complaint } from "../support/error_text.ts";
import { zipOf } from "./archives.ts";
import {
  camvidFiles,
  cityscapesFiles,
  type Files,
  frame,
  gtaFiles,
  synthiaFiles,
  vocFiles,
} from "./native/trees.ts";
import { tinyFiles, tinyImage, tinyLabel, tinySpec, withFiles } from "./tiny_folder.ts";

/** Renames files by their paths. */
const renamed = (files: Files, change: (path: string) => string) =>
  Object.fromEntries(Object.entries(files).map(([path, bytes]) => [change(path), bytes]));

Deno.test("openFolder() takes images and labels with endings in capitals", async () => {
  const files = renamed(tinyFiles(["a", "b"]), (path) => path.replace(/png$/, "PNG"));
  await withFiles(
    { ...files, "labels/train/b.png": tinyLabel(() => 2) },
    async (root) => {
      const set = await openFolder(tinySpec(root));
      assert.deepEqual(set.names, ["a", "b"]);
      assert.equal((await set.read(0)).label?.[1], 1);
      assert.equal((await set.readLabel(1)).data[1], 2); // the usual name goes first
      assert.match(String(set.unpacked?.slice(0, 1)[0]?.label), /labels.train.a\.PNG$/);
    },
  );
});

Deno.test("openFolder() pairs composed and decomposed names", async () => {
  const [composed, decomposed] = ["\u00fcber", "u\u0308ber"];
  const files = {
    [`images/train/${composed}.png`]: tinyImage(1),
    [`labels/train/${decomposed}.png`]: tinyLabel(() => 1),
    "list.txt": decomposed,
  };
  await withFiles(files, async (root) => {
    for (const rest of [{}, { list: "list.txt" }, { include: [`${decomposed}*`] }]) {
      const set = await openFolder(tinySpec(root, rest));
      assert.deepEqual(set.names, [composed]);
      assert.equal((await set.readLabel(0)).data[0], 1);
    }
    await Deno.writeFile(join(root, `images/train/${decomposed}.png`), tinyImage(2));
    assert.match(
      await complaint(root, openFolder(tinySpec(root))),
      /would share one label/,
    );
  });
});

Deno.test("a file that carries the label suffix is no image", async () => {
  const at = (folder: string, names: Record<string, Uint8Array>) =>
    Object.fromEntries(
      Object.entries(names).map(([name, bytes]) => [`${folder}/${name}`, bytes]),
    );
  const mixed = {
    "a (1).png": tinyImage(1),
    "a (1)_mask.png": tinyLabel(() => 1),
    "b.png": tinyImage(2),
    "b_mask.PNG": tinyLabel(() => 2),
    "c_mask.png": tinyLabel(() => 0), // its image is gone
  };
  const files = {
    ...at("train", mixed),
    ...at("rgb/train", {
      "a.png": tinyImage(1),
      "a_gt.png": tinyImage(2),
      "x_gt.png": tinyImage(3),
    }),
    ...at("gt/train", {
      "a_gt.png": tinyLabel(() => 1),
      "x_gt_gt.png": tinyLabel(() => 1),
    }),
    ...at("same/train", { "a_v1.png": tinyImage(1) }),
    ...at("ids/train", { "a_v1.png": tinyLabel(() => 1) }),
  };
  await withFiles(files, async (root) => {
    const names = async (
      images: string,
      labels: string,
      suffix: string,
      imageSuffix = "",
    ) =>
      await Promise.all([true, false].map(async (labeled) => {
        const pattern = { images, labels, imageSuffix, labelSuffix: suffix };
        return (await openFolder(tinySpec(root, { files: pattern, labeled }))).names
          .join();
      }));
    assert.deepEqual(await names("{split}", "{split}", "_mask"), ["a (1),b", "a (1),b"]);
    assert.deepEqual(await names("rgb/{split}", "gt/{split}", "_gt"), [
      "a,x_gt",
      "a,x_gt",
    ]);
    assert.deepEqual(await names("same/{split}", "ids/{split}", "_v1", "_v1"), [
      "a",
      "a",
    ]);
  });
});

Deno.test("what is left out is said once, also of a folder of labels among images", async () => {
  const files = {
    "train/a.png": tinyImage(1),
    "train/labels/a_l.png": tinyLabel(() => 1),
  };
  await withFiles(files, async (root) => {
    await Deno.symlink("nowhere", join(root, "train/labels/b_l.png"));
    const pattern = {
      ...{ images: "{split}", labels: "{split}/labels" },
      ...{ imageSuffix: "", labelSuffix: "_l" },
    };
    const { notes = [] } = await openFolder(tinySpec(root, { files: pattern }));
    assert.equal(notes.length, 1);
    assert.match(
      notes[0] ?? "",
      /b_l\.png" is a symbolic link to "nowhere", which is not/,
    );
  });
});

Deno.test("PNGs are the labels of JPEGs of the same folder and stems", async () => {
  const files = {
    "train/a.jpg": tinyImage(1), // the decoder looks at the bytes
    "train/a.png": tinyLabel(() => 2),
    "pngs/a.png": tinyImage(1),
  };
  await withFiles(files, async (root) => {
    const pattern = {
      images: "{split}",
      labels: "{split}",
      imageSuffix: "",
      labelSuffix: "",
    };
    const set = await openFolder(tinySpec(root, { files: pattern }));
    assert.deepEqual(set.names, ["a"]);
    assert.equal((await set.readLabel(0)).data[0], 2);
    assert.match(
      await complaint(
        root,
        openFolder(tinySpec(root, { files: pattern, split: "pngs" })),
      ),
      /found no images, and \.png files, which are labels as long as "files" has no suffix/,
    );
  });
});

Deno.test("openFolder() names what is there in place of images and labels", async () => {
  const files = {
    ...tinyFiles(["a"]),
    "images/train/b.gif": "",
    "images/train/c.GIF": "",
    "images/train/d.bmp": "",
    "images/train/.e.png": "",
    "images/train/._a.png": "",
    "images/none/a.webp": "",
    "images/arrays/a.png": tinyImage(1),
    "labels/arrays/a.npy": "",
    "images/names/a.png": tinyImage(1),
    "labels/names/a_mask.png": tinyLabel(() => 1),
  };
  await withFiles(files, async (root) => {
    const said = (split: string) =>
      complaint(root, openFolder(tinySpec(root, { split })));
    assert.deepEqual(
      (await openFolder(tinySpec(root))).notes?.map((note) => note.replace(root, "ROOT")),
      [
        'left out 2 .gif files, 1 .bmp files, 1 hidden files of "ROOT/images/train": images are .jpg, ' +
        ".jpeg, .png, .tif or .tiff files that are not hidden",
      ],
    );
    assert.match(
      await said("none"),
      /ends in \.jpg, \.jpeg, \.png, \.tif or \.tiff: found no images, and 1 \.webp files$/,
    );
    assert.match(
      await said("arrays"),
      /labels\/arrays\/a\.png" is missing \(1 of 1 images have none\): the labels in "ROOT\/labels\/arrays" are \.npy files, and labels are read from \.png and \.tif files: convert/,
    );
    assert.match(
      await said("names"),
      /"ROOT\/labels\/names" holds "a_mask\.png": names must be those of the images; add/,
    );
  });
});

Deno.test("openNative() names what is there in place of all labels", async () => {
  const files = Object.fromEntries(
    Object.entries(cityscapesFiles()).filter(([path]) => !path.includes("_labelIds")),
  );
  await withFiles(files, async (root) => {
    const open = openNative({
      ...{ kind: "native", set: "cityscapes", root, split: "train", labeled: true },
    });
    assert.match(
      await complaint(root, open),
      /\(3 of 3 images have none\): "ROOT\/gtFine\/train" holds "aachen\/.*_color\.png".*; add it/,
    );
  });
});

Deno.test("openFolder() leaves out broken links with a note", async () => {
  await withFiles(tinyFiles(["a", "b"]), async (root) => {
    const link = (name: string) =>
      Deno.symlink("nowhere", join(root, "images/train", name));
    for (const name of ["c.png", "d.png", "e.png", "more"]) await link(name);
    const { names, notes = [] } = await openFolder(tinySpec(root));
    assert.deepEqual(names, ["a", "b"]);
    assert.equal(notes.length, 4);
    assert.match(notes[0] ?? "", /is a symbolic link to "nowhere", which is not there$/);
    assert.equal(notes[3], "and 1 more such problems: prepare lists all");
  });
});

/** The names and the labels' first values of a set. */
async function contents(root: string, set: NativeDataSet, split: string | null) {
  const opened = await openNative({ kind: "native", set, root, split, labeled: true });
  const labels = await Promise.all(
    opened.names.map(async (_, i) => (await opened.read(i)).label?.join()),
  );
  return { names: opened.names, labels };
}

const [FIRST = "", SECOND = ""] = ["00001", "00002"];

Deno.test("openNative() finds what was unpacked into a folder for each download", async () => {
  const trees: [NativeDataSet, string | null, Files, (path: string) => string][] = [
    [
      "cityscapes",
      "train",
      cityscapesFiles(),
      (path) => path.replace(/^(leftImg8bit|gtFine)\//, "$1_trainvaltest/$1/"),
    ],
    [
      "cityscapes",
      "train",
      cityscapesFiles(),
      (path) => path.replace(/^(leftImg8bit|gtFine)\//, "cityscapes/$1/$1/"),
    ],
    ["cityscapes", "train", cityscapesFiles(), (path) => path.replace(/\.png$/, ".PNG")],
    [
      "cityscapes",
      "train",
      cityscapesFiles(),
      (path) => path.replace(/_leftImg8bit\.png$/, "_leftImg8bit.jpg"),
    ],
    [
      "gta5",
      null,
      gtaFiles(),
      (path) =>
        path.replace(/^(images|labels)\/(?=00001)/, "01_$1/$1/")
          .replace(/^(images|labels)\/(?=00002)/, "02_$1/$1/"),
    ],
    [
      "synthia",
      null,
      synthiaFiles(),
      (path) => `SYNTHIA_RAND_CITYSCAPES/RAND_CITYSCAPES/${path}`,
    ],
    ["voc", "train", vocFiles(), (path) => `VOCtrainval_11-May-2012/${path}`],
    ["camvid", null, camvidFiles(), (path) => path.replace(/^LabeledApproved_full./, "")],
    [
      "cityscapes",
      "val",
      cityscapesFiles(),
      (path) => path.replace(/^(leftImg8bit|gtFine)\//, "cityscapes/$1_trainvaltest/$1/"),
    ],
    [
      "voc",
      "train",
      vocFiles(),
      (path) =>
        path.replace(
          /^.*SegmentationClass\//,
          "SegmentationClassAug/SegmentationClassAug/",
        ),
    ],
    ["camvid", null, camvidFiles(), (path) => path.replace(/^([^/]+)\//, "$1/$1/")],
  ];
  for (const [set, split, files, change] of trees) {
    await withFiles(files, async (plain) => {
      const expected = await contents(plain, set, split);
      assert.ok(expected.names.length > 1);
      await withFiles(renamed(files, change), async (root) => {
        assert.deepEqual(await contents(root, set, split), expected);
      });
    });
  }
});

Deno.test("openNative() joins what is unpacked with the archives that are not", async () => {
  const files = gtaFiles([FIRST, SECOND]);
  const pick = (part: string, name: string) => ({
    [`${part}/${name}.png`]: files[`${part}/${name}.png`] ?? assert.fail(),
  });
  const half = {
    ...pick("images", FIRST),
    ...pick("labels", FIRST),
    "01_images.zip": zipOf(pick("images", FIRST)),
    "01_labels.zip": zipOf(pick("labels", FIRST)),
    "02_images.zip": zipOf(pick("images", SECOND)),
    "02_labels.zip": zipOf(pick("labels", SECOND)),
  };
  await withFiles(files, async (plain) => {
    const expected = await contents(plain, "gta5", null);
    // All is unpacked: what cannot be read is no matter, and named.
    await Deno.writeTextFile(join(plain, "03_images.zip"), "cut short");
    assert.deepEqual(await contents(plain, "gta5", null), expected);
    await withFiles(half, async (root) => {
      assert.deepEqual(await contents(root, "gta5", null), expected);
      const { notes } = await openNative({
        kind: "native",
        set: "gta5",
        root,
        labeled: true,
      });
      assert.match(
        (notes ?? []).join("\n"),
        /1 files of ".*images" are not unpacked and are/,
      );
      assert.doesNotMatch((notes ?? []).join(), /not those of the archives/);
    });
  });
});

Deno.test("openNative() refuses two files of one name that are not the same", async () => {
  const files = gtaFiles([FIRST]);
  const image = files[`images/${FIRST}.png`] ?? assert.fail();
  await withFiles(
    { ...files, [`01_images/images/${FIRST}.png`]: image },
    async (root) => {
      const opened = await openNative({
        kind: "native",
        set: "gta5",
        root,
        labeled: true,
      });
      assert.deepEqual(opened.names, [FIRST]);
      assert.match(
        (opened.notes ?? []).join(),
        /^images of GTA5 are read from 2 folders: "/,
      );
      await Deno.writeFile(join(root, `01_images/images/${FIRST}.png`), tinyImage(7));
      assert.match(
        await complaint(root, contents(root, "gta5", null)),
        /"ROOT\/images\/00001\.png" and "ROOT\/01_images\/images\/00001\.png" have one name/,
      );
    },
  );
  const city = `leftImg8bit/train/ulm/${frame("ulm", 0)}_leftImg8bit.png`;
  await withFiles({
    ...cityscapesFiles(),
    [city]: tinyImage(9),
    "l.txt": new TextEncoder().encode(frame("ulm", 0)),
  }, async (root) => {
    const open = openNative({
      kind: "native",
      set: "cityscapes",
      root,
      list: "l.txt",
      labeled: false,
    });
    assert.match(await complaint(root, open), /have one name and are not the same/);
  });
});

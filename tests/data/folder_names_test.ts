// Folder data sets whose files have other names, or lie in archives.
import assert from "node:assert/strict";
import { join } from "node:path";
import { DEFAULT_FILE_PATTERN, openFolder } from "../../src/data/folder.ts";
import { tarOf, zipOf } from "./archives.ts";
import { complaint } from "../support/error_text.ts";
import { tinyFiles, tinySpec, withFiles } from "./tiny_folder.ts";

const renamed = Object.fromEntries(
  Object.entries(tinyFiles(["a", "b"])).map(([path, bytes]) => [
    path
      .replace(/^images\/train\/(.*)\.png$/, "rgb/train/$1_rgb.png")
      .replace(/^labels\/train\/(.*)\.png$/, "train/gt/$1_gt.png"),
    bytes,
  ]),
);

const files = {
  images: "rgb/{split}",
  labels: "{split}/gt",
  imageSuffix: "_rgb",
  labelSuffix: "_gt",
};

Deno.test("folders and suffixes of images and labels are as the configuration says", async () => {
  // A file without the suffix is not an image of the set.
  const all = {
    ...renamed,
    "rgb/train/a_depth.png": renamed["rgb/train/a_rgb.png"] ?? "",
  };
  await withFiles(all, async (root) => {
    const set = await openFolder(tinySpec(root, { files }));
    assert.deepEqual(set.names, ["a", "b"]);
    assert.deepEqual([...(await set.read(0)).label ?? []].slice(0, 3), [0, 1, 2]);
    assert.match(
      await complaint(root, openFolder(tinySpec(root, { files, split: "val" }))),
      /there is no folder "ROOT\/rgb\/val": "ROOT\/rgb" holds "train": correct "split"/,
    );
    const out = { ...DEFAULT_FILE_PATTERN, images: "../{split}" };
    assert.match(
      await complaint(root, openFolder(tinySpec(root, { files: out }))),
      /Cannot use "files\.images": "\.\.\/\{split\}" leads out/,
    );
  });
});

Deno.test("a folder data set may be packed", async () => {
  const tiny = tinyFiles(["a", "b"]);
  const packed = {
    "all.zip": zipOf(tiny),
    "train.tar": tarOf(tiny),
    ...Object.fromEntries(
      Object.entries(tiny).map(([path, bytes]) => [`unpacked/${path}`, bytes]),
    ),
  };
  await withFiles(packed, async (root) => {
    const of = async (place: string) => {
      const set = await openFolder(tinySpec(join(root, place)));
      return await Promise.all(set.names.map((_, index) => set.read(index)));
    };
    const expected = await of("unpacked");
    assert.equal(expected.length, 2);
    assert.deepEqual(await of("all.zip"), expected);
    assert.deepEqual(await of("{split}.tar"), expected);
  });
});

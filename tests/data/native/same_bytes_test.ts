// Wherever a data set lies, its samples are the same, byte for byte.
import assert from "node:assert/strict";
import { join } from "node:path";
import type { NativeDataSet } from "../../../src/data/native_classes.ts";
import type { Sample } from "../../../src/data/data_set.ts";
import type { NativeSpec } from "../../../src/data/data_spec.ts";
import { openNative } from "../../../src/data/native/native.ts";
import { tarOf, zipOf } from "../archives.ts";
import { complaint } from "../../support/error_text.ts";
import { withServer } from "../range_server.ts";
import { withFiles } from "../tiny_folder.ts";
import {
  cityscapesFiles,
  type Files,
  gtaFiles,
  synthiaFiles,
  vocFiles,
  within,
} from "./trees.ts";

const SETS: Readonly<Record<Exclude<NativeDataSet, "camvid">, Files>> = {
  cityscapes: cityscapesFiles(),
  gta5: gtaFiles(),
  synthia: synthiaFiles(),
  voc: vocFiles(),
};

const splitOf = (set: NativeDataSet) =>
  set === "cityscapes" || set === "voc" ? "train" : null;

async function samples(
  set: NativeDataSet,
  root: string,
  rest: Partial<NativeSpec> = {},
): Promise<Sample[]> {
  const data = await openNative({
    kind: "native",
    set,
    root,
    split: splitOf(set),
    labeled: true,
    ...rest,
  });
  assert.equal(typeof await data.fingerprint(), "string");
  return await Promise.all(data.names.map((_, index) => data.read(index)));
}

const only = (files: Files, part: RegExp) =>
  Object.fromEntries(Object.entries(files).filter(([path]) => part.test(path)));

/** Each split of a data set as shards: a key per image, two images per shard. */
function shardsOf(set: NativeDataSet, files: Files): Record<string, Uint8Array> {
  const members: [string, Uint8Array][][] = [];
  for (const [path, image] of Object.entries(files)) {
    if (!/^(.*\/)?(leftImg8bit\/train|images|RGB|JPEGImages)\//.test(path)) continue;
    const label = path
      .replace(/^leftImg8bit/, "gtFine").replace("_leftImg8bit.", "_gtFine_labelIds.")
      .replace("images/", "labels/").replace("RGB/", "GT/LABELS/")
      .replace("JPEGImages", "SegmentationClass").replace(".jpg", ".png");
    const values = files[label];
    if (values === undefined || (set === "voc" && path.includes("2011"))) continue;
    const key = (path.split("/").pop() ?? "").replace(/(_leftImg8bit)?\.\w+$/, "");
    const isJpeg = path.endsWith(".jpg");
    members.push([
      [`${key}.${isJpeg ? "jpg" : "png"}`, image],
      [`${key}.${isJpeg ? "png" : "label.png"}`, values],
    ]);
  }
  const shards: Record<string, Uint8Array> = {};
  for (let at = 0; at < members.length; at += 2) {
    const name = `${set}-${String(at / 2).padStart(6, "0")}.tar`;
    shards[name] = tarOf(Object.fromEntries(members.slice(at, at + 2).flat()));
  }
  return shards;
}

for (const [set, files] of Object.entries(SETS) as [NativeDataSet, Files][]) {
  Deno.test(`${set}: folder, zip, tar and shards on disk and server hold the same samples`, async () => {
    const shards = shardsOf(set, files);
    const pattern = `${set}-{000000..00000${Object.keys(shards).length - 1}}.tar`;
    const all = {
      ...within("folder", files),
      "whole.zip": zipOf(files),
      "whole.tar": tarOf(files),
      // As Cityscapes and GTA5 come: images and labels in archives of their own.
      "packed/1.zip": zipOf(only(files, /leftImg8bit|images|RGB|JPEG|README/)),
      "packed/2.zip": zipOf(only(files, /gtFine|labels|GT|Segmentation/)),
      ...within("shards", shards),
    };
    await withFiles(all, async (root) => {
      const expected = await samples(set, join(root, "folder"));
      assert.ok(expected.length >= 2 && expected.every(({ label }) => label !== null));
      for (const one of ["whole.zip", "whole.tar", "packed"]) {
        assert.deepEqual(await samples(set, join(root, one)), expected, one);
      }
      const asShards = { split: null };
      const onDisk = await samples(set, join(root, "shards", pattern), asShards);
      assert.deepEqual(onDisk, expected);
      await withServer({ ...shards, "whole.tar": all["whole.tar"] }, async ({ url }) => {
        assert.deepEqual(await samples(set, `${url}/${pattern}`, asShards), expected);
        assert.deepEqual(await samples(set, `${url}/whole.tar`), expected);
      });
    });
  });
}

Deno.test("shards do not pass for a split that they may not be", async () => {
  const shards = shardsOf("cityscapes", cityscapesFiles());
  const named = Object.fromEntries(
    Object.entries(shards).map(([name, bytes]) => [`train/${name}`, bytes]),
  );
  await withFiles(named, async (root) => {
    const pattern = "cityscapes-{000000..000001}.tar";
    assert.match(
      await complaint(root, samples("cityscapes", join(root, "train", pattern))),
      /Cannot use "split": "train" with the shards "ROOT.*put "\{split\}" in the root/,
    );
    const found = await samples("cityscapes", join(root, "{split}", pattern));
    assert.equal(found.length, 3);
    assert.match(
      await complaint(
        root,
        samples("cityscapes", join(root, "{split}", pattern), { split: "val" }),
      ),
      /^NotFound: Cannot read "ROOT\/val\/cityscapes-000000\.tar": there is no such file$/,
    );
  });
});

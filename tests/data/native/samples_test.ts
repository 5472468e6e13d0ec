// Real files of the data sets, where they are at hand.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { decodeImage } from "../../../src/formats/image_codec.ts";
import { openNative } from "../../../src/data/native/native.ts";
import { tarOf } from "../archives.ts";
import { tinyImage, withFiles } from "../tiny_folder.ts";

const SAMPLES = fileURLToPath(
  new URL("../../../../shared/data/samples/", import.meta.url),
);
const ignore = !existsSync(SAMPLES);

Deno.test({
  name: "three images of VOC 2012: sizes, classes and void as counted elsewhere",
  ignore,
  async fn() {
    const set = await openNative({
      kind: "native",
      set: "voc",
      root: join(SAMPLES, "voc"),
      split: "train",
      labeled: true,
    });
    assert.deepEqual(set.names, ["2011_000003", "2011_000006", "2011_000025"]);
    const expected = [
      [500, 338, [0, 5, 15, 255], "9.60"],
      [500, 375, [0, 9, 15, 18, 255], "7.98"],
      [500, 375, [0, 6, 7, 255], "7.55"],
    ] as const;
    for (const [index, [width, height, ids, percent]] of expected.entries()) {
      const sample = await set.read(index);
      const label = sample.label ?? assert.fail();
      assert.deepEqual([sample.width, sample.height], [width, height]);
      assert.deepEqual([...new Set(label)].sort((a, b) => a - b), ids);
      const ignored = label.filter((id) => id === 255).length;
      assert.equal((100 * ignored / label.length).toFixed(2), percent);
    }
  },
});

Deno.test({
  name: "an image and a label of GTA5, in a folder and in a tar",
  ignore,
  async fn() {
    const folder = join(SAMPLES, "gta");
    const image = await Deno.readFile(join(folder, "images/source.png"));
    const label = await Deno.readFile(
      join(folder, "labels_reduced_512x256/00100370.png"),
    );
    // They do not belong together: each is tried with a partner of its size.
    const files = {
      "images/00001.png": tinyImage(1, 512, 256),
      "images/00002.png": image,
      "labels/00001.png": label,
    };
    await withFiles({ ...files, "gta.tar": tarOf(files) }, async (root) => {
      for (const place of [root, join(root, "gta.tar")]) {
        const some = { kind: "native", set: "gta5", root: place } as const;
        const one = await openNative({ ...some, labeled: true, include: ["00001"] });
        const sample = await one.read(0);
        const ids = new Set(sample.label);
        // Road, building, sky and car are in nearly every frame of a drive.
        for (const id of [0, 2, 10]) assert.ok(ids.has(id), `class ${id} of ${[...ids]}`);
        assert.ok([...ids].every((id) => id < 19 || id === 255));
        const both = await openNative({ ...some, labeled: false });
        const { width, height } = await both.read(1);
        const decoded = await decodeImage(image, "source.png");
        assert.deepEqual([width, height], [decoded.width, decoded.height]);
        assert.deepEqual([width, height], [1914, 1052]);
      }
    });
  },
});

// Data sets that are known by the way they are downloaded.
import assert from "node:assert/strict";
import { openSource } from "../../src/data/source/open_source.ts";
import { encodePng } from "../../src/formats/png.ts";
import { findNative } from "../../src/init/find_native.ts";
import {
  camvidFiles,
  cityscapesFiles,
  type Files,
  gtaFiles,
  HEIGHT,
  synthiaFiles,
  vocFiles,
  WIDTH,
} from "../data/native/trees.ts";
import { withFiles } from "../data/tiny_folder.ts";

/** What is found: the set, and the labeled images of each part. */
async function find(files: Files) {
  let found: unknown = null;
  await withFiles(files, async (root) => {
    const { source } = await openSource({ root });
    const data = await findNative(source, await source.list("") ?? [], root);
    if (data === null) return;
    const [first] = data.parts;
    const { counts } = await data.readClasses(
      data.parts.flatMap(({ name: part, labeled }) =>
        labeled.map((name) => ({ part, name }))
      ),
      { progress: () => {} },
    );
    found = {
      set: first?.settings["set"],
      parts: Object.fromEntries(
        data.parts.map(({ name, labeled }) => [name, labeled.length]),
      ),
      labels: counts.size,
    };
  });
  return found;
}

/** Labels of GTA5, whose palette says what they are. */
const gtaLabels = (files: Files): Files =>
  Object.fromEntries(
    Object.entries(files).map(([path, one]) => [
      path,
      !path.startsWith("labels/") ? one : encodePng({
        width: WIDTH,
        height: HEIGHT,
        channels: 1,
        data: new Uint8Array(WIDTH * HEIGHT).fill(7),
        palette: Array.from(
          { length: 35 },
          (_, i) => i === 7 ? [128, 64, 128] : [0, 0, i],
        ),
      }),
    ]),
  );

Deno.test("findNative() finds each set, with its splits where it has some", async () => {
  assert.deepEqual(await find(cityscapesFiles()), {
    set: "cityscapes",
    parts: { train: 3, val: 2 },
    labels: 5,
  });
  assert.deepEqual(await find(gtaLabels(gtaFiles())), {
    set: "gta5",
    parts: { all: 3 },
    labels: 3,
  });
  assert.deepEqual(await find(synthiaFiles()), {
    set: "synthia",
    parts: { all: 3 },
    labels: 3,
  });
  assert.deepEqual(await find(camvidFiles()), {
    set: "camvid",
    parts: { all: 3 },
    labels: 3,
  });
});

Deno.test("findNative() takes VOC's lists for its splits, else all for one part", async () => {
  const files = vocFiles();
  const complete = await find(files) as { parts: unknown };
  const without = Object.entries(files).filter(([path]) => !path.includes("ImageSets"));
  assert.deepEqual(await find(Object.fromEntries(without)), {
    set: "voc",
    parts: { all: 3 },
    labels: 3,
  });
  assert.deepEqual(complete.parts, { train: 2, val: 1 });
});

Deno.test("findNative() leaves folders of the same names to themselves", async () => {
  assert.equal(await find(gtaFiles(["a1", "a2"])), null, "other names");
  assert.equal(await find(gtaFiles()), null, "another palette");
});

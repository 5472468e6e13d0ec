// What exists and cannot be read is never called missing.
import assert from "node:assert/strict";
import { symlink } from "node:fs/promises";
import { join } from "node:path";
import { classStatistics } from "../../src/data/class_statistics.ts";
import { openFolder } from "../../src/data/folder.ts";
import { openNative } from "../../src/data/native/native.ts";
import { readList, selectImages } from "../../src/data/selection.ts";
import { complaint } from "../support/error_text.ts";
import { vocFiles } from "./native/trees.ts";
import { tinyFiles, tinySpec, withFiles } from "./tiny_folder.ts";

/** A link to itself: it exists, and nobody can open it, not even the system's owner. */
const loop = (path: string) => symlink(path, path);

const LOOP = /too many|ELOOP|symbolic links/i;

Deno.test("readList() says why a list cannot be read, wherever it lies", async () => {
  await withFiles({ "root/fine.txt": "a", "lists/x": "" }, async (folder) => {
    const root = join(folder, "root");
    const listFolder = join(folder, "lists");
    await loop(join(root, "loop.txt"));
    await loop(join(listFolder, "loop2.txt"));
    const said = (list: string) =>
      complaint(folder, readList({ list, listFolder }, root));
    for (const list of [join(root, "loop.txt"), "loop.txt", "loop2.txt"]) {
      const message = await said(list);
      assert.match(message, /^RangeError: Cannot read the list ".*loop2?\.txt": /);
      assert.match(message, LOOP);
      assert.doesNotMatch(message, /there is no such file/);
    }
    assert.match(await said("x".repeat(300)), /name is too long/);
    assert.match(await said(listFolder), /it is a folder/);
    // What is missing, or leads through a file, is missing.
    assert.match(await said("none.txt"), /there is no such file, nor "ROOT.*none\.txt"/);
    assert.match(await said("fine.txt/more"), /there is no such file, nor "ROOT/);
    assert.equal(await readList({ list: "fine.txt", listFolder }, root), "a");
  });
});

Deno.test({
  name: "readList() names the permission that a list needs",
  permissions: { read: false },
  async fn() {
    const list = "/lists/train.txt";
    const said = await complaint("ROOT", readList({ list }, "/data"));
    assert.match(
      said,
      /^RangeError: Cannot read the list .*: this program has no read access to it/,
    );
  },
});

Deno.test("selectImages() uses a list of its list folder before one of the data set", async () => {
  const files = { "root/l.txt": "a", "lists/l.txt": "b", "lists/m.txt": "a" };
  await withFiles(files, async (folder) => {
    const images = {
      folder: "here",
      leftOut: null,
      root: join(folder, "root"),
      paths: new Map([["a", "a.png"], ["b", "b.png"]]),
      nameOf: (line: string) => line,
      labelOf: () => null,
    };
    const selected = async (list: string, listFolder: string | null) =>
      (await selectImages(images, { list, listFolder })).names;
    const listFolder = join(folder, "lists");
    assert.deepEqual(await selected("l.txt", listFolder), ["b"]);
    assert.deepEqual(await selected("l.txt", null), ["a"]);
    assert.deepEqual(await selected("l.txt", join(folder, "none")), ["a"]);
    // The path of another machine.
    assert.deepEqual(await selected("/old/place/m.txt", listFolder), ["a"]);
    await assert.rejects(
      selected("/old/place/m.txt", null),
      /there is no such file: "list"/,
    );
  });
});

Deno.test("openNative() and openFolder() name a root that cannot be listed", async () => {
  await withFiles({ "images/x": "" }, async (folder) => {
    const root = join(folder, "loop");
    await loop(root);
    for (
      const open of [
        () => openNative({ kind: "native", set: "gta5", root, labeled: true }),
        () => openFolder(tinySpec(root)),
      ]
    ) {
      const said = await complaint(folder, open());
      assert.match(said, /^RangeError: Cannot use the data set: cannot list the folder/);
      assert.match(said, LOOP);
    }
  });
});

Deno.test("openNative() names a folder of SBD that cannot be looked up", async () => {
  const list = "2012_000001";
  await withFiles({ ...vocFiles("VOC2012/"), "one.txt": list }, async (folder) => {
    await loop(join(folder, "SBD"));
    const root = join(folder, "VOC2012");
    const set = { kind: "native", set: "voc", root, labeled: true } as const;
    const said = await complaint(
      folder,
      openNative({ ...set, list: join(folder, "one.txt") }),
    );
    assert.match(said, /^Error: Cannot read "ROOT\/SBD.*cls": /);
    assert.match(said, LOOP);
    // A file of this name is no folder of SBD.
    await Deno.remove(join(folder, "SBD"));
    await Deno.writeTextFile(join(folder, "SBD"), "");
    const missing = await complaint(folder, openNative({ ...set, split: "train" }));
    assert.equal(missing, "no error");
  });
});

Deno.test("classStatistics() names a sample_class_stats.json that cannot be read", async () => {
  await withFiles(tinyFiles(["a"]), async (root) => {
    await loop(join(root, "sample_class_stats.json"));
    const dataSet = await openFolder(tinySpec(root));
    const said = await complaint(root, classStatistics(dataSet, null));
    assert.match(said, /^Error: Cannot read "ROOT\/sample_class_stats\.json": /);
    assert.match(said, LOOP);
  });
});

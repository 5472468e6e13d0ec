import assert from "node:assert/strict";
import { readdir, readFile, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  classStatistics,
  parseSampleClassStats,
} from "../../src/data/class_statistics.ts";
import type { DataSet } from "../../src/data/data_set.ts";
import { openFolder } from "../../src/data/folder.ts";
import { labelCounts } from "../../src/data/class_counts.ts";
import { tinyFiles, tinyLabel, tinySpec, withFiles } from "./tiny_folder.ts";

// Counts how many labels are read.
function watched(dataSet: DataSet): { dataSet: DataSet; reads: () => number } {
  let reads = 0;
  return {
    dataSet: { ...dataSet, readLabel: (i) => (reads++, dataSet.readLabel(i)) },
    reads: () => reads,
  };
}

Deno.test("classStatistics() counts once and then reads its cache", async () => {
  await withFiles(tinyFiles(["a", "b"]), async (root) => {
    const cache = join(root, "cache");
    const { dataSet, reads } = watched(await openFolder(tinySpec(root)));
    const counted = await classStatistics(dataSet, cache);
    assert.equal(reads(), 2);
    // 48 pixels, of which 9 are ignored.
    assert.equal(counted.totals.reduce((a, b) => a + b), 2 * 39);
    assert.deepEqual([counted.counts.labelCount, counted.counts.classCount], [2, 3]);

    assert.deepEqual(await classStatistics(dataSet, cache), counted);
    assert.equal(reads(), 2);
    assert.equal((await readdir(cache)).length, 1, "no draft is left behind");
  });
});

Deno.test("classStatistics() counts anew when a label or the list changes", async () => {
  await withFiles(tinyFiles(["a", "b", "c"]), async (root) => {
    const cache = join(root, "cache");
    const first = watched(await openFolder(tinySpec(root)));
    await classStatistics(first.dataSet, cache);

    const fewer = watched(await openFolder(tinySpec(root, { include: ["a", "b"] })));
    assert.equal((await classStatistics(fewer.dataSet, cache)).counts.labelCount, 2);
    assert.equal(fewer.reads(), 2);

    const label = join(root, "labels/train/a.png");
    await writeFile(label, tinyLabel(() => 2));
    await utimes(label, new Date(), new Date(Date.now() + 5000));
    assert.deepEqual(
      [...labelCounts((await classStatistics(first.dataSet, cache)).counts, 0)],
      [0, 0, 48],
    );
  });
});

Deno.test("classStatistics() writes a damaged cache anew", async () => {
  await withFiles(tinyFiles(["a"]), async (root) => {
    const cache = join(root, "cache");
    const { dataSet, reads } = watched(await openFolder(tinySpec(root)));
    const counted = await classStatistics(dataSet, cache);
    const file = join(cache, (await readdir(cache))[0] ?? "");
    const sound = await readFile(file, "utf8");
    await writeFile(file, sound.slice(0, 30));
    assert.deepEqual(await classStatistics(dataSet, cache), counted);
    assert.equal(reads(), 2);
    assert.equal(await readFile(file, "utf8"), sound);
  });
});

Deno.test("classStatistics() takes over sample_class_stats.json if it fits", async () => {
  await withFiles(tinyFiles(["a", "b"]), async (root) => {
    const { dataSet, reads } = watched(await openFolder(tinySpec(root)));
    const counted = await classStatistics(dataSet, null);
    const entries = dataSet.names.map((name, i) => ({
      ...Object.fromEntries(labelCounts(counted.counts, i).entries()),
      file: `elsewhere/labels/${name}_labelTrainIds.png`,
    }));
    const file = join(root, "sample_class_stats.json");
    await writeFile(file, JSON.stringify(entries, null, 2));
    assert.deepEqual(await classStatistics(dataSet, null), counted);
    assert.equal(reads(), 2 + 1, "one label is read to see that the file fits");

    const wrong = entries.map((entry) => ({ ...entry, 0: 1 }));
    await writeFile(file, JSON.stringify(wrong));
    assert.deepEqual(await classStatistics(dataSet, null), counted);
    await writeFile(file, "[{}]");
    assert.deepEqual(await classStatistics(dataSet, null), counted);
  });
});

Deno.test("parseSampleClassStats() reads the PyTorch code's format and refuses others", () => {
  const text = '[{"0": 512034, "13": 9001, "file": "data/gta/labels/00001.png"}]';
  const pixels = parseSampleClassStats(text, "x.json", 19).get(
    "data/gta/labels/00001.png",
  );
  assert.equal(pixels?.length, 19);
  assert.deepEqual([pixels?.[0], pixels?.[1], pixels?.[13]], [512034, 0, 9001]);

  assert.throws(() => parseSampleClassStats(text, "x.json", 13), {
    name: "SyntaxError",
    message:
      'Cannot read "x.json" as class statistics: "data/gta/labels/00001.png" has ' +
      '9001 pixels of class "13" of 13: delete it',
  });
  assert.throws(() => parseSampleClassStats("{", "x.json", 19), /it is not JSON/);
  assert.throws(() => parseSampleClassStats("{}", "x.json", 19), /it is not an array/);
});

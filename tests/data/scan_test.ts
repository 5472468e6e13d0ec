import assert from "node:assert/strict";
import { join } from "node:path";
import { writeFile } from "node:fs/promises";
import { classStatistics } from "../../src/data/class_statistics.ts";
import { openFolder } from "../../src/data/folder.ts";
import { labelCounts } from "../../src/data/class_counts.ts";
import { scanClassCounts } from "../../src/data/scan.ts";
import { scanAll } from "./scan_all.ts";
import { complaint } from "../support/error_text.ts";
import { tinyFiles, tinyImage, tinyLabel, tinySpec, withFiles } from "./tiny_folder.ts";

const STEMS = Array.from({ length: 70 }, (_, i) => `p${String(i).padStart(2, "0")}`);
const THREADS = [0, 1, 2, 5];

Deno.test("scanEach() gives the same for any number of threads, in order", async () => {
  const files = tinyFiles(STEMS);
  STEMS.forEach((stem, n) =>
    files[`labels/train/${stem}.png`] = tinyLabel((i) => i < n % 48 ? 1 : 2)
  );
  await withFiles(files, async (root) => {
    const spec = tinySpec(root);
    const dataSet = await openFolder(spec);
    const { counts } = await classStatistics(dataSet, null);
    const expected = STEMS.map((_, i) => [...labelCounts(counts, i)]);
    assert.ok(new Set(expected.map(String)).size > 1, "labels differ");
    for (const workers of THREADS) {
      const reported: number[] = [];
      const job = { kind: "count" as const, spec };
      assert.deepEqual(await scanClassCounts(spec, dataSet, { workers }), counts);
      const counted = await scanAll(job, STEMS.length, {
        workers,
        progress: (done, of) => {
          assert.equal(of, STEMS.length);
          reported.push(done);
        },
      });
      assert.deepEqual(counted, expected, `${workers} threads`);
      assert.equal(reported.at(-1), STEMS.length);
      assert.deepEqual(reported, reported.toSorted((a, b) => a - b));
    }
  });
});

Deno.test("scanEach() names the first bad label for any number of threads", async () => {
  await withFiles(tinyFiles(STEMS), async (root) => {
    for (const stem of ["p66", "p31", "p30"]) {
      await writeFile(join(root, `labels/train/${stem}.png`), tinyLabel(() => 7));
    }
    for (const workers of THREADS) {
      const spec = tinySpec(root);
      const dataSet = await openFolder(spec);
      for (const unpacked of [null, dataSet.unpacked]) {
        const job = { kind: "count" as const, spec };
        const options = { workers, unpacked };
        const said = await complaint(root, scanAll(job, STEMS.length, options));
        assert.match(
          said,
          /^RangeError: Cannot use the label "ROOT\/labels\/train\/p30.png"/,
        );
      }
    }
  });
});

Deno.test("scanEach() examines both files of an image and says all that is wrong", async () => {
  const files = {
    ...tinyFiles(["a", "b", "c"]),
    "images/train/b.png": tinyImage(1).slice(0, 60),
    "labels/train/b.png": tinyLabel(() => 9),
    "labels/train/c.png": tinyLabel(() => 1, 4, 4),
  };
  await withFiles(files, async (root) => {
    const job = { kind: "check" as const, spec: tinySpec(root) };
    const [a, b, c] = await scanAll(job, 3, { workers: 1 });
    assert.deepEqual([a?.width, a?.height, a?.problems], [8, 6, []]);
    assert.deepEqual([b?.width, b?.classPixels, b?.problems.length], [null, null, 2]);
    assert.deepEqual(c?.classPixels, [0, 16, 0]);
    assert.match(String(c?.problems), /the image is 8×6 and the label 4×4/);
  });
});

Deno.test("scanEach() ends when it is reported to, and its threads with it", async () => {
  await withFiles(tinyFiles(STEMS), async (root) => {
    for (const workers of [0, 2]) {
      const stop = new AbortController();
      const job = { kind: "count" as const, spec: tinySpec(root) };
      const running = scanAll(job, STEMS.length, {
        workers,
        signal: stop.signal,
        progress: () => stop.abort(new Error("enough")),
      });
      await assert.rejects(running, /^Error: enough$/);
    }
  });
});

// The logs of a run: what training writes into them, and what reading makes of them.
import assert from "node:assert/strict";
import { join } from "node:path";
import {
  parseEvaluationLine,
  parseLogLine,
  pictureIterations,
  picturePath,
  readLines,
  runFolder,
  truncateLines,
} from "../../src/train/run_files.ts";
import { train } from "../../src/train/train.ts";
import { tinyConfig } from "../support/commands.ts";
import { inFolder } from "../support/files.ts";

Deno.test("train() logs each evaluation once, center crops apart, and its memory [wasm]", () =>
  inFolder(async (root) => {
    const out = join(root, "run");
    const config = tinyConfig(
      "iterations=4",
      "evaluation.interval=2",
      "evaluation.centerCrop={height: 32, width: 32}",
    );
    const folder = runFolder(out);
    // The second time as after a crash at the very end: the last evaluation is done again.
    for (let time = 0; time < 2; time++) {
      const { summary } = await train(config, { out, backend: "wasm" });
      const lines = await readLines(folder.evaluations, parseEvaluationLine);
      assert.deepEqual(
        lines.map(({ iteration, centerCrop }) => [iteration, centerCrop !== null]),
        [[2, true], [4, true], [4, false]],
      );
      const { worn, clean } = lines.at(-1)?.results ?? {};
      assert.equal(worn?.mIoU, summary?.evaluation.mIoU);
      assert.deepEqual(
        worn?.classes.map(({ name, iou }) => ({ name, iou })),
        summary?.evaluation.classes.map(({ name, iou }) => ({ name, iou })),
      );
      assert.deepEqual(worn?.classes[0]?.color, [128, 64, 128]);
      assert(clean);
      await Deno.remove(folder.summary);
    }
    const log = await readLines(folder.log, parseLogLine);
    assert.deepEqual(log.map(({ iteration }) => iteration), [1, 2, 3, 4]);
    for (const { residentBytes = 0, deviceBytes } of log) {
      assert(residentBytes > 1e7 && residentBytes < 1e11, String(residentBytes));
      assert.equal(deviceBytes, undefined); // on a CPU, all memory is the process's
    }
  }));

Deno.test("truncateLines() drops what comes later and what is no line", () =>
  inFolder(async (root) => {
    const file = join(root, "log.jsonl");
    await truncateLines(file, 3); // a file that is not there stays away
    await assert.rejects(Deno.stat(file), Deno.errors.NotFound);
    const kept = '{"iteration":1,"losses":{}}\n{"iteration":3,"losses":{}}\n';
    await Deno.writeTextFile(file, `${kept}{"iteration":4}\nnull\n7\n{"iterat`);
    await truncateLines(file, 3);
    assert.equal(await Deno.readTextFile(file), kept);
  }));

Deno.test("parseLogLine() and parseEvaluationLine() refuse what is no line of theirs", () => {
  const bad = ["", " ", "null", "7", "[]", "{}", '{"iteration":1', '{"iteration":"1"}'];
  for (const text of [...bad, '{"iteration":1,"losses":7}', '{"losses":{"a":1}}']) {
    assert.equal(parseLogLine(text), null, text);
  }
  for (
    const text of [
      ...[...bad, '{"iteration":1,"results":[]}', '{"iteration":1,"results":{"a":null}}'],
      '{"iteration":1,"results":{"a":{"mIoU":1}}}',
      '{"iteration":1,"results":{"a":{"mIoU":1,"classes":[null]}}}',
    ]
  ) {
    assert.equal(parseEvaluationLine(text), null, text);
  }
  const { losses } = parseLogLine('{"iteration":1,"losses":{"a":null,"b":"x","c":2}}') ??
    {};
  assert.deepEqual(losses, { c: 2 });
});

Deno.test("pictureIterations() finds panels, and nothing else", () =>
  inFolder(async (root) => {
    const folder = runFolder(root);
    assert.deepEqual(await pictureIterations(folder), []);
    await Deno.mkdir(folder.pictures);
    for (
      const name of [".000100.png.partial", "000100.png.txt", "x000100.png", "1.png"]
    ) {
      await Deno.writeTextFile(join(folder.pictures, name), "");
    }
    for (const iteration of [1200, 300, 12_345_678]) {
      await Deno.writeTextFile(picturePath(folder, iteration), "");
    }
    assert.deepEqual(await pictureIterations(folder), [300, 1200, 12_345_678]);
  }));

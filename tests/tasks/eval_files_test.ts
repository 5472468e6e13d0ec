// The files of an evaluation cannot be written: nothing is lost but them.
import assert from "node:assert/strict";
import { join } from "node:path";
import { main } from "../../tasks/eval.ts";
import { main as predict } from "../../tasks/predict.ts";
import { tinyImage } from "../data/tiny_folder.ts";
import { assertRefused, call, WASM } from "../support/commands.ts";
import { withRun } from "./trained_run.ts";

Deno.test("eval and predict ask first whether their results can be written", () =>
  withRun(async (checkpoint, folder) => {
    const file = join(folder, "tiny.yaml"); // a file where a folder should be
    const photo = join(folder, "photo.png");
    await Deno.writeFile(photo, tinyImage(1));
    for (const path of ["m.csv", "x/m.png"].map((name) => join(file, name))) {
      const ended = await call(main, checkpoint, "--json", "--confusion", path, ...WASM);
      assertRefused(ended, path, "choose another");
      assert.doesNotMatch(ended.error, /network|image/, "before any work");
    }
    const saved = await call(main, checkpoint, "--save", file, ...WASM);
    assertRefused(saved, file, "choose another");
    assert.doesNotMatch(saved.error, /image/, "before the first picture");
    const predicted = await call(predict, checkpoint, photo, "--out", file, ...WASM);
    assertRefused(predicted, file, "choose another");
    assert.doesNotMatch(predicted.error, /backend/);
  }));

Deno.test("the figures are told although no file can be written in the end", () =>
  withRun(async (checkpoint, folder) => {
    const lost = join(folder, "lost.csv");
    const saved = join(folder, "saved");
    // A folder where the label map of the only picture should be.
    await Deno.mkdir(join(saved, "clean_1000000.png"), { recursive: true });
    const args = [checkpoint, "--split", "clean", "--save", saved, ...WASM];
    const expected = await call(main, checkpoint, "--split", "clean", "--json", ...WASM);

    const { status, out, error } = await call(main, ...args, "--json");
    assert.equal(status, 1);
    assert.equal(out, expected.out);
    assert.match(
      error,
      /Cannot write ".*clean_1000000\.png": [^\n]*\n$/,
      "the failure comes last",
    );
    const table = await call(main, ...args, "--confusion", lost);
    assert.equal(table.status, 1);
    assert.match(table.out, /mIoU, mean accuracy/);
    assert.match(
      await Deno.readTextFile(lost),
      /^true class,/,
      "other files are written",
    );
  }));

Deno.test({
  name: "the figures are told although the disk is full",
  ignore: Deno.build.os !== "linux", // elsewhere there is no device that is always full
  fn: () =>
    withRun(async (checkpoint, folder) => {
      const full = join(folder, "full.csv");
      await Deno.symlink("/dev/full", full);
      const { status, out, error } = await call(
        ...[main, checkpoint, "--confusion", full, "--json", ...WASM] as const,
      );
      assert.equal(status, 1);
      assert.equal(JSON.parse(out).images, 2);
      assert.match(
        error,
        /full\.csv": the disk is full; free some space and run again\n$/,
      );
    }),
});

import assert from "node:assert/strict";
import { join } from "node:path";
import { decodePng } from "../../src/formats/png.ts";
import { main } from "../../tasks/eval.ts";
import { main as train } from "../../tasks/train.ts";
import { CLASSES, tinyFiles, tinyLabel, withFiles } from "../data/tiny_folder.ts";
import { assertRefused, call, tinyFile, WASM } from "../support/commands.ts";
import { withRun } from "./trained_run.ts";

Deno.test("eval repeats the figures of the run, in the promised JSON", () =>
  withRun(async (checkpoint, folder) => {
    const { status, out, error } = await call(main, checkpoint, "--json", ...WASM);
    assert.equal(status, 0, error);
    const summary = JSON.parse(await Deno.readTextFile(join(folder, "run/summary.json")));
    const { split: _split, ...figures } = summary.evaluation;
    const printed = JSON.parse(out);
    assert.deepEqual(printed, figures);
    assert.deepEqual(printed.subsets, []);

    const teacher = await call(main, checkpoint, "--json", "--teacher", ...WASM);
    assert.equal(JSON.parse(teacher.out).mIoU, summary.teacher[0].mIoU);
    assert.match(teacher.error, /teacher after 2 iterations/);
  }));

Deno.test("eval looks at scales, mirrored and through windows, and saves what it saw", () =>
  withRun(async (checkpoint, folder) => {
    const saved = join(folder, "saved");
    const look = ["--scales", "0.75,1", "--flip", "--slide", "--save", saved];
    const { status, out, error } = await call(
      ...[main, checkpoint, "--split", "clean", ...look, ...WASM] as const,
    );
    assert.equal(status, 0, error);
    assert.match(out, /1 images of "clean"/);
    const names = await Array.fromAsync(Deno.readDir(saved), ({ name }) => name);
    assert.deepEqual(names.sort(), ["clean_1000000.png", "clean_1000000_overlay.png"]);
    const file = join(saved, "clean_1000000.png");
    const labels = decodePng(await Deno.readFile(file), file);
    assert.deepEqual([labels.width, labels.height, labels.channels], [48, 32, 1]);
    assert(labels.palette !== null && labels.data.every((id) => id < 10));

    const unknown = await call(main, checkpoint, "--split", "dusk", ...WASM);
    assertRefused(unknown, '"dusk"', "worn, clean");
  }));

const TURNED = await Deno.readFile(
  new URL("../formats/opencv/exif.jpg", import.meta.url),
);

Deno.test("eval measures any split folder, and never writes among a data set's files", () =>
  withFiles({
    ...tinyFiles(["a", "b"]),
    "images/turned/t.jpg": TURNED,
    "labels/turned/t.png": tinyLabel((i) => i % 3, 8, 16),
    ...Object.fromEntries(
      Object.entries(tinyFiles(["street/c"])).map(([path, bytes]) => [
        path.replace("/train/", "/val/"),
        bytes,
      ]),
    ),
  }, async (root) => {
    const file = await tinyFile(root);
    const split = "{train: {split: train}}";
    const sets = [
      `data={kind: folder, cropSize: {height: 32, width: 32}, batchSize: 1, numWorkers: 0, source: {split: train}, evaluations: ${split}}`,
      `data.root=${root}`,
      `data.classes=${JSON.stringify(CLASSES)}`,
    ].flatMap((text) => ["--set", text]);
    const out = join(root, "run");
    const trained = await call(train, file, "--out", out, ...sets, ...WASM);
    assert.equal(trained.status, 0, trained.error);
    const checkpoint = join(out, "last.safetensors");

    const saved = join(root, "saved");
    const val = ["--split", "val", "--save", saved, "--json"];
    const { status, out: json, error } = await call(main, checkpoint, ...val, ...WASM);
    assert.equal(status, 0, error);
    assert.equal(JSON.parse(json).images, 1);
    await Deno.stat(join(saved, "street/c_overlay.png"));

    const turned = ["--split", "turned", "--json"];
    const { out: report } = await call(main, checkpoint, ...turned, ...WASM);
    assert.deepEqual(JSON.parse(report).notes, [
      "1 of the 1 pictures are turned by their EXIF orientation, and labels are read as " +
      "they are stored: look at both with --save",
    ]);

    const among = join(root, "labels", "..", "labels", "val");
    assertRefused(await call(main, checkpoint, "--save", among, ...WASM), among);
    assertRefused(await call(main, checkpoint, "--split", "../x", ...WASM), '"../x"');

    await Deno.writeFile(join(root, "labels/val/street/c.png"), tinyLabel(() => 255));
    const nothing = await call(main, checkpoint, "--split", "val", ...WASM);
    assert.equal(nothing.status, 0);
    assert.match(nothing.out, /mIoU, mean accuracy +– +–/);
    assert.match(
      nothing.out,
      /1 images of "val": no labeled pixels, so there are no scores/,
    );
  }));

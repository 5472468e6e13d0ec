// What people publish of an evaluation, from the command line.
import assert from "node:assert/strict";
import { join } from "node:path";
import { parseConfig, stringifyConfig } from "../../src/config/read.ts";
import { decodePng } from "../../src/formats/png.ts";
import { main } from "../../tasks/eval.ts";
import { main as train } from "../../tasks/train.ts";
import { CITYSCAPES_CLASSES } from "../../src/data/native_classes.ts";
import { zipOf } from "../data/archives.ts";
import {
  cityscapesFiles,
  HEIGHT,
  synthiaFiles,
  WIDTH,
  within,
} from "../data/native/trees.ts";
import { withFiles } from "../data/tiny_folder.ts";
import { assertRefused, call, tinyFile, WASM } from "../support/commands.ts";
import { inFolder } from "../support/files.ts";
import { tinyNativeRun } from "../support/tiny_run.ts";

const CITY = stringifyConfig(
  parseConfig(tinyNativeRun("cityscapes, split: train"), "city.yaml", [
    "iterations=1",
    "data.target=",
    "data.rareClassSampling=",
    "optimizer={ warmupIterations: 0 }",
    "method={ name: supervised }",
  ]),
);

async function withCity(use: (checkpoint: string, root: string) => Promise<void>) {
  await withFiles(within("cityscapes", cityscapesFiles()), async (root) => {
    const out = join(root, "run");
    const set = ["--set", `data.root=${root}`];
    const file = await tinyFile(root, CITY);
    const { status, error } = await call(train, file, ...set, "--out", out, ...WASM);
    assert.equal(status, 0, error);
    await use(join(out, "last.safetensors"), root);
  });
}

Deno.test("eval counts what is taken for what, and writes it as asked", () =>
  withCity(async (checkpoint, root) => {
    const [csv, png] = [join(root, "new/matrix.csv"), join(root, "new/matrix.png")];
    const files = ["--confusion", csv, "--confusion", png];
    const more = [
      "--matrix",
      "--trimap",
      "2",
      "--subset",
      "synthia-16",
      "--subset",
      "car",
    ];
    const { status, out, error } = await call(
      ...[main, checkpoint, "--json", ...files, ...more, ...WASM] as const,
    );
    assert.equal(status, 0, error);
    const { confusion, images, subsets, trimap, classes, ...all } = JSON.parse(out);
    assert.equal(images, 2);
    const sum = (row: number[]) => row.reduce((a, b) => a + b, 0);
    // A quarter of each label is ignored, see trees.ts.
    assert.equal(sum(confusion.map(sum)), 2 * HEIGHT * WIDTH * 3 / 4);
    const lines = (await Deno.readTextFile(csv)).split("\r\n");
    assert.equal(
      lines[0],
      `true class,${classes.map((one: { name: string }) => one.name)}`,
    );
    assert.equal(lines[1], `road,${confusion[0]}`);
    const picture = decodePng(await Deno.readFile(png), png);
    assert(picture.width > 19 * 8 && picture.height > 19 * 8);

    const [sixteen, car] = subsets;
    assert.deepEqual([sixteen.classes.length, car.classes], [16, ["car"]]);
    const occurring = classes.filter((one: { iou: number | null }) => one.iou !== null);
    const mean = sum(occurring.map((one: { iou: number }) => one.iou)) / occurring.length;
    assert(Math.abs(all.mIoU - mean) < 1e-12);
    assert.equal(trimap.pixels, 2);
    assert(all.frequencyWeightedIoU >= 0 && all.meanAccuracy >= 0);

    const table = await call(main, checkpoint, ...more, ...WASM);
    assert.match(table.out, /synthia-16: mIoU, mean accuracy/);
    assert.match(table.out, /trimap 2: mIoU/);
    assert.match(table.out, /% of true class predicted as/);
  }));

Deno.test("train ends with the means for SYNTHIA that eval finds", async () => {
  const files = {
    ...within("cityscapes", cityscapesFiles()),
    ...within("synthia", synthiaFiles()),
  };
  await withFiles(files, async (root) => {
    const out = join(root, "run");
    const sets = ["data.source={set: synthia}", `data.root=${root}`]
      .flatMap((set) => ["--set", set]);
    const args = [await tinyFile(root, CITY), ...sets, "--out", out, ...WASM];
    const trained = await call(train, ...args);
    assert.equal(trained.status, 0, trained.error);
    const measured = await call(main, join(out, "last.safetensors"), ...WASM);
    const table = (text: string) => text.split("\n").filter((line) => /\d$/.test(line));
    const rows = table(trained.out).filter((line) => line.startsWith("synthia-"));
    assert.equal(rows.length, 2, trained.out);
    assert.deepEqual(table(measured.out).filter((row) => rows.includes(row)), rows);

    const json = await call(main, join(out, "last.safetensors"), "--json", ...WASM);
    const summary = JSON.parse(await Deno.readTextFile(join(out, "summary.json")));
    assert.deepEqual(summary.evaluation.subsets, JSON.parse(json.out).subsets);
    const again = await call(train, ...args);
    assert.match(again.out, /synthia-13: mIoU, mean accuracy/);
  });
});

Deno.test("eval writes label ids for the server of Cityscapes, and nothing beside them", () =>
  withCity(async (checkpoint, root) => {
    const saved = join(root, "saved");
    const plain = join(root, "plain");
    const save = (folder: string, ...more: string[]) =>
      call(main, checkpoint, "--save", folder, ...more, ...WASM);
    assert.equal((await save(saved, "--ids", "labelIds")).status, 0);
    assert.equal((await save(plain)).status, 0);
    const read = async (folder: string) => {
      const file = join(folder, "ulm/ulm_000000_000019.png");
      return decodePng(await Deno.readFile(file), file);
    };
    const names = await Array.fromAsync(
      Deno.readDir(join(saved, "ulm")),
      ({ name }) => name,
    );
    assert.deepEqual(names, ["ulm_000000_000019.png"]);
    const [ids, classes] = [await read(saved), await read(plain)];
    assert.deepEqual(
      [ids.width, ids.height, ids.channels, ids.palette],
      [WIDTH, HEIGHT, 1, null],
    );
    const table = new Map([[0, 7], [2, 11], [10, 23], [13, 26], [18, 33]]);
    classes.data.forEach((id, i) => {
      const expected = table.get(id);
      assert(CITYSCAPES_CLASSES[id] !== undefined);
      if (expected !== undefined) assert.equal(ids.data[i], expected);
    });
    assertRefused(await call(main, checkpoint, "--ids", "labelIds", ...WASM), "--save");
  }));

Deno.test("eval keeps what is where in archives in the cache folder, as training does", () => {
  const archives: Record<string, Uint8Array> = {};
  for (const kind of ["leftImg8bit", "gtFine"]) {
    const own = Object.entries(cityscapesFiles()).filter(([path]) =>
      path.startsWith(kind)
    );
    archives[`cityscapes/${kind}.zip`] = zipOf(Object.fromEntries(own));
  }
  const moved = within("moved", archives);
  return withFiles({ ...archives, ...moved }, async (root) => {
    const kept = async (folder: string) =>
      (await Array.fromAsync(Deno.readDir(folder), ({ name }) => name))
        .filter((name) => /^archive_index_[0-9a-f]{16}\.json$/.test(name));
    const [first, second] = [join(root, "cache"), join(root, "other")];
    const [file, out] = [await tinyFile(root, CITY), join(root, "run")];
    const places = ["--set", `data.root=${root}`, "--out", out, "--cache", first];
    const trained = await call(train, file, ...places, ...WASM);
    assert.equal(trained.status, 0, trained.error);
    assert.equal((await kept(first)).length, 2);

    const set = ["--set", `data.root=${join(root, "moved")}`, "--cache", second];
    const checkpoint = join(out, "last.safetensors");
    const { status, error } = await call(main, checkpoint, ...set, ...WASM);
    assert.equal(status, 0, error);
    assert.equal((await kept(second)).length, 2);
  });
});

Deno.test("eval says what it cannot measure or write", () =>
  inFolder(async (folder) => {
    const out = join(folder, "run");
    assert.equal(
      (await call(train, await tinyFile(folder), "--out", out, ...WASM)).status,
      0,
    );
    const checkpoint = join(out, "last.safetensors");
    const refused = async (culprits: string[], ...args: string[]) =>
      assertRefused(await call(main, checkpoint, ...args, ...WASM), ...culprits);
    await refused(['"raod"', '"road"'], "--subset", "raod,sky");
    await refused(['"synthia-99"', '"synthia-16"'], "--subset", "synthia-99");
    await refused(['"sidewalk"'], "--subset", "synthia-16");
    await refused(['"trimap" must be', "1 or more"], "--trimap", "0");
    await refused(["matrix.txt", ".csv"], "--confusion", "matrix.txt");
    await refused(["19 training classes"], "--save", folder, "--ids", "labelIds");
  }));

Deno.test("eval finds the same whatever the batch size and the number of workers", () =>
  withCity(async (checkpoint) => {
    const figures = async (...sets: string[]) => {
      const set = sets.flatMap((one) => ["--set", one]);
      const { out, status, error } = await call(
        ...[main, checkpoint, ...set, "--json", "--matrix", ...WASM] as const,
      );
      assert.equal(status, 0, error);
      return out;
    };
    const expected = await figures();
    assert.equal(await figures("data.batchSize=2", "data.numWorkers=2"), expected);
    assert.equal(await figures("data.numWorkers=1"), expected);
  }));

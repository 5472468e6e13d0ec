// A run with lists of images goes on, and is evaluated, wherever its folder is moved.
import assert from "node:assert/strict";
import { join } from "node:path";
import { loadConfig, parseConfig, stringifyConfig } from "../../src/config/read.ts";
import type { RunConfig } from "../../src/config/schema.ts";
import { runFolder } from "../../src/train/run_files.ts";
import { assertSameRun, readLists, writeLists } from "../../src/train/run_folder.ts";
import { main as evaluate } from "../../tasks/eval.ts";
import { main as train } from "../../tasks/train.ts";
import { CLASSES, tinyFiles, withFiles } from "../data/tiny_folder.ts";
import { call, TINY, WASM } from "../support/commands.ts";

const STEMS = ["a", "b", "c", "d", "e"];

const data = (root: string, source: string, val: string) => ({
  kind: "folder",
  root: join(root, "data"),
  classes: CLASSES,
  source: { split: "train", list: source },
  evaluations: { val: { split: "train", list: val } },
  cropSize: { height: 32, width: 32 },
  batchSize: 1,
  numWorkers: 0,
});

const configText = (root: string, source: string, val: string) =>
  TINY.replace(
    /^data:\n( .*\n)*/m,
    `data: ${JSON.stringify(data(root, source, val))}\n`,
  );

/** A data set, and two lists beside a configuration in another folder. */
const FILES = {
  ...Object.fromEntries(
    Object.entries(tinyFiles(STEMS)).map(([path, bytes]) => [`data/${path}`, bytes]),
  ),
  "work/few.txt": "a\nb\n",
  "work/parts/val.txt": "c\nd\ne",
};

const listsOf = ({ data }: RunConfig) =>
  data.kind === "embedded" ? assert.fail() : [
    data.source.list,
    ...Object.values(data.evaluations).map(({ list }) => list),
  ];

async function summaryOf(run: string): Promise<{ evaluation: { mIoU: number } }> {
  return JSON.parse(await Deno.readTextFile(join(run, "summary.json")));
}

Deno.test("train() and eval find the lists of a run that was moved without anything else", async () => {
  await withFiles(FILES, async (root) => {
    const file = join(root, "work/tiny.yaml");
    const run = join(root, "work/run");
    await Deno.writeTextFile(file, configText(root, "few.txt", "parts/val.txt"));
    const first = await call(train, file, "--out", run, ...WASM);
    assert.equal(first.status, 0, first.error);
    const { evaluation } = await summaryOf(run);
    const config = await loadConfig(file);
    assert.deepEqual(listsOf(config), ["few.txt", "parts/val.txt"]);

    await Deno.mkdir(join(root, "elsewhere"));
    const moved = join(root, "elsewhere/moved");
    await Deno.rename(run, moved);
    await Deno.remove(join(root, "work"), { recursive: true });
    assert.equal(
      await Deno.readTextFile(join(moved, "lists/parts/val.txt")),
      FILES["work/parts/val.txt"],
    );
    const evaluated = await call(evaluate, join(moved, "last.safetensors"), ...WASM);
    assert.equal(evaluated.status, 0, evaluated.error);

    // The run goes on after its last iteration: it opens its data and is evaluated again.
    for (const name of ["config.yaml", "copy.yaml"]) {
      await Deno.remove(join(moved, "summary.json"));
      if (name === "copy.yaml") {
        // Without the folder in which the lists once were, as an older run has it.
        const text = await Deno.readTextFile(join(moved, "config.yaml"));
        await Deno.writeTextFile(
          join(root, name),
          text.replace(/^ +listFolder: .*\n/m, ""),
        );
      }
      const config = name === "copy.yaml" ? join(root, name) : join(moved, name);
      const again = await call(train, config, "--out", moved, ...WASM);
      assert.equal(again.status, 0, again.error);
      assert.equal((await summaryOf(moved)).evaluation.mIoU, evaluation.mIoU);
    }
  });
});

Deno.test("train() and eval take whole paths of lists, as earlier versions stored them", async () => {
  await withFiles(FILES, async (root) => {
    const [few, val] = [join(root, "work/few.txt"), join(root, "work/parts/val.txt")];
    const file = join(root, "work/tiny.yaml");
    const run = join(root, "run");
    await Deno.writeTextFile(file, configText(root, few, val));
    assert.equal((await call(train, file, "--out", run, ...WASM)).status, 0);
    const checkpoint = join(run, "last.safetensors");
    assert.equal((await call(evaluate, checkpoint, ...WASM)).status, 0);

    // The same run, by a configuration of today.
    await Deno.writeTextFile(file, configText(root, "few.txt", "parts/val.txt"));
    await Deno.remove(join(run, "summary.json"));
    const again = await call(train, file, "--out", run, ...WASM);
    assert.equal(again.status, 0, again.error);

    // The lists are gone from where they were; their copies are not.
    await Deno.remove(join(root, "work"), { recursive: true });
    const later = await call(evaluate, checkpoint, ...WASM);
    assert.equal(later.status, 0, later.error);
  });
});

Deno.test("train() with --fresh keeps the lists of a configuration in the run's folder", async () => {
  await withFiles(FILES, async (root) => {
    const file = join(root, "work/tiny.yaml");
    const run = join(root, "run");
    await Deno.writeTextFile(file, configText(root, "few.txt", "parts/val.txt"));
    assert.equal((await call(train, file, "--out", run, ...WASM)).status, 0);
    await Deno.remove(join(root, "work"), { recursive: true });
    const config = join(run, "config.yaml");
    const fresh = await call(train, config, "--out", run, "--fresh", ...WASM);
    assert.equal(fresh.status, 0, fresh.error);
    assert.equal(await Deno.readTextFile(join(run, "lists/few.txt")), "a\nb\n");
  });
});

Deno.test("assertSameRun() compares lists by name where one is a whole path", () => {
  const of = (source: string, listFolder: string | null) =>
    parseConfig(
      configText("/r", source, "val.txt").replace(
        '"kind":"folder"',
        `"kind":"folder","listFolder":${JSON.stringify(listFolder)}`,
      ),
      "test",
    );
  assertSameRun("run", of("/old/few.txt", null), of("lists/few.txt", "configs"));
  assertSameRun("run", of("few.txt", "a"), of("few.txt", "b"));
  for (const other of ["/old/many.txt", "lists/few.txt"]) {
    assert.throws(
      () => assertSameRun("run", of("few.txt", null), of(other, null)),
      /it has other values of data\.source\.list; choose another folder/,
    );
  }
  assert.deepEqual(
    parseConfig(stringifyConfig(of("few.txt", "a")), "again"),
    of("few.txt", "a"),
  );
});

Deno.test("a moved run finds each of several lists of one name", async () => {
  const files = { ...FILES, "work/a/list.txt": "a\nb\n", "work/b/list.txt": "c\nd\ne" };
  for (const prefix of ["ROOT/work/", "../work/"]) {
    await withFiles(files, async (root) => {
      const [a, b] = ["a", "b"].map((name) =>
        `${prefix.replace("ROOT", root)}${name}/list.txt`
      );
      await Deno.mkdir(join(root, "configs"));
      const file = join(root, "configs/tiny.yaml");
      await Deno.writeTextFile(file, configText(root, a ?? "", b ?? ""));
      const run = join(root, "run");
      const first = await call(train, file, "--out", run, ...WASM);
      assert.equal(first.status, 0, first.error);
      const { evaluation } = await summaryOf(run);
      for (const folder of ["configs", "work"]) {
        await Deno.remove(join(root, folder), { recursive: true });
      }
      await Deno.mkdir(join(root, "elsewhere"));
      const moved = join(root, "elsewhere/moved");
      await Deno.rename(run, moved);
      const evaluated = await call(evaluate, join(moved, "last.safetensors"), ...WASM);
      assert.equal(evaluated.status, 0, evaluated.error);
      await Deno.remove(join(moved, "summary.json"));
      const config = join(moved, "config.yaml");
      const again = await call(train, config, "--out", moved, ...WASM);
      assert.equal(again.status, 0, again.error);
      assert.equal((await summaryOf(moved)).evaluation.mIoU, evaluation.mIoU);
    });
  }
});

Deno.test("train() says which list has changed since the run began", async () => {
  await withFiles(FILES, async (root) => {
    const file = join(root, "work/tiny.yaml");
    const run = join(root, "run");
    await Deno.writeTextFile(file, configText(root, "few.txt", "parts/val.txt"));
    assert.equal((await call(train, file, "--out", run, ...WASM)).status, 0);
    for (const [list, expected] of [["a\nb\n", false], ["b\na\nc\n", true]] as const) {
      await Deno.writeTextFile(join(root, "work/few.txt"), list);
      await Deno.remove(join(run, "summary.json"));
      const args = [file, "--out", run, "--accept-changed-data", ...WASM];
      const { status, out, error } = await call(train, ...args);
      assert.equal(status, 0, error);
      const said = /the list copied to ".*few\.txt" has changed/.test(out + error);
      assert.equal(said, expected, out + error);
    }
    assert.equal(await Deno.readTextFile(join(run, "lists/few.txt")), "b\na\nc\n");
    assert.deepEqual(await writeLists(new Map([[join(run, "lists/new.txt"), "a"]])), []);
  });
});

Deno.test("readLists() gives every list a copy of its own", async () => {
  const files = { "a/list.txt": "1", "b/list.txt": "2", "c/other.txt": "3" };
  await withFiles(files, async (root) => {
    const folder = runFolder(join(root, "run"));
    const spec = (list: string) =>
      ({ kind: "native", set: "gta5", root, list, labeled: true }) as const;
    const texts = await readLists(folder, [
      spec(join(root, "a/list.txt")),
      spec(join(root, "b/list.txt")),
      spec("c/other.txt"),
      null,
    ]);
    assert.deepEqual([...texts.values()], ["1", "2", "3"]);
    const relative = [...texts.keys()].map((path) => path.slice(folder.lists.length + 1));
    assert.match(relative[0] ?? "", /^[0-9a-f]{8}\/list\.txt$/);
    assert.equal(relative[2], "c/other.txt");
  });
});

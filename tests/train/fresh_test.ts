// Starting over: the old run is put aside only when the new one has begun.
import assert from "node:assert/strict";
import { join } from "node:path";
import { lockRunFolder } from "../../src/train/run_lock.ts";
import { train } from "../../src/train/train.ts";
import { tinyConfig } from "../support/commands.ts";
import { inFolder, namesIn, onTinyDisk } from "../support/files.ts";

const ONE = tinyConfig("iterations=1");

const FAILURES: Readonly<Record<string, readonly string[]>> = {
  "weights that are missing": ["model.pretrained=/nowhere/weights.safetensors"],
  "a data set that is missing": [
    "data={kind: native, root: /nowhere, source: {set: voc, split: train}, " +
    "evaluations: {val: {set: voc, split: val}}, cropSize: {height: 32, width: 32}}",
  ],
};

for (const [what, overrides] of Object.entries(FAILURES)) {
  Deno.test(`train() with "fresh" and ${what} leaves the old run in its place [wasm]`, () =>
    inFolder(async (folder) => {
      const out = join(folder, "run");
      await train(ONE, { out, backend: "wasm" });
      const before = await namesIn(out);
      await assert.rejects(
        train(tinyConfig(...overrides), { out, backend: "wasm", fresh: true }),
      );
      assert.deepEqual(await namesIn(folder), ["run"]);
      assert.deepEqual(await namesIn(out), before);
      const { status } = await train(ONE, { out, backend: "wasm" });
      assert.equal(status, "already finished");
    }));
}

Deno.test({
  name: 'train() with "fresh" on a full disk leaves the old run in its place [wasm]',
  ignore: !await onTinyDisk(64, async () => {}),
  async fn() {
    await onTinyDisk(4096, async (disk) => {
      const out = join(disk, "run");
      await train(ONE, { out, backend: "wasm", cache: join(out, "cache") });
      await Deno.mkdir(join(out, "cache"), { recursive: true });
      const before = await namesIn(out);
      const filler = await Deno.open(join(disk, "filler"), { write: true, create: true });
      await assert.rejects(async () => {
        for (;;) await filler.write(new Uint8Array(4096));
      });
      const { size } = await filler.stat();
      for (
        const [room, culprit] of [[0, '"run"'], [4096, '"run/config.yaml"']] as const
      ) {
        await filler.truncate(size - room); // a page holds the lock
        const started = train(tinyConfig("iterations=2"), {
          ...{ out, backend: "wasm", fresh: true },
        });
        const said = await started.then(() => "", ({ message }: Error) => message);
        assert.match(said.replace(`${disk}/`, ""), /the disk is full/);
        assert.ok(said.replace(`${disk}/`, "").includes(culprit), said);
        assert.deepEqual(await namesIn(disk), ["filler", "run"]);
        assert.deepEqual(await namesIn(out), before, culprit);
      }
      filler.close();
    });
  },
});

Deno.test("RunLock.moveFolderBack() restores the folder, and goes on with its lock", () =>
  inFolder(async (folder) => {
    const out = join(folder, "run");
    await Deno.mkdir(out);
    await Deno.writeTextFile(join(out, "old"), "");
    {
      await using lock = await lockRunFolder(out);
      await lock.moveFolder(`${out}.old1`);
      await Deno.writeTextFile(join(out, "new"), "");
      await lock.moveFolderBack(`${out}.old1`);
      await assert.rejects(lockRunFolder(out), /another call in this process/);
    }
    assert.deepEqual(await namesIn(folder), ["run"]);
    assert.deepEqual(await namesIn(out), ["old"]);
  }));

Deno.test('train() with "fresh" keeps the old run under a new name and starts over [wasm]', () =>
  inFolder(async (folder) => {
    const out = join(folder, "run");
    await train(ONE, { out, backend: "wasm" });
    const starts: number[] = [];
    const { status } = await train(tinyConfig("iterations=2"), {
      ...{ out, backend: "wasm", fresh: true },
      observer: { start: (_, iteration) => void starts.push(iteration) },
    });
    assert.equal(status, "finished");
    assert.deepEqual(starts, [0]);
    assert.deepEqual(await namesIn(folder), ["run", "run.old1"]);
    assert((await namesIn(join(folder, "run.old1"))).includes("last.safetensors"));
  }));

Deno.test('train() with "fresh" does not move a folder that is no run [wasm]', () =>
  inFolder(async (folder) => {
    const out = join(folder, "thesis");
    await Deno.mkdir(out);
    await Deno.writeTextFile(join(out, "chapter1.tex"), "");
    await assert.rejects(
      train(ONE, { out, backend: "wasm", fresh: true }),
      /thesis.* holds "chapter1.tex" and is not the folder of a run/,
    );
    assert.deepEqual(await namesIn(folder), ["thesis"]);
    assert.deepEqual(await namesIn(out), ["chapter1.tex"]);
  }));

Deno.test('train() with "fresh" uses an empty folder [wasm]', () =>
  inFolder(async (folder) => {
    const { status } = await train(ONE, { out: folder, backend: "wasm", fresh: true });
    assert.equal(status, "finished");
  }));

// Starting over: the old run is put aside only when the new one has begun.
import assert from "node:assert/strict";
import { join } from "node:path";
import { train } from "../../src/train/train.ts";
import { tinyConfig } from "../support/commands.ts";
import { inFolder, namesIn } from "../support/files.ts";

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

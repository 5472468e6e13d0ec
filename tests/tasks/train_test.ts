import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { loadCheckpoint } from "../../src/weights/checkpoint_file.ts";
import { main } from "../../tasks/train.ts";
import { call, tinyFile, WASM } from "../support/commands.ts";
import { inFolder } from "../support/files.ts";

const TASK = fileURLToPath(new URL("../../tasks/train.ts", import.meta.url));

Deno.test("train leaves everything that a run promises, and goes on only once", () =>
  inFolder(async (folder) => {
    const out = join(folder, "run");
    const args = [
      await tinyFile(folder),
      "--out",
      out,
      "--set",
      "logging.imageInterval=2",
    ];
    const first = await call(main, ...args, ...WASM);
    assert.equal(first.status, 0, first.error);
    assert.match(first.out, /mIoU, mean accuracy/);
    assert.match(first.error, /estimated peak \S+ kB of device memory \(weights/);
    assert.match(first.error, /iteration 2\/2 {2}done.* {2}source \d/);
    const files = await Array.fromAsync(Deno.readDir(out), ({ name }) => name);
    assert.deepEqual(files.sort(), [
      "best.safetensors",
      "config.yaml",
      "curves.png",
      "evaluations.jsonl",
      "last.safetensors",
      "log.jsonl",
      "pictures",
      "summary.json",
    ]);
    const summary = JSON.parse(await Deno.readTextFile(join(out, "summary.json")));
    assert.equal(summary.evaluation.split, "worn");
    assert.equal(summary.evaluation.images, 2);
    assert.equal(summary.teacher.length, 2);
    assert.equal(summary.backend, "wasm");

    const again = await call(main, ...args, ...WASM, "--json");
    assert.equal(again.status, 0);
    assert.match(again.error, /is already finished; its result/);
    assert.deepEqual(JSON.parse(again.out), summary);

    const other = await call(main, ...args, ...WASM, "--seed", "4");
    assert.equal(other.status, 1);
    assert.match(other.error, /other values of seed; choose another folder with --out/);

    const fresh = await call(main, ...args, ...WASM, "--seed", "4", "--fresh");
    assert.equal(fresh.status, 0, fresh.error);
    assert.match(fresh.error, /the old run is now in .*run\.old1/);
    const { metadata } = await loadCheckpoint(join(`${out}.old1`, "last.safetensors"));
    assert.equal((metadata.config as { seed: number }).seed, 3);
  }));

Deno.test("train suggests the option that was meant", async () => {
  const { status, error } = await call(main, "--iteratons", "3");
  assert.equal(status, 2);
  assert.match(error, /--iterations/);
});

Deno.test({
  name: "Ctrl-C saves, and the same command goes on to the end",
  ignore: Deno.build.os === "windows", // no such signal there
  fn: () =>
    inFolder(async (folder) => {
      const out = join(folder, "run");
      // Nothing is logged or saved on the way: the signal must be heard all the same.
      const rare = [
        "--set",
        "logging={interval: 500, imageInterval: 0, checkpointInterval: 0}",
      ];
      const args = [await tinyFile(folder), "--out", out, "--iterations", "80", ...rare];
      const child = new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", "--no-check", TASK, ...args, ...WASM],
        stdout: "null",
        stderr: "piped",
      }).spawn();
      const started = () => Deno.stat(join(out, "config.yaml")).catch(() => null);
      while (await started() === null) await new Promise((next) => setTimeout(next, 5));
      child.kill("SIGINT");
      const { code: status, stderr } = await child.output();
      const first = { status, error: new TextDecoder().decode(stderr) };
      assert.equal(first.status, 130, first.error);
      assert.match(first.error, /Interrupted: finishing/);
      const { metadata } = await loadCheckpoint(join(out, "last.safetensors"));
      assert(metadata.iteration > 0 && metadata.iteration < 80, `${metadata.iteration}`);

      const second = await call(main, ...args, ...WASM);
      assert.equal(second.status, 0, second.error);
      assert.match(second.error, /resuming {3}at iteration \d+ of 80/);
    }),
});

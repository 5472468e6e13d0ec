// Commands run with the least rights, and say which one is missing.
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { encodePng } from "../../src/formats/png.ts";
import { tinyFile } from "../support/commands.ts";
import { inFolder } from "../support/files.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const { tasks }: { tasks: Record<string, string> } = JSON.parse(
  await Deno.readTextFile(join(ROOT, "deno.json")),
);

Deno.test("no task may use the network but those that are for it", () => {
  const tasksWith = (right: RegExp) =>
    Object.entries(tasks).flatMap(([name, line]) => right.test(line) ? [name] : []);
  const online = ["train:net", "eval:net", "download", "prepare:net"];
  assert.deepEqual(tasksWith(/--allow-net(?!\S)/), online);
  // The page of runs is served to this machine alone.
  assert.deepEqual(tasksWith(/--allow-net=127\.0\.0\.1(?!\S)/), ["train", "ui"]);
  assert.deepEqual(tasksWith(/--allow-net/).length, online.length + 2);
});

/** Runs a task with some rights. */
async function run(rights: string, ...args: string[]) {
  const { code, stderr, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--no-check", ...rights.split(" "), ...args],
    cwd: ROOT,
    env: { FST_NATIVE: "off", FST_THREADS: "1" },
  }).output();
  const [error = "", out = ""] = [stderr, stdout].map((one) =>
    new TextDecoder().decode(one)
  );
  return { code, out, error };
}

const WASM = ["--backend", "wasm"];

Deno.test("train and eval work without rights that they do not need", () =>
  inFolder(async (folder) => {
    const out = join(folder, "run");
    const file = await tinyFile(folder);
    const least = `--allow-read --allow-write=${folder} --allow-env`;
    const trained = await run(least, "tasks/train.ts", file, "--out", out, ...WASM);
    assert.equal(trained.code, 0, trained.error);
    const checkpoint = join(out, "last.safetensors");
    const scored = await run(
      "--allow-read --allow-env",
      ...["eval.ts", checkpoint, ...WASM],
    );
    assert.equal(scored.code, 0, scored.error);
    assert.match(scored.out, /mIoU/);
  }));

Deno.test("init works without rights that it does not need", () =>
  inFolder(async (folder) => {
    const picture = (channels: number, value: (i: number) => number) =>
      encodePng({
        ...{ width: 32, height: 32, channels },
        data: Uint8Array.from({ length: 1024 * channels }, (_, i) => value(i)),
      });
    for (const name of ["a", "b"]) {
      await Deno.writeFile(join(folder, `${name}.png`), picture(3, (i) => i * 37 % 251));
      await Deno.writeFile(join(folder, `${name}_mask.png`), picture(1, (i) => i % 2));
    }
    const { code, out, error } = await run(
      "--allow-read --allow-write --allow-env --allow-ffi",
      ...["tasks/init.ts", folder, "--out", join(folder, "out", "my.yaml"), ...WASM],
    );
    assert.equal(code, 0, error);
    assert.match(out, /1 to train on, 1 to evaluate on/);
  }));

Deno.test("a right that is missing is named in a sentence", () =>
  inFolder(async (folder) => {
    const file = await tinyFile(folder);
    const said = async (rights: string, ...args: string[]) => {
      const { code, error } = await run(rights, "tasks/train.ts", ...args, ...WASM);
      assert.equal(code, 1);
      return error.trim().split("\n").at(-1)?.replaceAll(folder, "DIR");
    };
    assert.equal(
      await said("--allow-read", file),
      "Cannot start: this program has no env access: run with --allow-env",
    );
    assert.equal(
      await said("--allow-env --allow-read", file, "--out", join(folder, "run")),
      'Cannot write into "DIR/run": this program has no write access to it: run with ' +
        "--allow-write; choose another folder with --out",
    );
    const data = "{kind: native, root: 'http://127.0.0.1:8999/x.tar', source: " +
      "{set: camvid, split: train}, evaluations: {val: {set: camvid, split: val}}, " +
      "cropSize: {height: 32, width: 32}}";
    assert.equal(
      await said(
        "--allow-env --allow-read --allow-write",
        ...[file, "--out", join(folder, "run"), "--set", `data=${data}`],
        ...["--set", "data.source.root=http://127.0.0.1:8999/x.tar"],
      ),
      'Cannot read "http://127.0.0.1:8999/x.tar": this program may not use the network: ' +
        'run "deno task train:net" in place of it',
    );
  }));

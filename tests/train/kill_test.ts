// A run that is killed again and again, at random moments, among them some at which two
// processes want its folder, ends with the same bits as one that was left alone.
import assert from "node:assert/strict";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { createRandom } from "../../src/core/random.ts";
import { pathExists } from "../../src/train/run_folder.ts";
import { readSafetensors } from "../../src/weights/safetensors_file.ts";
import { namesIn } from "../support/files.ts";
import { NATIVE_LIBRARY } from "../support/mod.ts";
import { tinyRun } from "../support/tiny_run.ts";

const TASK = fileURLToPath(new URL("../../tasks/train.ts", import.meta.url));
const KILLS = 20;
const ITERATIONS = 120;
// A checkpoint is written every iteration.

type Start = (config: string, out: string) => Deno.ChildProcess;

const startWith = (native: string): Start => (config, out) =>
  new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--no-check", TASK, config, "--out", out, "--backend", "wasm"],
      ...["--native", native, "--threads", "1"],
    ],
    stdout: "null",
    stderr: "piped",
  }).spawn();

/** @returns The time until the first checkpoint and until the end, in ms. */
async function finish(start: Start, config: string, out: string) {
  const from = performance.now();
  const child = start(config, out);
  const output = child.output();
  let [hasEnded, first] = [false, NaN];
  const watch = async () => {
    while (!hasEnded && !await pathExists(join(out, "last.safetensors"))) await delay(20);
    first = performance.now() - from;
  };
  const [{ code, stderr }] = await Promise.all([
    output.finally(() => hasEnded = true),
    watch(),
  ]);
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  return { first, total: performance.now() - from };
}

const NAME = "a run that is killed at twenty random moments resumes to the same bits";

Deno.test(`${NAME} [wasm]`, () => assertSurvives(startWith("off")));

Deno.test({
  name: `${NAME} [native]`,
  ignore: NATIVE_LIBRARY === null,
  fn: () => assertSurvives(startWith(NATIVE_LIBRARY ?? "")),
});

async function assertSurvives(start: Start): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    const config = join(folder, "tiny.yaml");
    const method = "{ name: self-training, lookAhead: { depth: 1 } }";
    await Deno.writeTextFile(config, tinyRun(ITERATIONS, method));
    const [straight, killed] = [join(folder, "straight"), join(folder, "killed")];
    const checkpoint = join(killed, "last.safetensors");
    // On any machine: some before the first iteration, and none gets further than a tenth.
    const { first, total } = await finish(start, config, straight);
    const [earliest, latest] = [first / 2, first + (total - first) / 10];
    const random = createRandom(Date.now() % 1e9, "kill");
    let kills = 0;
    let isDone = false;
    while (kills < KILLS && !isDone) {
      const processes = [start(config, killed)];
      if (kills % 4 === 3) processes.push(start(config, killed)); // a rival
      const outputs = processes.map((child) => child.output());
      const wait = earliest + (latest - earliest) * random.uniform();
      const timer = setTimeout(() => {
        for (const child of processes) {
          try {
            child.kill("SIGKILL");
          } catch {
            // it has ended
          }
        }
      }, wait);
      for (const output of outputs) {
        const { code, signal, stderr } = await output;
        const error = new TextDecoder().decode(stderr);
        if (signal !== null) kills++;
        else if (code === 0) isDone = true; // before the moment came
        else assert.match(error, /^Cannot train in ".*": .* is doing so/m);
      }
      clearTimeout(timer);
      if (await pathExists(checkpoint)) await readSafetensors(checkpoint);
    }
    assert.ok(kills > KILLS / 2, `only ${kills} kills came in time`);
    await finish(start, config, killed);

    const of = async (out: string) =>
      await readSafetensors(join(out, "last.safetensors"));
    const [a, b] = [await of(straight), await of(killed)];
    assert.deepEqual([...b.tensors.keys()], [...a.tensors.keys()]);
    for (const [name, tensor] of a.tensors) {
      assert.deepEqual(b.tensors.get(name)?.bytes, tensor.bytes, name);
    }
    const lines = async (out: string) =>
      (await Deno.readTextFile(join(out, "log.jsonl"))).trim().split("\n")
        .map((line) => JSON.parse(line) as { iteration: number; losses: unknown })
        .map(({ iteration, losses }) => ({ iteration, losses }));
    assert.deepEqual(await lines(killed), await lines(straight));
    const hidden = (await namesIn(killed)).filter((name) => name.startsWith("."));
    assert.deepEqual(hidden, [], "no draft and no lock is left");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

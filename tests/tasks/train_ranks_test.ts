// What ends a training of ranks, and how it goes on; what goes wrong is said once.
import assert from "node:assert/strict";
import { join } from "node:path";
import { parseConfig, stringifyConfig } from "../../src/config/read.ts";
import { pathExists } from "../../src/train/run_folder.ts";
import { loadCheckpoint } from "../../src/weights/checkpoint_file.ts";
import { main } from "../../tasks/train.ts";
import { call, TINY, tinyFile, WASM } from "../support/commands.ts";
import { inFolder, onTinyDisk } from "../support/files.ts";
import { onRanks, type RankProcesses, startRanks } from "../support/mpi.ts";

const TASK = new URL("../../tasks/train.ts", import.meta.url);

/** A run of some seconds, with a checkpoint every other iteration. */
const RUN = stringifyConfig(parseConfig(TINY, "tiny.yaml", [
  "iterations=60",
  "data.batchSize=4",
  "method={name: self-training, teacher: {emaDecay: 0.9}}",
  "optimizer={name: sgd, learningRate: 0.01, warmupIterations: 2}",
  "logging.checkpointInterval=2",
]));

const start = (size: number, ...args: string[]): RankProcesses =>
  startRanks(size, TASK, [...args, ...WASM, "--distributed"]);

/** The iterations in the log of a run, and their losses. */
async function logOf(out: string) {
  const text = await Deno.readTextFile(join(out, "log.jsonl")).catch(() => "");
  return text.split("\n").slice(0, -1).map((line) =>
    JSON.parse(line) as { iteration: number; losses: Record<string, number> }
  );
}

/** Waits until so many iterations are logged. */
async function logged(out: string, count: number): Promise<void> {
  while ((await logOf(out)).length < count) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Sentences of ours in what ranks and mpirun have written. */
const sentencesIn = (text: string) =>
  text.split("\n").filter((line) => line.includes("Cannot"));

onRanks(
  "a run of ranks that are killed and stopped goes on with other numbers of them",
  () =>
    inFolder(async (folder) => {
      const [straight, out] = [join(folder, "straight"), join(folder, "run")];
      const file = await tinyFile(folder, RUN);
      const alone = await call(main, file, "--out", straight, ...WASM);
      assert.equal(alone.status, 0, alone.error);

      await using killed = start(2, file, "--out", out);
      await logged(out, 5);
      const { pid } = JSON.parse(await Deno.readTextFile(join(out, ".lock")));
      Deno.kill(pid, "SIGKILL");
      const { code } = await killed.ended();
      assert([128 + 9, 9].includes(code), `status ${code}`); // Open MPI's and MPICH's
      const { metadata: { iteration } } = await loadCheckpoint(
        join(out, "last.safetensors"),
      );
      assert(iteration >= 4 && iteration < 60, `${iteration}`);

      await using stopped = start(4, file, "--out", out);
      await logged(out, iteration + 3);
      stopped.process.kill("SIGUSR1");
      const { code: status, error } = await stopped.ended();
      assert.equal(status, 75, error);
      assert.match(error, new RegExp(`resuming {3}at iteration ${iteration} of 60`));
      assert.equal(
        error.match(/asked to stop: saving; the same command goes on/g)?.length,
        1,
      );
      const last = (await logOf(out)).at(-1)?.iteration ?? 0;

      const end = await call(main, file, "--out", out, ...WASM);
      assert.equal(end.status, 0, end.error);
      // The stop has saved what was computed.
      assert.match(end.error, new RegExp(`resuming {3}at iteration ${last} of 60`));
      const [lines, expected] = [await logOf(out), await logOf(straight)];
      assert.deepEqual(
        lines.map((line) => line.iteration),
        expected.map((line) => line.iteration),
      );
      for (const [i, { losses }] of expected.entries()) {
        for (const [name, loss] of Object.entries(losses)) {
          const difference = Math.abs((lines[i]?.losses[name] ?? NaN) - loss);
          assert(difference < 1e-3 * Math.max(1, loss), `${name} of ${i}: ${difference}`);
        }
      }
    }),
);

for (
  const [what, overrides, sentence] of [
    [
      "a batch that cannot be divided",
      ["data.batchSize=3"],
      'Cannot divide a batch of 3 among 2 ranks: "data.batchSize" must be a multiple of ' +
      "their number",
    ],
    [
      "a memory bank",
      [
        "data.batchSize=2",
        "model.decoder={name: semi-deeplabv3+, channels: 8, representationHead: true}",
        "method={name: mean-teacher, contrastive: {}}",
      ],
      'Cannot train on 2 ranks with "method.contrastive": its memory bank is of the pixels ' +
      "of whole batches; set it to null, or train on one rank",
    ],
    [
      "losses that are not finite",
      ["data.batchSize=2", "iterations=3", "optimizer.learningRate=1.0e+30"],
      'Cannot go on: the loss "source" is NaN at iteration 2 with seed 3 on clean_00005, ' +
      'clean_00003; lower "optimizer.learningRate" or check these files',
    ],
  ] as const
) {
  onRanks(`ranks refuse ${what} in one sentence`, () =>
    inFolder(async (folder) => {
      const set = overrides.flatMap((value) => ["--set", value]);
      await using ranks = start(
        2,
        await tinyFile(folder),
        "--out",
        `${folder}/run`,
        ...set,
      );
      const { code, error } = await ranks.ended();
      assert.equal(code, 1);
      assert.deepEqual(sentencesIn(error), [sentence], error);
    }));
}

onRanks(
  "train is refused in processes that do not know of each other",
  () =>
    inFolder(async (folder) => {
      const out = join(folder, "run");
      const args = [await tinyFile(folder), "--out", out, ...WASM];
      await using ranks = startRanks(2, TASK, args);
      const { code, error } = await ranks.ended();
      assert.equal(code, 1);
      const [sentence = "", ...others] = sentencesIn(error);
      // MPICH's mpirun does not end them.
      assert(others.every((other) => other === `rank 1: ${sentence}`), error);
      assert.match(
        sentence,
        /^Cannot train in each of the 2 processes that .* has started: add --distributed, /,
      );
      assert(!await pathExists(out));
    }),
);

Deno.test("train --distributed trains alone where nothing has started others, and says so", () =>
  inFolder(async (folder) => {
    const args = [await tinyFile(folder), "--out", join(folder, "run"), ...WASM];
    const { status, error } = await call(main, ...args, "--distributed");
    assert.equal(status, 0, error);
    assert.match(error, /^ranks {6}1: neither mpirun nor srun has started this process/m);
  }));

onRanks(
  "a full disk of the first rank is said once, and the earlier checkpoint survives",
  async () => {
    await onTinyDisk(4096, async (disk) => {
      const out = join(disk, "run");
      const args = [await tinyFile(disk), "--out", out, "--set", "data.batchSize=2"];
      const first = await call(main, ...args, ...WASM);
      assert.equal(first.status, 0, first.error);
      await Deno.remove(join(out, "summary.json"));
      const file = join(out, "last.safetensors");
      const before = await Deno.readFile(file);
      const filler = await Deno.open(join(disk, "filler"), { write: true, create: true });
      await assert.rejects(async () => {
        for (;;) await filler.write(new Uint8Array(4096));
      });
      await filler.truncate((await filler.stat()).size - 40_000);
      filler.close();
      await using ranks = start(2, ...args);
      const { code, error } = await ranks.ended();
      assert.equal(code, 1, error);
      assert.deepEqual(sentencesIn(error), [
        `Cannot write "${file}": the disk is full; free some space and run again`,
      ]);
      assert.deepEqual(await Deno.readFile(file), before);
    });
  },
);

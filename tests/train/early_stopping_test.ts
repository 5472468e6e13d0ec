// A run that no longer gets better ends as if it had been so long, and can go on.
import assert from "node:assert/strict";
import { cp } from "node:fs/promises";
import { join } from "node:path";
import type { RunConfig } from "../../src/config/schema.ts";
import { train, type TrainResult } from "../../src/train/train.ts";
import { loadCheckpoint } from "../../src/weights/checkpoint_file.ts";
import { main as trainCommand } from "../../tasks/train.ts";
import { call, tinyConfig, tinyFile } from "../support/commands.ts";
import { inFolder } from "../support/files.ts";

/** No score is better than the first by 0.9: it stops at its third evaluation. */
const STOPPING = "earlyStopping: {patience: 2, minDelta: 0.9}";
const BEST = "best: {evaluation: worn, score: meanDice}";
const configOf = (rule: string, ...more: string[]) =>
  tinyConfig(
    ...["iterations=20", "logging={interval: 20, checkpointInterval: 3}"],
    `evaluation={interval: 2, centerCrop: {height: 20, width: 24}, ${BEST}, ${rule}}`,
    "method={name: mean-teacher}",
    "data.batchSize=2",
    ...more,
  );

const linesOf = async (folder: string, file: string) =>
  (await Deno.readTextFile(join(folder, file))).trimEnd().split("\n")
    .map((line) => JSON.parse(line));

/** Trains to the end, or until so many iterations are done. */
async function run(
  out: string,
  config: RunConfig,
  until = Infinity,
): Promise<TrainResult & { readonly said: readonly string[] }> {
  const controller = new AbortController();
  const said: string[] = [];
  const result = await train(config, {
    ...{ out, backend: "wasm", signal: controller.signal },
    observer: {
      log: (line) => void said.push(line),
      iteration({ iteration }) {
        if (iteration === until) controller.abort();
      },
    },
  });
  return { ...result, said };
}

Deno.test("earlyStopping ends a run with its summary, and it can go on [wasm]", () =>
  inFolder(async (folder) => {
    const straight = join(folder, "straight");
    const config = configOf(STOPPING);
    const { status, summary, said } = await run(straight, config);
    assert.equal(status, "finished");
    const [first] = await linesOf(straight, "evaluations.jsonl");
    const figure = (100 * first.score.value).toFixed(2);
    const reason =
      "stopped early at iteration 6 of 20: in 2 evaluations the mean Dice of " +
      `"worn" was not above ${figure} % by more than 90 points`;
    assert.ok(said.includes(reason), said.join("\n"));
    assert.equal(summary?.stopped, reason);
    assert.equal(summary.iterations, 6);
    assert.equal(summary.primaryNetwork, "teacher");
    assert.equal(summary.student.length, 2, "both networks, whole images");
    assert.deepEqual((await linesOf(straight, "log.jsonl")).at(-1), {
      iteration: 6,
      stopped: reason,
    });
    const evaluations = await linesOf(straight, "evaluations.jsonl");
    assert.deepEqual(evaluations.map((one) => one.iteration), [2, 4, 6, 6]);
    assert.deepEqual(evaluations.map((one) => one.centerCrop === null), [
      ...[false, false, false],
      true,
    ]);

    const last = await loadCheckpoint(join(straight, "last.safetensors"));
    assert.equal(last.metadata.iteration, 6);
    const scores: number[] = evaluations.slice(0, 3).map((one) => one.score.value);
    const at = scores.indexOf(Math.max(...scores));
    const best = await loadCheckpoint(join(straight, "best.safetensors"));
    assert.equal(best.metadata.iteration, 2 * (at + 1));
    assert.deepEqual(best.metadata.best, {
      ...{ evaluation: "worn", score: "meanDice", class: null },
      ...{ value: scores[at], iteration: 2 * (at + 1) },
      ...{ evaluatedIteration: 2 * (at + 1) },
      ...{ valueToBeat: scores[0], evaluationsWithoutBetter: at },
    });

    // Interrupted at an evaluation and elsewhere, it stops where it would have.
    const resumed = join(folder, "resumed");
    for (const until of [2, 5]) {
      assert.equal((await run(resumed, config, until)).status, "interrupted");
    }
    assert.equal((await run(resumed, config)).summary?.stopped, reason);
    for (const file of ["last.safetensors", "best.safetensors", "evaluations.jsonl"]) {
      const [a, b] = await Promise.all(
        [straight, resumed].map((one) => Deno.readFile(join(one, file))),
      );
      assert.deepEqual(b, a, file);
    }

    // As if it had been killed before the summary.
    const killed = join(folder, "killed");
    await cp(straight, killed, { recursive: true });
    await Deno.remove(join(killed, "summary.json"));
    assert.equal((await run(killed, config)).summary?.stopped, reason);
    const stops = (await linesOf(killed, "log.jsonl")).filter((one) => "stopped" in one);
    assert.equal(stops.length, 1);

    const again = await run(straight, config);
    assert.equal(again.status, "already finished");
    assert.deepEqual(again.said, [
      `${reason}; to go on: --set evaluation.earlyStopping=null`,
    ]);
    // What it is measured by has changed: it is measured anew, up to its next stop.
    const other = join(folder, "other");
    await cp(straight, other, { recursive: true });
    const byClean = await run(
      other,
      configOf(STOPPING, "evaluation.best.evaluation=clean"),
    );
    assert.equal(byClean.status, "finished");
    assert.equal(byClean.summary?.iterations, 12);

    const shorter = ["logging.checkpointInterval=0"];
    const free = configOf("earlyStopping: null", ...shorter);
    assert.equal((await run(straight, free, 9)).status, "interrupted");
    const whole = join(folder, "whole");
    await run(whole, free, 9);
    const [went, never] = await Promise.all(
      [straight, whole].map((one) => loadCheckpoint(join(one, "last.safetensors"))),
    );
    assert.equal(went?.metadata.iteration, 10);
    for (const [name, { bytes }] of never?.tensors ?? assert.fail()) {
      assert.deepEqual(went.tensors.get(name)?.bytes, bytes, name);
    }
  }));

/** A run's folder as a kill would leave it. */
function copyRun(from: string, to: string): void {
  Deno.mkdirSync(to);
  for (const file of ["config.yaml", "log.jsonl", "last.safetensors"]) {
    Deno.copyFileSync(join(from, file), join(to, file));
  }
}

Deno.test("an evaluation that a kill has cut off is done again [wasm]", () =>
  inFolder(async (folder) => {
    const config = tinyConfig(
      ...["iterations=5", "evaluation={interval: 2, earlyStopping: {patience: 9}}"],
    );
    const straight = join(folder, "straight");
    const cut = join(folder, "cut");
    await train(config, {
      ...{ out: straight, backend: "wasm" },
      observer: {
        evaluation(iteration) {
          // The checkpoint is from before the evaluation.
          if (iteration === 2) copyRun(straight, cut);
        },
      },
    });
    await run(cut, config);
    for (const file of ["last.safetensors", "best.safetensors", "evaluations.jsonl"]) {
      const [a, b] = await Promise.all(
        [straight, cut].map((one) => Deno.readFile(join(one, file))),
      );
      assert.deepEqual(b, a, file);
    }
  }));

Deno.test("train says that a run has stopped, and what its best is by [wasm]", () =>
  inFolder(async (folder) => {
    const file = await tinyFile(folder);
    const command = [
      ...[file, "--out", join(folder, "run"), "--iterations", "9", "--backend", "wasm"],
      ...[
        "--set",
        "evaluation.interval=1",
        "--set",
        `evaluation.${STOPPING.replace(": ", "=")}`,
      ],
    ];
    const first = await call(trainCommand, ...command);
    assert.equal(first.status, 0, first.error);
    assert.match(first.error, /^stopped early at iteration 3 of 9: in 2 evaluations /m);
    const second = await call(trainCommand, ...command);
    assert.match(second.error, /to go on: --set evaluation\.earlyStopping=null$/m);
    assert.match(second.out, /already finished/);
    const unknown = await call(
      trainCommand,
      ...command,
      ...["--fresh", "--set", "evaluation.best.class=bux"],
    );
    assert.equal(unknown.status, 1);
    assert.match(
      unknown.error,
      /^Cannot choose the best checkpoint by "evaluation\.best\.class": "worn" has no class "bux"/m,
    );
  }));

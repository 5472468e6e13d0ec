// A run's folder is read while another process writes into it, moves it or removes it.
import assert from "node:assert/strict";
import { join } from "node:path";
import { findRuns, runNames, watchRun } from "../../src/ui/run_watch.ts";
import { inFolder } from "../support/files.ts";
import { evaluationLine, logLine, PIXEL, writeRun } from "./files_of_run.ts";

const append = (path: string, text: string) =>
  Deno.writeTextFile(path, text, { append: true });

Deno.test("watchRun() reads what is there, then what is added", () =>
  inFolder(async (root) => {
    const folder = await writeRun(root, "run");
    const watch = watchRun(0, folder, "run");
    const first = await watch.refresh();
    assert.equal(first?.status, "training");
    assert.equal(first.problem, null);
    assert.deepEqual(first.log?.lines.map(({ iteration }) => iteration), [10, 20]);
    assert.equal(first.evaluations?.lines[0]?.results["val"]?.mIoU, 0.25);
    assert.deepEqual(first.pictures?.map(({ iteration }) => iteration), [20]);
    assert.deepEqual(first.settings, { seed: 3, iterations: 30 });
    assert.equal(await watch.refresh(), null);

    await append(join(folder, "log.jsonl"), logLine(30));
    await append(join(folder, "evaluations.jsonl"), evaluationLine(30, 0.5));
    await Deno.writeFile(join(folder, "pictures", "000030.png"), PIXEL);
    await Deno.writeTextFile(join(folder, "summary.json"), "{}");
    const second = await watch.refresh();
    assert.equal(second?.status, "finished");
    assert.deepEqual([second.log?.from, second.log?.lines.length], [2, 1]);
    assert.equal(second.evaluations?.lines[0]?.results["val"]?.mIoU, 0.5);
    assert.equal(second.pictures?.length, 2);
    assert.equal(watch.snapshot().log?.lines.length, 3);
  }));

Deno.test("watchRun() waits for the end of a half-written line", () =>
  inFolder(async (root) => {
    const folder = await writeRun(root, "run");
    const watch = watchRun(0, folder, "run");
    await watch.refresh();
    const line = logLine(30);
    await append(join(folder, "log.jsonl"), line.slice(0, 25));
    assert.equal(await watch.refresh(), null);
    await append(join(folder, "log.jsonl"), line.slice(25));
    const change = await watch.refresh();
    assert.deepEqual(change?.log?.lines.map(({ iteration }) => iteration), [30]);
    assert.equal(change?.problem, null);
  }));

Deno.test("watchRun() says which line is none, and reads the others", () =>
  inFolder(async (root) => {
    const folder = await writeRun(root, "run");
    const log = join(folder, "log.jsonl");
    await append(
      log,
      `{"iteration": 25, "los\nnull\n[1]\n{"iteration":26}\n${logLine(30)}`,
    );
    const change = await watchRun(0, folder, "run").refresh();
    assert.deepEqual(change?.log?.lines.map(({ iteration }) => iteration), [10, 20, 30]);
    assert.equal(change?.problem, `Cannot read line 3 of "${log}": it is left out`);
  }));

Deno.test("watchRun() finds nothing wrong with a run that has stopped early", () =>
  inFolder(async (root) => {
    const folder = await writeRun(root, "run");
    await append(
      join(folder, "log.jsonl"),
      `${JSON.stringify({ iteration: 20, stopped: "stopped early" })}\n`,
    );
    const change = await watchRun(0, folder, "run").refresh();
    assert.deepEqual(change?.log?.lines.map(({ iteration }) => iteration), [10, 20]);
    assert.equal(change?.problem, null);
  }));

Deno.test("watchRun() follows a resumed run, whose log is shorter", () =>
  inFolder(async (root) => {
    const folder = await writeRun(root, "run");
    const watch = watchRun(0, folder, "run");
    await watch.refresh();
    await Deno.writeTextFile(join(folder, "new"), logLine(10) + logLine(15));
    await Deno.rename(join(folder, "new"), join(folder, "log.jsonl"));
    const change = await watch.refresh();
    assert.equal(change?.log?.from, 0);
    assert.deepEqual(change?.log?.lines.map(({ iteration }) => iteration), [10, 15]);
  }));

Deno.test("watchRun() keeps what it has of a folder that is gone, and sees it come back", () =>
  inFolder(async (root) => {
    const folder = join(root, "run");
    const watch = watchRun(0, folder, "run");
    const waiting = await watch.refresh();
    assert.equal(waiting?.status, "waiting");
    assert.equal(
      waiting.problem,
      `Waiting for the run: there is no folder "${folder}" yet`,
    );
    await writeRun(root, "run");
    await watch.refresh();
    await Deno.remove(folder, { recursive: true });
    const gone = await watch.refresh();
    assert.equal(gone?.status, "gone");
    assert.equal(
      gone.problem,
      `The folder "${folder}" is gone: what is shown is the last of it`,
    );
    assert.equal(watch.snapshot().log?.lines.length, 2);
    assert.equal(await watch.readPicture(20), null);
    assert.equal(await watch.refresh(), null);

    await writeRun(root, "run");
    await Deno.writeTextFile(join(folder, "log.jsonl"), logLine(5));
    const back = await watch.refresh();
    assert.equal(back?.status, "training");
    assert.deepEqual([back.log?.from, back.log?.lines.length], [0, 1]);
  }));

Deno.test("watchRun() reads the log of an earlier version under today's names", () =>
  inFolder(async (root) => {
    const folder = await writeRun(root, "run");
    const old = `{"iteration":1,"losses":{"source":2,"confident":0.5},"rate":0.1,` +
      `"secondsPerIteration":0.2,"waiting":0.3}\n`;
    await Deno.writeTextFile(join(folder, "log.jsonl"), old);
    const change = await watchRun(0, folder, "run").refresh();
    assert.deepEqual(change?.log?.lines, [{
      iteration: 1,
      losses: { source: 2, confidentShare: 0.5 },
      learningRate: 0.1,
      secondsPerIteration: 0.2,
      dataTimeShare: 0.3,
    }]);
  }));

Deno.test("watchRun() has the result of a run that logged no evaluations", () =>
  inFolder(async (root) => {
    const folder = await writeRun(root, "run");
    await Deno.remove(join(folder, "evaluations.jsonl"));
    const summary = join(folder, "summary.json");
    await Deno.writeTextFile(summary, '{"iterations": 20, "evaluation": nu');
    const watch = watchRun(0, folder, "run");
    assert.equal((await watch.refresh())?.evaluations, undefined);
    const evaluation = { split: "val", mIoU: 0.5, pixelAccuracy: 0.7, classes: [] };
    await Deno.writeTextFile(summary, JSON.stringify({ iterations: 20, evaluation }));
    await Deno.utime(summary, 1, 1); // written at another time, whatever the clock's step
    const change = await watch.refresh();
    assert.equal(change?.evaluations?.lines[0]?.results["val"]?.mIoU, 0.5);
    assert.equal(watch.snapshot().evaluations?.lines[0]?.iteration, 20);
  }));

Deno.test({
  name: "watchRun() follows no link out of the run's folder",
  ignore: Deno.build.os === "windows", // links need rights there
  fn: () =>
    inFolder(async (root) => {
      const secret = join(root, "secret");
      await Deno.writeTextFile(secret, "seed: secret\n");
      for (const file of ["config.yaml", "log.jsonl", "pictures/000020.png"]) {
        const folder = await writeRun(root, "run");
        await Deno.remove(join(folder, file));
        await Deno.symlink(secret, join(folder, file));
        const watch = watchRun(0, folder, "run");
        const change = await watch.refresh();
        assert.doesNotMatch(JSON.stringify(change), /seed: secret/);
        const path = join(folder, file);
        if (file.endsWith(".png")) assert.equal(await watch.readPicture(20), null);
        else {
          const problem =
            `Cannot show "${path}": it is a link that leads out of the run's folder`;
          assert.equal(change?.problem, problem);
          await watch.refresh();
          assert.equal(watch.snapshot().problem, problem);
        }
        await Deno.remove(folder, { recursive: true });
      }
    }),
});

Deno.test("findRuns() takes runs and folders of runs, each run once", () =>
  inFolder(async (root) => {
    const [a, b] = [await writeRun(root, "a"), await writeRun(root, "b")];
    await Deno.mkdir(join(root, "empty"));
    assert.deepEqual(await findRuns([b, root]), { paths: [b, a], parents: [root] });
    await assert.rejects(findRuns([join(root, "empty")]), {
      message: `Cannot show "${join(root, "empty")}": it is no run's folder and holds ` +
        "none; a run's folder has a config.yaml and a log.jsonl",
    });
    await assert.rejects(findRuns([join(root, "none")]), {
      message: `Cannot show "${join(root, "none")}": there is no such folder; name the ` +
        "folder of a run, as runs/demo",
    });
    await assert.rejects(findRuns([join(a, "config.yaml")]), /it is a file; name/);
  }));

Deno.test("runNames() tells runs of one name apart", () => {
  assert.deepEqual(runNames(["x/a", "x/b"]), ["a", "b"]);
  assert.deepEqual(runNames(["x/a", "y/a"]), ["x/a", "y/a"]);
});

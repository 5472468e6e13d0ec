import assert from "node:assert/strict";
import { join } from "node:path";
import { compareWithSaved, type Report, saveReport } from "../../bench/report.ts";
import { timeInTurns } from "../../bench/kernels/measure.ts";
import { selectCases } from "../../bench/kernels/cases.ts";
import { median } from "../../bench/median.ts";
import { openBackend } from "../../src/core/backend.ts";
import { call, tinyFile } from "../support/commands.ts";
import { inFolder } from "../support/files.ts";
import { encodeTiff } from "../support/tiff_file.ts";
import { main } from "../../tasks/bench.ts";

const PLAIN = { isOutTty: false, color: false };

const report = (seconds: number, speedUp: number): Report => ({
  text: "",
  benchmark: "kernels",
  backend: "wasm",
  adapter: "WebAssembly",
  rows: [{ name: "gelu", seconds, speedUp }],
  json: null,
});

Deno.test("two states are compared by time and by what tfjs took", () =>
  inFolder(async (folder) => {
    const file = join(folder, "before.json");
    await saveReport(file, report(0.4, 2));
    const text = await compareWithSaved(file, report(0.2, 3), PLAIN);
    assert.match(text, /gelu\s+2\.00×\s+1\.50×/);
    await assert.rejects(
      compareWithSaved(file, { ...report(1, 1), backend: "webgpu" }, PLAIN),
      /its backend is "wasm" and not "webgpu"/,
    );
  }));

Deno.test("the median of nothing is NaN, that of two is between them", () => {
  assert(Number.isNaN(median([])));
  assert.equal(median([3, 1]), 2);
  assert.equal(median([9, 1, 2]), 2);
});

Deno.test("works are timed in turns", async () => {
  await openBackend("wasm");
  const pause = (milliseconds: number) => () => {
    const until = performance.now() + milliseconds;
    while (performance.now() < until);
  };
  const { seconds, speedUps } = await timeInTurns([pause(8), pause(2)], 3);
  assert((seconds[1] ?? 0) >= 0.002);
  assert.equal(speedUps[0], 1);
  assert((speedUps[1] ?? 0) > 1);
});

Deno.test("a part of a name chooses cases, heavy ones too", () => {
  assert(selectCases([]).every(({ isHeavy }) => !isHeavy));
  const chosen = selectCases(["ResNet-101 stage 3"]);
  assert(chosen.length > 0 && chosen.every(({ isHeavy }) => isHeavy));
  assert.throws(() => selectCases(["gellu"]), /Cannot measure "gellu": known are .*gelu/);
});

Deno.test("bench step computes the same losses by tfjs and by ours", () =>
  inFolder(async (folder) => {
    const { status, out, error } = await call(
      main,
      ...["step", "--config", await tinyFile(folder), "--backend", "wasm"],
      ...["--rounds", "1", "--only", "self-training", "--json"],
    );
    assert.equal(status, 0, error);
    const { times } = JSON.parse(out) as { times: Record<string, unknown>[] };
    assert.deepEqual(times.map(({ variant }) => variant), ["tfjs", "ours"]);
    assert(times.every(({ seconds }) => Number(seconds) > 0));
    assert.match(error, /self-training {2}ours/);
  }));

Deno.test("bench step trains the network of a run: its channels, and what is frozen", () =>
  inFolder(async (folder) => {
    const channels = 2;
    const image = { width: 32, height: 32, channels, data: new Uint8Array(2048).fill(9) };
    const label = { width: 32, height: 32, channels: 1, data: new Uint8Array(1024) };
    for (const [kind, picture] of Object.entries({ images: image, labels: label })) {
      await Deno.mkdir(join(folder, kind, "train"), { recursive: true });
      await Deno.writeFile(join(folder, kind, "train", "a.tif"), encodeTiff(picture));
    }
    const data = {
      ...{ kind: "folder", root: folder, channels, batchSize: 1, numWorkers: 0 },
      classes: [{ name: "a", color: [0, 0, 0] }, { name: "b", color: [1, 1, 1] }],
      ...{ source: { split: "train" }, evaluations: { a: { split: "train" } } },
      cropSize: { height: 32, width: 32 },
      normalization: { mean: [0, 0], std: [1, 1] },
    };
    const bench = (freeze: string) =>
      call(
        main,
        ...["step", "--config", join(folder, "tiny.yaml"), "--backend", "wasm"],
        ...["--rounds", "1", "--only", "supervised", "--variant", "ours", "--json"],
        ...[
          "--set",
          `data=${JSON.stringify(data)}`,
          "--set",
          `optimizer.freeze=${freeze}`,
        ],
        ...["--set", "method={name: supervised, criterion: {classWeights: [1, 2]}}"],
      );
    await tinyFile(folder);
    const { status, error } = await bench("[encoder]");
    assert.equal(status, 0, error);
    assert.match((await bench('["no.*"]')).error, /"no\.\*" fits no parameter/);
  }));

Deno.test("bench io reads the drawn pictures of any configuration", () =>
  inFolder(async (folder) => {
    const { status, out, error } = await call(
      main,
      ...["io", "--config", await tinyFile(folder), "--rounds", "1", "--json"],
    );
    assert.equal(status, 0, error);
    const { times } = JSON.parse(out) as { times: { dataTimeShare: number }[] };
    assert.equal(times.length, 3);
    assert(times.every(({ dataTimeShare }) => dataTimeShare >= 0 && dataTimeShare <= 1));
  }));

Deno.test("bench memory estimates what a configuration needs, without its data", async () => {
  const memory = (...args: string[]) =>
    call(main, "memory", "--backend", "wasm", "--json", ...args);
  const { status, out, error } = await memory(
    "--only",
    "resnet50_self",
    "--only",
    "u2pl",
  );
  assert.equal(status, 0, error);
  const { configs } = JSON.parse(out) as {
    configs: { name: string; batchSize: number; peaks: (number | null)[] }[];
  };
  const [domainAdaptation, semiSupervised] = configs;
  assert.equal(domainAdaptation?.name, "gta5_to_cityscapes_resnet50_self_training");
  const [kept = 0, again = 0, single = 0] = domainAdaptation.peaks.map(Number);
  assert(kept > 1.5 * again && again > 1.1 * single && single > 1e9);
  assert.equal(semiSupervised?.name, "voc_*_u2pl");
  assert.equal(semiSupervised.peaks[2], null, "it has no micro-batches");
  const less = await memory("--only", "u2pl", "--set", "data.batchSize=4");
  const [{ peaks = [] } = assert.fail()] = JSON.parse(less.out).configs;
  assert(peaks[0] < (semiSupervised.peaks[0] ?? 0) / 3);
  assert.match(
    (await memory("--only", "x2")).error,
    /no published configuration has that/,
  );
});

Deno.test("bench names what it can measure", async () => {
  const { status, error } = await call(main, "kernel");
  assert.equal(status, 2);
  assert.match(error, /Cannot benchmark "kernel": known are kernels, step, reuse, io/);
});

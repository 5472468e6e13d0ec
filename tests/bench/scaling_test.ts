import assert from "node:assert/strict";
import { openExchangeMeter } from "../../bench/scaling/exchange_meter.ts";
import {
  communicationSeconds,
  LINKS,
  messageSeconds,
  predictMessages,
} from "../../bench/scaling/prediction.ts";
import { divisionsOf, measureScaling } from "../../bench/scaling/scaling.ts";
import { trainOnRanks } from "../../bench/scaling/start_ranks.ts";
import { openBackend } from "../../src/core/backend.ts";
import type { Communicator } from "../../src/core/ranks.ts";
import { call, tinyConfig, tinyFile } from "../support/commands.ts";
import { inFolder } from "../support/files.ts";
import { onRanks } from "../support/mpi.ts";
import { main } from "../../tasks/bench.ts";

const [TEN_GIGABITS = { gigabitsPerSecond: NaN, efficiency: NaN, latency: NaN }] = LINKS;
const sum = (bytes: number) => ({ kind: "sum", bytes } as const);

Deno.test("messageSeconds sends a large sum round a ring", () => {
  const link = { ...TEN_GIGABITS, latency: 0 };
  const milliseconds = [4, 8, 16].map((ranks) =>
    Math.round(1000 * messageSeconds(sum(340e6), ranks, link))
  );
  assert.deepEqual(milliseconds, [510, 595, 638]); // 1 GB/s in effect
  const late = messageSeconds(sum(340e6), 4, { ...link, latency: 1e-3 });
  assert.equal(late, 0.51 + 6e-3);
});

Deno.test("messageSeconds waits log2(N) times for a small sum, a gather and a broadcast", () => {
  const link = { ...TEN_GIGABITS, latency: 1 };
  assert.equal(messageSeconds(sum(1e9), 16, link), 4 * (1 + 1));
  assert.equal(messageSeconds({ kind: "gather", bytes: 1e9 }, 8, link), 7 + 3);
  assert.equal(messageSeconds({ kind: "broadcast", bytes: 1e9 }, 8, link), 3 * (1 + 1));
});

Deno.test("communicationSeconds adds messages up", () => {
  const messages = [sum(1e6), sum(4), sum(4)];
  const [large = NaN, small = NaN] = messages.map((one) =>
    messageSeconds(one, 8, TEN_GIGABITS)
  );
  assert.equal(communicationSeconds(messages, 8, TEN_GIGABITS), large + small + small);
  assert.equal(communicationSeconds([], 8, TEN_GIGABITS), 0);
});

Deno.test("divisionsOf compares ranks with one rank, and with its threads on their cores", () => {
  const division = (ranks: number, threads: number) => ({ ranks, threads });
  assert.deepEqual(
    divisionsOf([4, 2, 2], 1, 8),
    [[1, 1], [2, 1], [4, 1], [1, 2], [1, 4]].map(([r = 0, t = 0]) => division(r, t)),
  );
  assert.deepEqual(
    divisionsOf([1, 2, 4], 2, 4),
    [[1, 2], [2, 2], [4, 2], [1, 4]].map(([r = 0, t = 0]) => division(r, t)),
  );
  assert.deepEqual(divisionsOf([2], 1, null), [division(1, 1), division(2, 1)]);
});

Deno.test("openExchangeMeter counts what goes through it, and passes it on", async () => {
  const doubled = (values: Float32Array<ArrayBuffer>) => {
    values.forEach((value, i) => values[i] = 2 * value);
  };
  const pair: Communicator = {
    ...{ rank: 1, size: 2 },
    sum: doubled,
    sumAsync: (values) => Promise.resolve(doubled(values)),
    gather: (values) => Float32Array.of(...values, ...values),
    gatherAsync: (values) => Promise.resolve(values),
    broadcast: (bytes) => Promise.resolve(bytes ?? new Uint8Array()),
    split: () => pair,
  };
  const meter = openExchangeMeter(pair);
  const values = Float32Array.of(1, 2, 3);
  meter.sum(values);
  await meter.sumAsync(values);
  assert.deepEqual([...values], [4, 8, 12]);
  assert.deepEqual([...meter.gather(Float32Array.of(5))], [5, 5]);
  assert.equal(meter.rank, 1);
  assert.deepEqual(meter.take().map(({ kind, bytes }) => `${kind} ${bytes}`), [
    "sum 12",
    "sum 12",
    "gather 4",
  ]);
  assert.deepEqual(meter.take(), []);
});

Deno.test("measureScaling names what cannot be measured, and why", async () => {
  const options = { backend: "wasm", native: "off", rounds: 1, iterations: 1 } as const;
  const measure = (ranks: number) =>
    measureScaling(tinyConfig(), divisionsOf([ranks], 1, null), options);
  await assert.rejects(
    measure(2),
    /Cannot divide a batch of 1 among 2 ranks: give .*--set/,
  );
  await assert.rejects(measure(1.5), /Cannot measure 1.5 ranks: give whole numbers/);
  const nothing = measureScaling(tinyConfig(), [], { ...options, iterations: 0 });
  await assert.rejects(nothing, /Cannot measure 1 rounds of 0 iterations/);
});

Deno.test("trainOnRanks says that there is no mpirun", async () => {
  const path = Deno.env.get("PATH") ?? "";
  Deno.env.set("PATH", "");
  try {
    const task = {
      config: tinyConfig(),
      backend: "wasm",
      cpu: {},
      iterations: 1,
    } as const;
    await assert.rejects(trainOnRanks(2, task), /there is no "mpirun"; install an MPI/);
  } finally {
    Deno.env.set("PATH", path);
  }
});

onRanks(
  "bench scaling counts and times the exchanges that shapes predict",
  () =>
    inFolder(async (folder) => {
      // Batch norm in the decoder, and a gradient of the look-ahead.
      const set = [
        "data.batchSize=2",
        "model.decoder={name: daformer, channels: 8, fusion: separable-aspp}",
        "method={name: self-training, lookAhead: {depth: 1}}",
      ];
      const { status, out, error } = await call(
        main,
        ...["scaling", "--config", await tinyFile(folder), "--backend", "wasm", "--json"],
        ...["--ranks", "2", "--rounds", "1", "--iterations", "1"],
        ...set.flatMap((one) => ["--set", one]),
      );
      assert.equal(status, 0, error);
      const { rows, predictions } = JSON.parse(out);
      const [one, two] = rows;
      assert.equal(one.speedUp.median, 1);
      assert.deepEqual(one.messages, []);
      assert.equal(two.perRank.length, 2);
      for (const { seconds, exchangeSeconds } of two.perRank) {
        assert(0 < exchangeSeconds && exchangeSeconds < seconds);
        assert(two.transferSeconds <= exchangeSeconds);
      }
      await openBackend("wasm");
      const shapes = await predictMessages(tinyConfig(...set));
      const sizes = (messages: typeof shapes) =>
        messages.map(({ kind, bytes }) => `${kind} ${bytes}`);
      const ofHost = ["gather 32", "sum 12", "sum 4"]; // label values, losses, whether to stop
      assert.deepEqual(
        sizes(two.messages).sort(),
        [...sizes(shapes), ...ofHost].sort(),
      );
      assert.match(error, /2 ranks, 1 thread/);
      assert.equal(predictions.length, 2);
    }),
);

import assert from "node:assert/strict";
import {
  formatDuration,
  openCounter,
  openTrainingProgress,
} from "../../src/cli/progress_bar.ts";
import { recorder } from "./recorder.ts";

const step = (iteration: number) => ({
  iteration,
  losses: { source: 1.25, mixed: 0.5 },
  learningRate: 6e-4,
  secondsPerIteration: 0.5,
  dataTimeShare: 0.01,
});

Deno.test("without a terminal, progress is a line every ten seconds and at the end", () => {
  const terminal = recorder();
  let now = 0;
  const progress = openTrainingProgress(terminal, 100, 0, () => now);
  for (let iteration = 1; iteration <= 100; iteration++) {
    progress.update(step(iteration));
    now += 500;
  }
  progress.stop();
  progress.update(step(100));
  const lines = terminal.written.error.trimEnd().split("\n");
  assert.equal(
    lines[0],
    "iteration   1/100  50s left  0.50 s/iteration  source 1.250  mixed 0.500  lr 6.0e-4",
  );
  assert.deepEqual(
    lines.map((line) => Number(/ (\d+)\//.exec(line)?.[1])),
    [1, 21, 41, 61, 81, 100],
  );
  assert.match(lines.at(-1) ?? "", /100\/100 {2}done /);
});

Deno.test("progress names the share of waiting for data where it costs something", () => {
  const terminal = recorder();
  using progress = openTrainingProgress(terminal, 100);
  progress.update({ ...step(1), dataTimeShare: 0.204 });
  assert.match(
    terminal.written.error,
    /0\.50 s\/iteration {2}20 % of it waiting for data {2}source/,
  );
});

Deno.test("on a terminal, a line of the log stands above the bar", () => {
  const terminal = recorder(true);
  {
    using progress = openTrainingProgress(terminal, 10, 2);
    progress.update(step(4));
    progress.log("saved last.safetensors");
  }
  const { error, out } = terminal.written;
  assert.equal(out, "");
  assert.match(error, /━─+ 4\/10 {2}3s left.*source 1\.250 {2}mixed 0\.500/);
  assert(error.includes("\x1b[2Ksaved last.safetensors\n"), "it replaces the bar");
  assert(error.lastIndexOf("4/10") > error.indexOf("saved"), "the bar comes back");
});

Deno.test("a counter says how many are done and how long the rest takes", () => {
  let now = 0;
  for (const isTerminal of [false, true]) {
    const terminal = recorder(isTerminal);
    using counter = openCounter(terminal, "image", () => now);
    assert.equal(terminal.written.error, "", "nothing before the first");
    now += 2000;
    counter.update(1, 3);
    counter.stop();
    assert.match(terminal.written.error, /1\/3 {2}2\.00 s\/image {2}4s left/);
  }
});

Deno.test("formatDuration() says what people say", () => {
  assert.deepEqual([0, 59.4, 185, 7620, -1].map(formatDuration), [
    "0s",
    "59s",
    "3m 05s",
    "2h 07m",
    "0s",
  ]);
});

import assert from "node:assert/strict";
import { formatBytes } from "../../src/cli/format_bytes.ts";
import { openDownloadReporter } from "../../src/cli/download_report.ts";
import { recorder } from "./recorder.ts";

const bytes = (received: number, total: number | null = 100e6) =>
  ({ kind: "bytes", file: "net.pth", received, total }) as const;

Deno.test("formatBytes() says what people say", () => {
  assert.deepEqual([0, 999, 1000, 13_300_000, 326e6, 1.31e9, 999_999].map(formatBytes), [
    "0 B",
    "999 B",
    "1.00 kB",
    "13.3 MB",
    "326 MB",
    "1.31 GB",
    "1.00 MB",
  ]);
});

Deno.test("on a terminal, a download is a bar with bytes, rate and the time that is left", () => {
  const terminal = recorder(true);
  let now = 0;
  {
    using reporter = openDownloadReporter(terminal, () => now);
    reporter.onProgress(bytes(20e6)); // an earlier start has got so far
    now += 2000;
    reporter.onProgress(bytes(40e6));
    reporter.onProgress({
      kind: "retry",
      file: "net.pth",
      from: "https://h/net.pth",
      reason: "the connection broke",
      seconds: 1,
    });
  }
  const { error, out } = terminal.written;
  assert.equal(out, "");
  assert.match(error, /━─+ 40\.0 MB\/100 MB {2}6s left {2}10\.0 MB\/s {2}net\.pth/);
  assert(
    error.includes("https://h/net.pth: the connection broke; retrying in 1s\n"),
    error,
  );
});

Deno.test("without a terminal, a download is a line every ten seconds", () => {
  const terminal = recorder();
  let now = 0;
  using reporter = openDownloadReporter(terminal, () => now);
  for (let i = 0; i <= 20; i++) {
    reporter.onProgress(bytes(i * 5e6));
    now += 1000;
  }
  assert.deepEqual(terminal.written.error.trimEnd().split("\n"), [
    "net.pth  0 B of 100 MB",
    "net.pth  50.0 MB of 100 MB  10s left  5.00 MB/s",
    "net.pth  100 MB of 100 MB  5.00 MB/s",
  ]);
});

Deno.test("a download of unknown length has no bar", () => {
  for (const isTerminal of [false, true]) {
    const terminal = recorder(isTerminal);
    using reporter = openDownloadReporter(terminal, () => 0);
    reporter.onProgress(bytes(5000, null));
    assert.equal(terminal.written.error, "net.pth  5.00 kB\n");
  }
});

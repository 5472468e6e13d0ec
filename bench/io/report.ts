/** `bench io` as a table. @module */
import { formatTable } from "../../src/cli/format_table.ts";
import type { Terminal } from "../../src/cli/terminal.ts";
import { loadConfig } from "../../src/config/read.ts";
import { type Report, right } from "../report.ts";
import { writeSyntheticFolder } from "./synthetic_folder.ts";
import { benchIo, type IoTime } from "./loader.ts";

/** Seconds of a simulated step. */
const STEP_SECONDS = 0.5;
const STEPS = 20;
/** Threads that are tried. */
const WORKER_COUNTS = [0, 1, 2];

/** Measures the loader with different numbers of workers. */
export async function ioReport(
  { config, set, rounds = STEPS }: {
    config: string;
    set: readonly string[];
    /** Simulated steps. */
    rounds: number | undefined;
  },
  terminal: Terminal,
  log: (line: string) => void,
): Promise<Report> {
  const { data } = await loadConfig(config, set);
  const isSynthetic = data.kind === "folder" && data.root === null;
  const root = isSynthetic ? await Deno.makeTempDir({ prefix: "fst_io_" }) : null;
  const times: IoTime[] = [];
  try {
    if (root !== null) {
      log("drawing pictures; --set data.root=FOLDER measures your own");
      await writeSyntheticFolder(root);
    }
    for (const workers of WORKER_COUNTS) {
      const overrides = [...set, `data.numWorkers=${workers}`];
      if (root !== null) overrides.push(`data.root=${JSON.stringify(root)}`);
      const options = { stepSeconds: STEP_SECONDS, steps: rounds };
      times.push(await benchIo(await loadConfig(config, overrides), options));
    }
  } finally {
    if (root !== null) await Deno.remove(root, { recursive: true });
  }
  const table = formatTable(
    ["workers", "images/s", `waiting, of steps of ${STEP_SECONDS} s`].map(right),
    times.map(({ workers, imagesPerSecond, dataTimeShare }) => [
      String(workers),
      imagesPerSecond.toFixed(1),
      `${(100 * dataTimeShare).toFixed(1)} %`,
    ]),
    terminal,
  );
  const { cropSize, resize, batchSize } = data;
  const box = resize === null ? "" : ` of pictures in ${resize.width}×${resize.height}`;
  const text =
    `${table}\n${config}: ${batchSize} crops of ${cropSize.width}×${cropSize.height}${box} ` +
    `per domain${isSynthetic ? ", drawn pictures of 960×720" : ""}`;
  return {
    text,
    benchmark: "io",
    backend: "none",
    adapter: "none",
    rows: times.map(({ workers, imagesPerSecond }) => ({
      name: `an image, ${workers} workers`,
      seconds: 1 / imagesPerSecond,
      speedUp: null,
    })),
    json: { config, set, step: STEP_SECONDS, steps: rounds, times },
  };
}

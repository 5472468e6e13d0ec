/** `bench io` as a table. @module */
import { formatTable } from "../../src/cli/table.ts";
import type { Terminal } from "../../src/cli/terminal.ts";
import { loadConfig } from "../../src/config/read.ts";
import type { Report } from "../report.ts";
import { drawFolder } from "./drawn_folder.ts";
import { benchIo, type IoTime } from "./io.ts";

/** Seconds of a simulated step. */
const STEP = 0.5;
const STEPS = 20;
/** Threads that are tried. */
const WORKERS = [0, 1, 2];

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
  const isDrawn = data.kind === "folder" && data.root === null;
  const root = isDrawn ? await Deno.makeTempDir({ prefix: "fst_io_" }) : null;
  const times: IoTime[] = [];
  try {
    if (root !== null) {
      log("drawing pictures; --set data.root=FOLDER measures your own");
      await drawFolder(root);
    }
    for (const workers of WORKERS) {
      const own = [...set, `data.workers=${workers}`];
      if (root !== null) own.push(`data.root=${JSON.stringify(root)}`);
      const options = { step: STEP, steps: rounds };
      times.push(await benchIo(await loadConfig(config, own), options));
    }
  } finally {
    if (root !== null) await Deno.remove(root, { recursive: true });
  }
  const right = (title: string) => ({ title, align: "right" as const });
  const table = formatTable(
    ["workers", "images/s", `waiting, of steps of ${STEP} s`].map(right),
    times.map(({ workers, imagesPerSecond, waiting }) => [
      String(workers),
      imagesPerSecond.toFixed(1),
      `${(100 * waiting).toFixed(1)} %`,
    ]),
    terminal,
  );
  const { crop, resize, batch } = data;
  const box = resize === null ? "" : ` of pictures in ${resize.width}×${resize.height}`;
  const text =
    `${table}\n${config}: ${batch} crops of ${crop.width}×${crop.height}${box} ` +
    `per domain${isDrawn ? ", drawn pictures of 960×720" : ""}`;
  return {
    text,
    bench: "io",
    backend: "none",
    adapter: "none",
    rows: times.map(({ workers, imagesPerSecond }) => ({
      name: `an image, ${workers} workers`,
      seconds: 1 / imagesPerSecond,
      speedUp: null,
    })),
    json: { config, set, step: STEP, steps: rounds, times },
  };
}

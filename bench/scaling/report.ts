/** `bench scaling` as tables. @module */
import { fileURLToPath } from "node:url";
import { formatBytes } from "../../src/cli/format_bytes.ts";
import { formatTable } from "../../src/cli/format_table.ts";
import type { Terminal } from "../../src/cli/terminal.ts";
import { configName, loadConfig } from "../../src/config/read.ts";
import {
  type BackendChoice,
  type CpuOptions,
  openBackend,
} from "../../src/core/backend.ts";
import { left, type Report, right } from "../report.ts";
import type { Message } from "./exchange_meter.ts";
import { communicationSeconds, LINKS, predictMessages, RANKS } from "./prediction.ts";
import {
  type Division,
  divisionsOf,
  measureScaling,
  type ScalingRow,
  type Spread,
} from "./scaling.ts";

const ROUNDS = 3;
const ITERATIONS = 4;

const LARGE_CONFIG = fileURLToPath(
  new URL("../../configs/gta5_to_cityscapes_mit_b5_self_training.yaml", import.meta.url),
);

/** Messages of an iteration, and how long a rank may compute in it. */
interface PredictedIteration {
  readonly name: string;
  readonly secondsPerIteration: readonly number[];
  readonly messages: readonly Message[];
}

/**
 * Measures ranks on this machine, and says what their messages would cost between machines.
 */
export async function scalingReport(
  { config: file, set, backend, cpu: { native, threads }, ...options }: {
    readonly config: string;
    readonly set: readonly string[];
    readonly backend: BackendChoice;
    readonly cpu: Required<CpuOptions>;
    readonly ranks: readonly number[];
    readonly rounds: number | undefined;
    readonly iterations: number | undefined;
    /** Of the network that is predicted for and not measured, as assumed. */
    readonly secondsPerIteration: readonly number[];
  },
  terminal: Terminal,
  log: (line: string) => void,
): Promise<Report> {
  const { ranks, rounds = ROUNDS, iterations = ITERATIONS } = options;
  const config = await loadConfig(file, set);
  const ofRank = threads === "auto" ? 1 : threads;
  const info = await openBackend(backend, { native, threads: ofRank });
  const cores = info.name === "wasm" ? navigator.hardwareConcurrency : null;
  const allRows = await measureScaling(
    config,
    divisionsOf(ranks, ofRank, cores),
    { backend, native, rounds, iterations },
    (division, round) => log(`round ${round + 1} of ${rounds}: ${nameOf(division)}`),
  );
  // Of a GPU the processor's time says nothing.
  const rows = cores !== null
    ? allRows
    : allRows.map((row) => ({ ...row, cpuSpeedUp: null }));

  const predicted: PredictedIteration[] = [];
  const measured = rows.find(({ ranks }) => ranks > 1);
  if (measured !== undefined) {
    const { ranks, perRank, messages } = measured;
    // One thread computes for as long as it has the processor; on a GPU it is not known.
    const own = cores !== null && ofRank === 1
      ? Math.max(...perRank.map(({ cpuSeconds }) => cpuSeconds))
      : (rows[0]?.perRank[0]?.seconds ?? NaN) / ranks;
    predicted.push({
      name: `${configName(file)}, as one of ${ranks} ranks here`,
      secondsPerIteration: [own],
      messages,
    });
  }
  predicted.push({
    name: `${configName(LARGE_CONFIG)}, assumed`,
    secondsPerIteration: options.secondsPerIteration,
    messages: await predictMessages(await loadConfig(LARGE_CONFIG)),
  });
  const text = [
    speedTable(rows, terminal),
    `${file} on ${info.name} (${info.adapter}): iterations of ` +
    `${config.data.batchSize} images per domain, without reading data, evaluating or ` +
    `writing; medians of ${rounds} rounds of ${iterations} iterations (least to most)`,
    ...notes(rows, cores),
    "",
    messageTable(predicted, terminal),
    "",
    predictionTable(predicted, terminal),
    PREDICTION_NOTE,
  ].join("\n");
  return {
    text,
    benchmark: "scaling",
    backend: info.name,
    adapter: info.adapter,
    rows: rows.map((row) => ({
      name: nameOf(row),
      seconds: Math.max(...row.perRank.map(({ seconds }) => seconds)),
      speedUp: null,
    })),
    json: {
      ...{ config: file, set, backend: info.name, adapter: info.adapter, cores },
      ...{ rounds, iterations, rows },
      predictions: predicted.map(({ name, messages, secondsPerIteration }) => ({
        ...{ name, messages: messages.length, bytes: totalBytes(messages) },
        iterations: secondsPerIteration.map((seconds) => ({
          secondsPerIteration: seconds,
          ranks: predictionsOf(messages, seconds),
        })),
      })),
    },
  };
}

const count = (number: number, what: string) =>
  `${number} ${what}${number === 1 ? "" : "s"}`;

function nameOf({ ranks, threads }: Division): string {
  return `${count(ranks, "rank")}, ${count(threads, "thread")}`;
}

const percent = (share: number) => `${(100 * share).toFixed(0)} %`;
const seconds = (values: readonly number[]) =>
  values.map((value) => value.toFixed(3)).join(" ");
const range = ({ median, least, most }: Spread, unit: string) =>
  `${median.toFixed(2)}${unit} (${least.toFixed(2)}–${most.toFixed(2)})`;

function speedTable(rows: readonly ScalingRow[], terminal: Terminal): string {
  return formatTable(
    [
      left("each with"),
      ...["images/s", "speed-up", "efficiency", "by CPU time"].map(right),
      right("over one on these cores"),
      ...["CPU s of a rank", "s in exchanges", "without waiting"].map(right),
    ],
    rows.map((row) => [
      nameOf(row),
      range(row.imagesPerSecond, ""),
      range(row.speedUp, "×"),
      percent(row.speedUp.median / (row.ranks * row.threads / (rows[0]?.threads ?? 1))),
      row.cpuSpeedUp === null ? "–" : range(row.cpuSpeedUp, "×"),
      row.speedUpOnSameCores === null ? "–" : range(row.speedUpOnSameCores, "×"),
      seconds(row.perRank.map(({ cpuSeconds }) => cpuSeconds)),
      row.ranks === 1 ? "–" : seconds(row.perRank.map((rank) => rank.exchangeSeconds)),
      row.ranks === 1 ? "–" : seconds([row.transferSeconds]),
    ]),
    terminal,
  );
}

function notes(rows: readonly ScalingRow[], cores: number | null): string[] {
  if (cores === null) {
    return [
      "ranks share this machine's GPU unless it has one for each; what they exchange goes " +
      "on beside their computing",
    ];
  }
  const sharing = rows.filter(({ ranks, threads }) => ranks * threads > cores);
  if (sharing.length === 0) return [];
  const names = sharing.map(nameOf).join("; ");
  return [
    `note       ${names}: share the ${
      count(cores, "core")
    } of this machine, so this is no ` +
    "measurement of scaling",
  ];
}

/** Bytes from which on a message takes longer than its latency. */
const LARGE_BYTES = 1e5;

const MESSAGE_GROUPS: Readonly<Record<string, (message: Message) => boolean>> = {
  [`sums of ${formatBytes(LARGE_BYTES)} or more`]: ({ kind, bytes }) =>
    kind === "sum" && bytes >= LARGE_BYTES,
  "smaller sums": ({ kind, bytes }) => kind === "sum" && bytes < LARGE_BYTES,
  gathers: ({ kind }) => kind === "gather",
};

const totalBytes = (messages: readonly Message[]) =>
  messages.reduce((sum, { bytes }) => sum + bytes, 0);

function messageTable(
  iterations: readonly PredictedIteration[],
  terminal: Terminal,
): string {
  return formatTable(
    [left("exchanged in an iteration"), ...["messages", "of a rank"].map(right)],
    iterations.flatMap(({ name, messages }) => [
      [name, String(messages.length), formatBytes(totalBytes(messages))],
      ...Object.entries(MESSAGE_GROUPS).map(([group, belongs]) => {
        const those = messages.filter(belongs);
        return [`  ${group}`, String(those.length), formatBytes(totalBytes(those))];
      }),
    ]),
    terminal,
  );
}

/** What each number of ranks and link makes of an iteration. */
function predictionsOf(messages: readonly Message[], secondsPerIteration: number) {
  return RANKS.map((ranks) => ({
    ranks,
    links: LINKS.map((link) => {
      const seconds = communicationSeconds(messages, ranks, link);
      const efficiency = secondsPerIteration / (secondsPerIteration + seconds);
      return { gigabitsPerSecond: link.gigabitsPerSecond, seconds, efficiency };
    }),
  }));
}

function predictionTable(
  iterations: readonly PredictedIteration[],
  terminal: Terminal,
): string {
  return formatTable(
    [
      left("predicted, one rank per machine"),
      right("ranks"),
      ...LINKS.map(({ gigabitsPerSecond }) => right(`${gigabitsPerSecond} Gb/s`)),
    ],
    iterations.flatMap(({ name, messages, secondsPerIteration }) =>
      secondsPerIteration.flatMap((seconds) =>
        predictionsOf(messages, seconds).map(({ ranks, links }, i) => [
          i > 0 ? "" : `${name}: ${seconds.toFixed(2)} s`,
          String(ranks),
          ...links.map(({ seconds, efficiency }) =>
            `${(1000 * seconds).toFixed(0)} ms, ${percent(efficiency)}`
          ),
        ])
      )
    ),
    terminal,
  );
}

const [{ efficiency, latency } = { efficiency: NaN, latency: NaN }] = LINKS;

const PREDICTION_NOTE =
  "what messages take, and the share of an iteration that is left for computing, where " +
  "every rank computes for these seconds, whatever their number. Assumed: a sum of S bytes " +
  "takes 2(N−1)/N·S/B + 2(N−1)·latency (a ring) or log2(N)·(S/B + latency), whichever is " +
  `less; B is ${percent(efficiency)} of the link, the latency ${
    latency * 1e6
  } µs. Not in ` +
  "it: copies between a GPU and its host (for MiT-B5 about 0.15 s), computing while " +
  "messages go on, and waiting for the slowest rank.";

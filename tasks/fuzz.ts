/**
 * Gives damaged files to what reads files of strangers; see `deno task fuzz --help`.
 *
 * @module
 */
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CommandMain, defineCommand } from "../src/cli/command.ts";
import { argument, option } from "../src/cli/option.ts";
import { fuzzParser, type FuzzReport } from "../tools/fuzz/fuzz.ts";
import { type ParserName, PARSERS } from "../tools/fuzz/parsers.ts";

const NAMES = Object.keys(PARSERS) as ParserName[];

/** Characters of what is wrong that are shown; --json has all. */
const MAX_DETAIL = 400;

/** A week. */
const MAX_SECONDS = 7 * 24 * 3600;

/** @returns The exit status: 0 nothing was found, 1 something was, 2 wrong usage. */
export const main: CommandMain = defineCommand({
  name: "deno task fuzz",
  description:
    "Give damaged files to what reads files of strangers, and report crashes, inputs that " +
    "take more than two seconds or much memory, and errors that are no plain sentence. The " +
    `parsers: ${NAMES.join(", ")}.`,
  examples: [
    "deno task fuzz --seconds 60",
    "deno task fuzz png --inputs 100000 --seed 2",
    "deno task fuzz png --input fst_fuzz/png_2_417",
  ],
  arguments: {
    parser: argument.optional(
      undefined,
      "what to fuzz; all, in turn, unless given",
    ),
  },
  options: {
    seconds: option.integer("N", "for all parsers together; 60 unless given"),
    inputs: option.integer("N", "per parser; as many as there is time for unless given"),
    seed: option.integer("N", "other seeds are other inputs; 0 unless given"),
    input: option.string("FILE", "read this file and no other, as one that was kept"),
    out: option.string("DIR", "where inputs are kept; fst_fuzz of the temporary folder"),
  },
  hasJson: true,
  handlesInterrupt: true,
  async action({ arguments: { parser }, options, print, signal }) {
    const names = parser === undefined ? NAMES : NAMES.filter((name) => name === parser);
    if (names.length === 0 || (options.input !== undefined && parser === undefined)) {
      throw new RangeError(
        `Cannot fuzz "${parser ?? options.input}": name a parser: ${NAMES.join(", ")}`,
      );
    }
    const seconds = options.seconds ?? (options.inputs === undefined ? 60 : MAX_SECONDS);
    const reports: FuzzReport[] = [];
    for (const name of names) {
      if (signal.aborted) break;
      const report = await fuzzParser(name, {
        seed: options.seed ?? 0,
        inputs: options.inputs ?? Number.MAX_SAFE_INTEGER,
        seconds: seconds / names.length,
        file: options.input ?? null,
        out: options.out ?? join(tmpdir(), "fst_fuzz"),
        signal,
      });
      reports.push(report);
      print(
        `${name.padEnd(11)} ${report.inputs} inputs in ${report.seconds.toFixed(1)} s: ` +
          `${report.findings.length || "no"} kinds of faults`,
      );
      for (const { kind, detail, file, count } of report.findings) {
        print(
          `  ${kind}, ${count} times, first with ${file}\n    ${
            detail.slice(0, MAX_DETAIL)
          }`,
        );
      }
    }
    const passed = reports.every(({ findings }) => findings.length === 0);
    return { exitCode: passed ? 0 : 1, json: { passed, parsers: reports } };
  },
});

if (import.meta.main) Deno.exit(await main(Deno.args));

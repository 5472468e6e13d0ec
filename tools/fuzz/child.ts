/**
 * Gives inputs to a parser, in a process of its own. Writes a line with the number of each
 * input before it is read, and one in JSON for each fault.
 *
 * @module
 */

import { readFile } from "node:fs/promises";
import { faultOf, type Finding, inputOf } from "./inputs.ts";
import { type Parser, type ParserName, PARSERS, readSeeds } from "./parsers.ts";

/** What a child is to do; plain JSON. */
export interface ChildJob {
  readonly parser: ParserName;
  /** Its folder, which is empty. */
  readonly folder: string;
  readonly seed: number;
  /** The number of the first input. */
  readonly from: number;
  /** The number after the last one. */
  readonly end: number;
  /** A file to read in place of them; null: none. */
  readonly file: string | null;
}

/** The longest that a small input may take, in milliseconds: twice, as machines are busy. */
export const SLOW_MS = 2000;

/** The most memory by which an input may let the process grow. */
const MAX_GROWTH = 512e6;

const emit = (line: string) => {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
};

async function runJob({ parser: name, folder, seed, from, end, file }: ChildJob) {
  const parser: Parser = PARSERS[name];
  const parse = await parser.open(folder);
  const check = async (bytes: Uint8Array, index: number | null) => {
    const report = (kind: Finding["kind"], detail: string) =>
      emit(JSON.stringify({ index, kind, detail } satisfies Finding));
    const timed = async () => {
      const start = performance.now();
      try {
        await parse(bytes.slice());
      } catch (error) {
        const fault = faultOf(error);
        if (fault !== null) report("message", fault);
      }
      return performance.now() - start;
    };
    const before = Deno.memoryUsage().rss;
    if (await timed() > SLOW_MS && await timed() > SLOW_MS) {
      report("hang", `takes more than ${SLOW_MS / 1000} s, twice`);
    }
    const growth = Deno.memoryUsage().rss - before;
    if (growth > MAX_GROWTH) report("memory", `takes ${Math.round(growth / 1e6)} MB`);
  };
  if (file !== null) return await check(new Uint8Array(await readFile(file)), null);
  const seeds = await readSeeds(parser);
  for (let index = from; index < end; index++) {
    emit(String(index));
    await check(inputOf(parser, seeds, seed, index), index);
  }
}

if (import.meta.main) {
  await runJob(JSON.parse(Deno.args[0] ?? ""));
  Deno.exit(0); // a parser may have left a server open
}

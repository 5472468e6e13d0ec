// What a rank does in tests: `rank_program.ts SCENE`.
import { createHash } from "node:crypto";
import { defineCommand, EXIT_CODE } from "../../src/cli/command.ts";
import { argument } from "../../src/cli/option.ts";
import { createRandom } from "../../src/core/random.ts";
import { useCommunicator } from "../../src/core/ranks.ts";
import { openRanks, type Ranks } from "../../src/distributed/open_ranks.ts";
import { listenForStop } from "../../src/distributed/stop_signal.ts";

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const forEver = () => sleep(2 ** 31 - 1);
const values = (...numbers: number[]) => new Float32Array(numbers);

/** Numbers of a rank between −1 and 1. */
function drawn(rank: number, count: number): Float32Array<ArrayBuffer> {
  const random = createRandom(rank, "values");
  return Float32Array.from({ length: count }, () => 2 * random.uniform() - 1);
}

const hashOf = (array: Float32Array) =>
  createHash("sha256").update(new Uint8Array(array.buffer)).digest("hex");

/** Results of every exchange, as a line of JSON per rank. */
async function exchange(ranks: Ranks) {
  const { rank, size } = ranks;
  const sums = [];
  for (const count of [1, 7, 1000, 100_003]) {
    const [now, later] = [drawn(rank, count), drawn(rank, count)];
    ranks.sum(now);
    await ranks.sumAsync(later);
    const expected = Array.from({ length: size }, (_, one) => drawn(one, count));
    const error = now.reduce((most, value, i) => {
      const exact = expected.reduce((sum, one) => sum + (one[i] ?? 0), 0);
      return Math.max(most, Math.abs(value - exact));
    }, 0);
    sums.push({ hash: hashOf(now), isSameLater: hashOf(later) === hashOf(now), error });
  }
  // A sum that waits for the others, and what may not be done meanwhile.
  let ticks = 0;
  const timer = setInterval(() => ticks++, 5);
  if (rank === size - 1) await sleep(500);
  const pending = [
    ranks.sumAsync(values(1)),
    ranks.gatherAsync(values(rank, 1)),
  ] as const;
  let refusal = "";
  try {
    ranks.sum(values(1));
  } catch (error) {
    refusal = String(error);
  }
  const [, gatheredLater] = await Promise.all(pending);
  clearInterval(timer);
  const group = ranks.split(rank % 2);
  const ofGroup = values(rank);
  group.sum(ofGroup);
  const bytes = rank === 0 ? new Uint8Array([3, 1, 4]) : null;
  const none = rank === 0 ? new Uint8Array() : null;
  return {
    ...{
      rank,
      size,
      sums,
      ticks,
      refusal,
      localRank: ranks.localRank,
      localSize: ranks.localSize,
    },
    gathered: [...ranks.gather(values(rank, -rank))],
    gatheredLater: [...gatheredLater],
    group: [group.rank, group.size, ...ofGroup],
    groupTexts: group.gatherTexts(`${rank}`),
    texts: ranks.gatherTexts("ü".repeat(rank)),
    broadcast: [...await ranks.broadcast(bytes), ...await ranks.broadcast(none)],
  };
}

type Scene = (ranks: Ranks, print: (line: string) => void) => Promise<number | void>;

const SCENES: Readonly<Record<string, Scene>> = {
  async exchange(ranks, print) {
    print(JSON.stringify(await exchange(ranks)));
  },
  async throws(ranks) {
    if (ranks.rank === 1) throw new Error("Cannot do it: this is a test");
    for (;;) ranks.sum(await Promise.resolve(values(1)));
  },
  async rejects(ranks) {
    const pending = ranks.sumAsync(values(1));
    if (ranks.rank === 1) Promise.reject(new Error("Cannot do it: this is a test"));
    await pending;
    await forEver();
  },
  async sums(ranks, print) {
    print(`process ${Deno.pid}`);
    for (;;) await ranks.sumAsync(new Float32Array(1000));
  },
  async hangs(ranks) {
    if (ranks.rank === 1) await forEver();
    ranks.sum(values(1, 2, 3));
  },
  async hangsLater(ranks) {
    if (ranks.rank === 1) { for (;;); }
    await ranks.gatherAsync(values(1, 2, 3));
  },
  async stops(ranks, print) {
    const stop = listenForStop(); // to the end: the signal may come twice
    print(`process ${Deno.pid}`);
    const asked = values(0);
    let iterations = 0;
    for (; asked[0] === 0; iterations++) {
      asked[0] = stop.signal.aborted ? 1 : 0;
      await ranks.sumAsync(asked);
    }
    print(`stopped after ${iterations}`);
    return EXIT_CODE.stopped;
  },
};

const main = defineCommand({
  name: "rank_program.ts",
  description: "Plays a scene.",
  examples: [],
  arguments: { scene: argument.one("one of them") },
  options: {},
  async action({ arguments: { scene }, print }) {
    const ranks = await openRanks();
    if (ranks === null) throw new Error("Cannot play alone");
    useCommunicator(ranks);
    const exitCode = await SCENES[scene]?.(ranks, print) ?? EXIT_CODE.done;
    await ranks.finalize();
    return { exitCode };
  },
});

Deno.exit(await main(Deno.args));

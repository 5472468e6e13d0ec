// Real ranks; what each does is in rank_program.ts.
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { openRanks } from "../../src/distributed/open_ranks.ts";
import { onRanks, type RankProcesses, startRanks } from "../support/mpi.ts";

const PROGRAM = new URL("./rank_program.ts", import.meta.url);

const start = (ranks: number, scene: string, env = {}): RankProcesses =>
  startRanks(ranks, PROGRAM, [scene], env);

Deno.test("openRanks() joins nobody where nothing has started others", async () => {
  assert.equal(await openRanks(null), null);
});

for (const size of [1, 2, 4]) {
  onRanks(`ranks exchange values and have the same bits of them: ${size}`, async () => {
    await using ranks = start(size, "exchange");
    const { code, out, error } = await ranks.ended();
    assert.equal(code, 0, error);
    const results = out.trim().split("\n").map((line) => JSON.parse(line))
      .sort((a, b) => a.rank - b.rank);
    const numbers = Array.from({ length: size }, (_, rank) => rank);
    assert.deepEqual(results.map(({ rank }) => rank), numbers);
    for (const { rank, sums, ...result } of results) {
      assert.equal(result.size, size);
      assert.equal(result.localRank, rank);
      assert.equal(result.localSize, size);
      for (const [i, { hash, isSameLater, error }] of sums.entries()) {
        assert.equal(hash, results[0].sums[i].hash, `sum ${i} of rank ${rank}`);
        assert(isSameLater, `sumAsync() ${i} of rank ${rank}`);
        assert(error < size * 1e-6, `sum ${i} of rank ${rank} is wrong by ${error}`);
      }
      // -0 as JSON has it.
      assert.deepEqual(result.gathered, numbers.flatMap((one) => [one, -one || 0]));
      assert.deepEqual(result.gatheredLater, numbers.flatMap((one) => [one, 1]));
      const group = numbers.filter((one) => one % 2 === rank % 2);
      const sum = group.reduce((sum, one) => sum + one);
      assert.deepEqual(result.group, [group.indexOf(rank), group.length, sum]);
      assert.deepEqual(result.groupTexts, group.map(String));
      assert.deepEqual(result.texts, numbers.map((one) => "ü".repeat(one)));
      assert.deepEqual(result.broadcast, [3, 1, 4]);
      assert.match(
        result.refusal,
        /Cannot begin a sum of ranks: another exchange is pending/,
      );
      if (rank < size - 1) assert(result.ticks > 0, `no timer of rank ${rank} ran`);
    }
  });
}

for (const scene of ["throws", "rejects"]) {
  onRanks(`a rank that ${scene} ends all with its sentence and status`, async () => {
    await using ranks = start(2, scene);
    const { code, error } = await ranks.ended();
    assert.equal(code, 1);
    const sentences = error.split("\n").filter((line) => line.includes("Cannot"));
    const label = `rank 1 on "${Deno.hostname()}": `;
    assert.deepEqual(sentences, [`${label}Cannot do it: this is a test`], error);
  });
}

onRanks("openRanks() refuses the MPI of another mpirun", async () => {
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", fileURLToPath(PROGRAM), "exchange"],
    env: { OMPI_COMM_WORLD_RANK: "0", OMPI_COMM_WORLD_SIZE: "2", NO_COLOR: "1" },
  }).output();
  assert.equal(code, 1);
  assert.match(
    new TextDecoder().decode(stderr),
    /^Cannot join 2 ranks: Open MPI has started them, but .* \(lib.*\) knows 1: take the /,
  );
});

/** Waits until processes are gone. */
async function assertEnd(pids: readonly number[]): Promise<void> {
  const deadline = Date.now() + 30_000;
  for (const pid of pids) {
    // That of one which has ended, but is not waited for, is empty.
    const commandLine = () => Deno.readTextFile(`/proc/${pid}/cmdline`).catch(() => "");
    while (await commandLine() !== "") {
      assert(Date.now() < deadline, `process ${pid} is still there`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

const pidsOf = async (ranks: RankProcesses): Promise<number[]> =>
  (await ranks.printed(/process (\d+)\n/)).map((line) => Number(line.split(" ")[1]));

onRanks("a rank that is killed ends all", async () => {
  await using ranks = start(2, "sums");
  const pids = await pidsOf(ranks);
  Deno.kill(pids[0] ?? 0, "SIGKILL");
  const { code } = await ranks.ended();
  assert([128 + 9, 9].includes(code), `status ${code}`); // Open MPI's and MPICH's
  await assertEnd(pids);
});

onRanks("all ranks end where mpirun is killed", async () => {
  await using ranks = start(2, "sums");
  const pids = await pidsOf(ranks);
  ranks.process.kill("SIGKILL");
  await assertEnd(pids);
});

for (const [scene, what] of [["hangs", "sum"], ["hangsLater", "gather"]] as const) {
  onRanks(`who waits too long in a ${what} says so and ends all [${scene}]`, async () => {
    await using ranks = start(2, scene, { FST_MPI_TIMEOUT: "5" });
    const { code, error } = await ranks.ended();
    assert.equal(code, 70, error);
    assert.match(
      error,
      new RegExp(
        "^Cannot go on: rank 0 of 2 has waited 5 s for the others in a " +
          `${what} of 3 values: another rank hangs or is much slower; if it is slow, ` +
          "raise the limit of seconds with FST_MPI_TIMEOUT$",
        "m",
      ),
    );
  });
}

onRanks("SIGUSR1 to mpirun stops all ranks at the same iteration", async () => {
  await using ranks = start(2, "stops");
  await pidsOf(ranks);
  ranks.process.kill("SIGUSR1");
  const [first, second] = await ranks.printed(/stopped after (\d+)\n/);
  assert.equal(first, second);
  assert.equal((await ranks.ended()).code, 75);
});

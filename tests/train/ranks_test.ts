// A run is the same for any number of ranks but for the order of sums.
import assert from "node:assert/strict";
import { join } from "node:path";
import { type Checkpoint, splitSections } from "../../src/weights/checkpoint.ts";
import { loadCheckpoint } from "../../src/weights/checkpoint_file.ts";
import { BACKENDS, hasBackend } from "../support/backends.ts";
import { inFolder } from "../support/files.ts";
import { onRanks, startRanks } from "../support/mpi.ts";
import { type RunName, trainRuns } from "./rank_training.ts";

const PROGRAM = new URL("./rank_training.ts", import.meta.url);

/** ‖a − b‖ / ‖a‖ over the weights of student and teacher. */
function relativeDifference(a: Checkpoint, b: Checkpoint, isCounted = all): number {
  const [sections, others] = [splitSections(a.tensors), splitSections(b.tensors)];
  let [difference, norm] = [0, 0];
  for (const section of ["student", "teacher"] as const) {
    for (const [name, { dtype, bytes }] of sections[section] ?? []) {
      if (dtype !== "F32" || !isCounted(section, name)) continue;
      const values = new Float32Array(bytes.slice().buffer);
      const other = others[section]?.get(name) ?? assert.fail(name);
      const otherValues = new Float32Array(other.bytes.slice().buffer);
      values.forEach((value, i) => {
        difference += (value - (otherValues[i] ?? NaN)) ** 2;
        norm += value ** 2;
      });
    }
  }
  return Math.sqrt(difference / norm);
}

const all = (_section: "student" | "teacher", _name: string): boolean => true;

const lastOf = (folder: string, name: RunName) =>
  loadCheckpoint(join(folder, name, "last.safetensors"));

/** Starts ranks that train into a folder, and waits for their end. */
async function trainOnRanks(size: number, folder: string, ...args: readonly string[]) {
  const [backend = "", futures = "", ...names] = args;
  await using ranks = startRanks(size, PROGRAM, [backend, futures, folder, ...names]);
  const { code, error } = await ranks.ended();
  assert.equal(code, 0, error);
}

for (const backend of BACKENDS) {
  onRanks(
    `train() on 2 and 4 ranks gives the weights of one [${backend}]`,
    () =>
      inFolder(async (folder) => {
        const names = ["self-training", "deep", "wide"] as const;
        const alone = join(folder, "1");
        await trainRuns(alone, names, { backend });
        for (const size of [2, 4]) {
          const together = join(folder, String(size));
          await trainOnRanks(size, together, backend, "together", ...names);
          for (const name of names) {
            const one = await lastOf(alone, name);
            const difference = relativeDifference(one, await lastOf(together, name));
            assert(difference < 1e-5, `${name} on ${size} ranks: ${difference}`);
          }
        }
      }),
    { ignore: !hasBackend(backend) },
  );
}

onRanks(
  "train() of semi-supervised methods on 2 ranks gives the weights of one",
  () =>
    inFolder(async (folder) => {
      const names = ["mean-teacher", "weak-to-strong"] as const;
      const [alone, together] = [join(folder, "1"), join(folder, "2")];
      await trainRuns(alone, names, { backend: "wasm" });
      await trainOnRanks(2, together, "wasm", "together", ...names);
      for (const name of names) {
        const one = await lastOf(alone, name);
        const difference = relativeDifference(one, await lastOf(together, name));
        assert(difference < 1e-5, `${name}: ${difference}`);
      }
    }),
);

onRanks(
  "train() with a group of ranks for each future gives the weights of one",
  () =>
    inFolder(async (folder) => {
      const [alone, together] = [join(folder, "1"), join(folder, "4")];
      await trainRuns(alone, ["wide"], { backend: "wasm" });
      await trainOnRanks(4, together, "wasm", "ranks", "wide");
      // The teacher's running statistics are means of those of the groups.
      const isCounted = (section: "student" | "teacher", name: string) =>
        section === "student" || !/running_(mean|var)$/.test(name);
      const one = await lastOf(alone, "wide");
      const difference = relativeDifference(
        one,
        await lastOf(together, "wide"),
        isCounted,
      );
      assert(difference < 1e-5, `${difference}`);
    }),
);

// That running statistics are the same on both is checked by the run.
onRanks(
  "train() on 2 ranks may leave each the statistics of its own images",
  () =>
    inFolder(async (folder) => {
      const [alone, together] = [join(folder, "1"), join(folder, "2")];
      await trainRuns(alone, ["own-statistics"], { backend: "wasm" });
      await trainOnRanks(2, together, "wasm", "together", "own-statistics");
      const one = await lastOf(alone, "own-statistics");
      const two = await lastOf(together, "own-statistics");
      const difference = relativeDifference(one, two);
      assert(difference > 1e-5 && difference < 0.1, `${difference}`);
    }),
);

import assert from "node:assert/strict";
import { join } from "node:path";
import { inFolder } from "../support/files.ts";
import { onRanks, startRanks } from "../support/mpi.ts";
import { scoreSets } from "./rank_evaluation.ts";

const PROGRAM = new URL("./rank_evaluation.ts", import.meta.url);

onRanks("evaluate() on 2 and 3 ranks gives each the very counts of one", async () => {
  const expected = await scoreSets();
  assert.match(expected, /"images":5.*"confusion":.*[1-9]\d.*"trimap":\{"pixels":2/);
  for (const size of [2, 3]) {
    await inFolder(async (folder) => {
      await using ranks = startRanks(size, PROGRAM, [folder]);
      const { code, error } = await ranks.ended();
      assert.equal(code, 0, error);
      for (let rank = 0; rank < size; rank++) {
        const scores = await Deno.readTextFile(join(folder, `${rank}.json`));
        assert.equal(scores, expected, `rank ${rank} of ${size}`);
      }
    });
  }
});

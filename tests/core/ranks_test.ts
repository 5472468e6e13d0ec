import assert from "node:assert/strict";
import {
  type Communicator,
  divideFutures,
  fromRankZero,
  futureBatchIndices,
  inFutureGroup,
  isTrueOnAnyRank,
  partIndices,
  partStart,
  rankCount,
  useCommunicator,
} from "../../src/core/ranks.ts";
import { likeRanks } from "../support/like_ranks.ts";

const asRank = async (ranks: Communicator, run: () => void | Promise<void>) => {
  useCommunicator(ranks);
  try {
    await run();
  } finally {
    divideFutures(null);
    useCommunicator(null);
  }
};

Deno.test("partIndices() gives each rank an equal part of every micro-batch", () =>
  asRank(likeRanks(1, 2), () => {
    assert.deepEqual(partIndices(8, 1), [4, 5, 6, 7]);
    assert.deepEqual(partIndices(8, 2), [2, 3, 6, 7]);
    assert.deepEqual(partIndices(8, 2, 0), [0, 1, 4, 5]);
    assert.equal(partStart(4), 4);
  }));

Deno.test("partIndices() of a process that trains alone is the whole batch", () => {
  assert.deepEqual(partIndices(4, 2), [0, 1, 2, 3]);
  assert.equal(rankCount(), 1);
});

Deno.test("divideFutures() gives neighboring ranks a future", () =>
  asRank(likeRanks(2, 4), () => {
    assert.deepEqual(futureBatchIndices(2), [1, 2]);
    divideFutures(2);
    assert.deepEqual(futureBatchIndices(2), [2]);
    assert.deepEqual(inFutureGroup(() => partIndices(4, 1)), [0, 1]);
    assert.deepEqual(partIndices(4, 1), [2]);
    assert.throws(() => divideFutures(3), /Cannot divide 3 futures among 4 ranks: /);
  }));

Deno.test("fromRankZero() runs the code on the first rank alone", async () => {
  await asRank(likeRanks(0, 2), async () => {
    assert.deepEqual(await fromRankZero(() => Promise.resolve({ a: [1] })), { a: [1] });
  });
  await asRank(likeRanks(1, 2), async () => {
    const found = await fromRankZero(() => Promise.reject(new Error("ran")));
    assert.equal(found, null); // what the stand-in for rank 0 gives
  });
});

Deno.test("isTrueOnAnyRank() is true where one rank says so", () =>
  asRank(likeRanks(0, 2), async () => {
    assert.equal(await isTrueOnAnyRank(true), true);
    assert.equal(await isTrueOnAnyRank(false), false);
  }));

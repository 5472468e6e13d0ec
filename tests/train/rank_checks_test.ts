import assert from "node:assert/strict";
import type { Parameter } from "../../src/core/network.ts";
import { divideFutures, useCommunicator } from "../../src/core/ranks.ts";
import { futureGroupsNote } from "../../src/train/rank_checks.ts";
import { likeRanks } from "../support/like_ranks.ts";

const parameter = (name: string, parts: Partial<Parameter>): Parameter => ({
  name,
  shape: [1],
  layout: "plain",
  initializer: { kind: "constant", value: 0 },
  trainable: true,
  ...parts,
});

Deno.test("futureGroupsNote() is about running statistics of futures on ranks", () => {
  const weight = parameter("weight", {});
  const frozen = parameter("frozen", { trainable: false, isFrozen: true });
  const mean = parameter("running_mean", { trainable: false });
  assert.equal(futureGroupsNote({ parameters: [weight, mean] }), null);
  useCommunicator(likeRanks(0, 2));
  try {
    divideFutures(2);
    assert.match(
      futureGroupsNote({ parameters: [weight, mean] }) ?? "",
      /running statistics/,
    );
    assert.equal(futureGroupsNote({ parameters: [weight, frozen] }), null);
  } finally {
    divideFutures(null);
    useCommunicator(null);
  }
});

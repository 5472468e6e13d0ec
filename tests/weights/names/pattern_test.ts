import assert from "node:assert/strict";
import {
  anyNameMatches,
  fillPattern,
  matchPattern,
} from "../../../src/weights/names/pattern.ts";

const turn = (from: string, to: string, name: string) => {
  const captures = matchPattern(from, name);
  return captures === null ? null : fillPattern(to, captures);
};

Deno.test("fillPattern() shifts numbers in the target", () => {
  assert.equal(
    turn("block.{s}.{k}.*", "block{s+1}.{k}.*", "block.0.12.q.b"),
    "block1.12.q.b",
  );
  assert.equal(turn("stage{n}", "norm{n-1}", "stage4"), "norm3");
  assert.equal(turn("stage{n}", "norm{n-1}", "stageX"), null);
  assert.equal(turn("stage{n}", "norm{n-1}", "a.stage1"), null);
});

Deno.test("matchPattern() finds options or none, and fillPattern() keeps them", () => {
  const pattern = "[swin.|backbone.]layers.{i}.*";
  assert.equal(turn(pattern, "stages.{i}.*", "layers.0.w"), "stages.0.w");
  assert.equal(turn(pattern, "stages.{i}.*", "backbone.layers.0.w"), "stages.0.w");
  assert.equal(
    turn(pattern, "[swin.|backbone.]x.{i}.*", "swin.layers.0.w"),
    "swin.x.0.w",
  );
  assert.equal(turn(pattern, "stages.{i}.*", "decoder.layers.0.w"), null);
});

Deno.test("fillPattern() fills stars in their order, and dots are dots", () => {
  assert.equal(turn("a.*.norm.*", "b.*.bn.*", "a.x.y.norm.weight"), "b.x.y.bn.weight");
  assert.equal(matchPattern("a.b", "a-b"), null);
  const tensors = new Map([["a", 1], ["b.1", 2]]);
  assert(anyNameMatches(tensors, "b.{i}"));
  assert(!anyNameMatches(tensors, "c.*"));
});

Deno.test("fillPattern() refuses a target with more variables than its source", () => {
  assert.throws(() => turn("a.{i}", "b.{k}", "a.1"), {
    name: "RangeError",
    message: 'Cannot fill the pattern "b.{k}": nothing was captured for "{k}"',
  });
});

import assert from "node:assert/strict";
import { resolveClassIds } from "../../src/config/data.ts";
import { didYouMean, nearestWord } from "../../src/config/did_you_mean.ts";

Deno.test("nearestWord() finds swapped, missing and added letters", () => {
  const known = ["seed", "iterations", "evaluation"];
  assert.equal(nearestWord("sede", known), "seed");
  assert.equal(nearestWord("Iteration", known), "iterations");
  assert.equal(nearestWord("evalutions", known), "evaluation");
  assert.equal(nearestWord("batch", known), null);
  assert.equal(didYouMean("batch", known), "");
  assert.equal(didYouMean("sed", known), '; did you mean "seed"?');
});

Deno.test("resolveClassIds() resolves names and ids, each once", () => {
  const classes = [{ name: "sky" }, { name: "road" }, { name: "car" }];
  assert.deepEqual(resolveClassIds(["car", 0, 2], classes), [2, 0]);
  assert.throws(() => resolveClassIds(["cat"], classes), {
    name: "RangeError",
    message: 'Unknown class "cat"; did you mean "car"?',
  });
});

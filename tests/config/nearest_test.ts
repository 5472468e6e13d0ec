import assert from "node:assert/strict";
import { classIds } from "../../src/config/class_ids.ts";
import { nearest, suggestion } from "../../src/config/nearest.ts";

Deno.test("nearest() finds swapped, missing and added letters", () => {
  const known = ["seed", "iterations", "evaluation"];
  assert.equal(nearest("sede", known), "seed");
  assert.equal(nearest("Iteration", known), "iterations");
  assert.equal(nearest("evalutions", known), "evaluation");
  assert.equal(nearest("batch", known), null);
  assert.equal(suggestion("batch", known), "");
  assert.equal(suggestion("sed", known), '; did you mean "seed"?');
});

Deno.test("classIds() resolves names and ids, each once", () => {
  const classes = [{ name: "sky" }, { name: "road" }, { name: "car" }];
  assert.deepEqual(classIds(["car", 0, 2], classes), [2, 0]);
  assert.throws(() => classIds(["cat"], classes), {
    name: "RangeError",
    message: 'Unknown class "cat"; did you mean "car"?',
  });
});

import assert from "node:assert/strict";
import {
  applyRules,
  concatRule,
  ignoreRule,
  renameRule,
  splitRule,
} from "../../../src/weights/names/naming_scheme.ts";
import { concatRows, splitRows } from "../../../src/weights/names/tensor_transforms.ts";
import { distinct } from "./own_weights.ts";

const rules = [
  concatRule(["{i}.key.*", "{i}.value.*"], "kv{i}.*", concatRows),
  splitRule("{i}.packed", ["q{i}", "kv{i}.weight"], (value) => splitRows(value, [1, 2])),
  renameRule("old.*", "new.*"),
  renameRule("older.*", "new.*"),
  ignoreRule("index"),
];
const SCHEME = { name: "theirs", rules };

Deno.test("applyRules() finds what belongs together in any order", () => {
  const file = new Map([
    ["1.value.weight", distinct(1, 2)],
    ["index", distinct(1)],
    ["1.key.weight", distinct(2, 2)],
    ["unknown", distinct(1)],
  ]);
  const { tensors, unknown } = applyRules(file, SCHEME, "x.pth");
  assert.deepEqual([...tensors.keys()], ["kv1.weight", "unknown"]);
  assert.deepEqual(unknown, ["unknown"]);
  assert.deepEqual(tensors.get("kv1.weight")?.shape, [3, 2]);
});

Deno.test("applyRules() names the missing half", () => {
  const file = new Map([["0.value.bias", distinct(2)]]);
  assert.throws(() => applyRules(file, SCHEME, "x.pth"), {
    name: "SyntaxError",
    message: 'Cannot translate the names of "x.pth": "0.value.bias" belongs with ' +
      '"0.key.bias", which is missing',
  });
});

Deno.test("applyRules() does not let two tensors become one", () => {
  const file = new Map([["old.a", distinct(2)], ["older.a", distinct(2)]]);
  assert.throws(() => applyRules(file, SCHEME, "x.pth"), {
    name: "SyntaxError",
    message:
      'Cannot translate the names of "x.pth": "older.a" and another tensor both become ' +
      '"new.a"',
  });
});

Deno.test("applyRules() says which tensor cannot be cut", () => {
  const file = new Map([["0.packed", distinct(4, 2)]]);
  assert.throws(() => applyRules(file, SCHEME, "x.pth"), {
    name: "SyntaxError",
    message:
      /"0\.packed" does not have the shape it should: Cannot split .* multiple of 3$/,
  });
});

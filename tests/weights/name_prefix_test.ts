import assert from "node:assert/strict";
import { commonWrapper, stripPrefix } from "../../src/weights/name_prefix.ts";

Deno.test("commonWrapper() finds the chain of wrappers that all names share", () => {
  assert.equal(
    commonWrapper(["module.model.module.a.weight", "module.model.module.b"]),
    "module.model.module.",
  );
  assert.equal(commonWrapper(["model.a", "ema_model.a"]), "");
  assert.equal(commonWrapper(["a", "module.b"]), "");
  assert.equal(commonWrapper(["module."]), "");
  assert.equal(commonWrapper([]), "");
});

Deno.test("stripPrefix() takes the values under a prefix and leaves the others", () => {
  const values = new Map([["model.a", 1], ["ema_model.a", 2], ["model.b", 3]]);
  assert.deepEqual([...stripPrefix(values, "model.")], [["a", 1], ["b", 3]]);
  assert.deepEqual([...stripPrefix(values, "ema_model.")], [["a", 2]]);
  assert.deepEqual(stripPrefix(values, ""), values);
});

Deno.test("stripPrefix() refuses a prefix that no name has", () => {
  assert.throws(() => stripPrefix(new Map([["a.b", 1]]), "module."), {
    name: "RangeError",
    message:
      'Cannot strip the prefix "module.": no name begins with it; the first is "a.b"',
  });
});

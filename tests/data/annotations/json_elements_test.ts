import assert from "node:assert/strict";
import { visitJsonElements } from "../../../src/data/annotations/json_elements.ts";

/** The elements of the lists "a" and "b", as texts. */
function elementsOf(text: string) {
  const bytes = new TextEncoder().encode(text);
  const found: string[] = [];
  const keys = visitJsonElements(bytes, ["a", "b"], (key, from, to) => {
    found.push(`${key} ${new TextDecoder().decode(bytes.subarray(from, to))}`);
  });
  return { keys: [...keys], found };
}

Deno.test("visitJsonElements() finds the elements between any other values", () => {
  const text =
    `\uFEFF { "x": {"a": [1, {"b": [2]}]}, "a" : [ {"s":"]},\\"[{"} , 1.5e3,[ ] ],
    "\\u0062":["ü"], "c":[9], "d":null,"e":"}" }\r\n`;
  assert.deepEqual(elementsOf(text), {
    keys: ["a", "b"],
    found: ['a {"s":"]},\\"[{"}', "a 1.5e3", "a [ ]", 'b "ü"'],
  });
  assert.deepEqual(elementsOf("{}"), { keys: [], found: [] });
  assert.deepEqual(elementsOf('{"a": [], "b": {}}'), { keys: ["a"], found: [] });
});

Deno.test("visitJsonElements() says where a file ends early, at any byte", () => {
  const text = '{"x": {"y": [1, "\\\\"]}, "a": [{"s": "t"}, 2], "c": null}';
  for (let length = 0; length < text.length; length++) {
    assert.throws(() => elementsOf(text.slice(0, length)), /ends too early/, `${length}`);
  }
  assert.equal(elementsOf(text).found.length, 2);
});

Deno.test("visitJsonElements() refuses what is no object, and what follows it", () => {
  for (
    const text of ["[1]", "7", '{"a": [1 2]}', '{"a": [,]}', '{"a" 1}', "{a: 1}", "{} x"]
  ) assert.throws(() => elementsOf(text), /no JSON object \(byte \d+\)/, text);
});

Deno.test("visitJsonElements() refuses two lists of one key", () => {
  assert.throws(
    () => elementsOf('{"a": [1], "x": 0, "a": [2]}'),
    /it has "a" twice: join/,
  );
  assert.equal(elementsOf('{"x": [1], "a": [], "x": [2]}').found.length, 0);
});

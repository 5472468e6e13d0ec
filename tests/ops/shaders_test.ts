// What holds for the text of every shader.
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { sourcesBelow } from "../support/files.ts";

const SRC = fileURLToPath(new URL("../../src/", import.meta.url));

const SHADERS = await Array.fromAsync(sourcesBelow(SRC, ".wgsl"), async (path) => {
  const code = (await Deno.readTextFile(path)).replaceAll(/\/\/.*/g, "");
  return [path, code] as const;
});

/** What no shader holds, and why. */
const REFUSED: readonly (readonly [string, RegExp, string])[] = [
  ["short-circuit operators", /&&|\|\|/, "each is a branch: inlined, it hangs compilers"],
  ["tanh", /\btanh\(/, "it overflows to NaN on some drivers"],
  ["x != x", /\b(\w+) != \1\b/, "drivers may compute as if there were no NaN"],
  ["the lowest number", /-\s*3\.[34]\d*e38/, "a difference of it and a number overflows"],
];

for (const [what, pattern, why] of REFUSED) {
  Deno.test(`shaders do without ${what}`, () => {
    assert.ok(SHADERS.length > 50, "shaders were found");
    for (const [path, code] of SHADERS) {
      assert.doesNotMatch(code, pattern, `${path}: ${why}`);
    }
  });
}

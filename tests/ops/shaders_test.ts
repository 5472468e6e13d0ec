// What holds for the text of every shader.
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { join } from "node:path";

const SRC = fileURLToPath(new URL("../../src/", import.meta.url));

async function shadersIn(folder: string): Promise<(readonly [string, string])[]> {
  const found: (readonly [string, string])[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = join(folder, name);
    if (isDirectory) found.push(...await shadersIn(path));
    else if (name.endsWith(".wgsl")) {
      const code = (await Deno.readTextFile(path)).replaceAll(/\/\/.*/g, "");
      found.push([path, code]);
    }
  }
  return found;
}

const SHADERS = await shadersIn(SRC);

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

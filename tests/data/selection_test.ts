import assert from "node:assert/strict";
import { compileGlob } from "../../src/data/selection.ts";
import { createRandom } from "../../src/core/random.ts";

Deno.test("compileGlob() fits what a regular expression fits", () => {
  const random = createRandom(1, "glob");
  const word = (letters: string, most: number) =>
    Array.from(
      { length: random.integer(most + 1) },
      () => letters[random.integer(letters.length)],
    ).join("");
  for (let i = 0; i < 5000; i++) {
    const [pattern, text] = [word("ab*.", 6), word("ab.", 8)];
    const expression = pattern.replaceAll(".", "\\.").replaceAll("*", ".*");
    const expected = new RegExp(`^${expression}$`).test(text);
    assert.equal(compileGlob(pattern).test(text), expected, `${pattern} on ${text}`);
  }
});

Deno.test("compileGlob() takes no longer for patterns of many stars", () => {
  const text = "a".repeat(10_000);
  const start = performance.now();
  assert.ok(!compileGlob(`${"*a".repeat(2000)}*b`).test(text));
  assert.ok(!compileGlob(`${"*a".repeat(2000)}*b*`).test(text));
  assert.ok(compileGlob(`${"*a".repeat(2000)}*`).test(text));
  assert.ok(performance.now() - start < 1000);
});

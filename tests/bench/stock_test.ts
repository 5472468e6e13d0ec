import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const STOCK = fileURLToPath(new URL("../../bench/stock/", import.meta.url));
const OPS = fileURLToPath(new URL("../../src/ops/", import.meta.url));

/** Of attention.ts and conv2d.ts, with which they are replaced. */
const PARTS = new Set([
  "attention_without_scores.ts",
  "conv2d_implicit.ts",
  "conv2d_stock.ts",
]);
/** Of a contrast of pixels, whose iterations no benchmark takes. */
const UNTIMED = new Set([
  "contrast_roles.ts",
  "gather_rows.ts",
  "memory_bank.ts",
  "row_draws.ts",
]);

const { imports } = JSON.parse(
  await Deno.readTextFile(join(STOCK, "import_map.json")),
) as { imports: Readonly<Record<string, string>> };
const replaced = new Map(
  Object.entries(imports).map(([ours, stock]) => [join(STOCK, ours), join(STOCK, stock)]),
);

Deno.test("every operation with a kernel has a composition of stock operations", async () => {
  for await (const { name } of Deno.readDir(OPS)) {
    const text = await Deno.readTextFile(join(OPS, name));
    if (!/from "\.\.\/kernels\//.test(text) || PARTS.has(name) || UNTIMED.has(name)) {
      continue;
    }
    assert(
      replaced.has(join(OPS, name)),
      `src/ops/${name}: write bench/stock/${name} of stock operations with the same ` +
        "exports, name it in bench/stock/import_map.json, and add a pair to bench/pairs",
    );
  }
});

Deno.test("stock modules export what they stand for", async () => {
  for (const [ours, stock] of replaced) {
    const wanted = Object.keys(await import(`file://${ours}`));
    const found = Object.keys(await import(`file://${stock}`));
    for (const name of wanted) {
      assert(found.includes(name), `${stock} lacks "${name}" of ${ours}`);
    }
  }
});

Deno.test("stock modules use no kernel of ours", async () => {
  for (const stock of replaced.values()) {
    const text = await Deno.readTextFile(stock);
    for (const [, path = ""] of text.matchAll(/\bfrom "([^"]+)"/g)) {
      // Constants and functions of the host have a file of their own.
      const isPlain = /\/(reference|conv_sizes)\.ts$/.test(path);
      const type = new RegExp(`import type [^;]*"${path}"|export type [^;]*"${path}"`);
      assert(
        !join(dirname(stock), path).includes("/src/kernels/") || isPlain ||
          type.test(text),
        `${stock} imports ${path}`,
      );
    }
  }
});

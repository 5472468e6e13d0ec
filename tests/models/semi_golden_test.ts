// The semi-supervised networks against the reference. Their goldens are not kept in this
// repository; without them beside it the tests are reported as ignored.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { verifyFile } from "../../src/verify/mod.ts";
import { onEachBackend } from "../support/mod.ts";

const beside = (name: string) =>
  fileURLToPath(new URL(`../../../shared/golden/${name}.json`, import.meta.url));

for (const head of ["deeplabv3plus", "psp"]) {
  const path = beside(`net_semi_r50_${head}`);
  const name = `a semi-supervised network with the head ${head} is the reference's`;
  if (!existsSync(path)) {
    Deno.test.ignore(name, () => {});
    continue;
  }
  onEachBackend(name, async () => {
    const results = await verifyFile(path);
    assert.deepEqual(results.filter(({ passed }) => !passed), []);
    const checked = new Set(results.map((result) => result.name));
    assert.ok(results.length > 300, "the golden was read to its end");
    assert.ok(checked.has("output/train/logits"));
    if (head === "deeplabv3plus") {
      const beside = ["eval/rep", "eval/aux_logits", "train/aux_logits"];
      for (const one of beside) assert.ok(checked.has(`output/${one}`), one);
    }
  });
}

// Whole networks on ResNet against the reference. Their goldens are not kept in this
// repository; without them beside it the tests are reported as ignored.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { verifyFile } from "../../src/verify/mod.ts";
import { onEachBackend } from "../support/mod.ts";

const beside = (name: string) =>
  fileURLToPath(new URL(`../../../shared/golden/${name}.json`, import.meta.url));

for (const head of ["dlv2", "psp", "dlv3p", "daformer"]) {
  const path = beside(`net_r50_${head}`);
  const name = `a ResNet-50 with the head ${head} is the reference's`;
  if (!existsSync(path)) {
    Deno.test.ignore(name, () => {});
    continue;
  }
  onEachBackend(name, async () => {
    const results = await verifyFile(path);
    assert.deepEqual(results.filter(({ passed }) => !passed), []);
    assert.ok(results.length > 300, "the golden was read to its end");
  });
}

// Whole networks with the UPerNet head and an FCN head beside it against the reference.
// Their goldens are not kept in this repository; without them beside it the tests are
// reported as ignored.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { verifyFile } from "../../src/verify/mod.ts";
import { onEachBackend } from "../support/mod.ts";

const beside = (name: string) =>
  fileURLToPath(new URL(`../../../shared/golden/${name}.json`, import.meta.url));

// One line at least for each kind of thing that the golden holds.
const HELD = [
  ["beit_upernet", "neck3", "aux_logits", "aux.loss_seg", "relative_position_index"],
  ["swin_upernet_fcn", "feat3", "aux_logits", "aux.loss_seg", "relative_position_index"],
] as const;

for (const [golden, ...held] of HELD) {
  const path = beside(`net_${golden}`);
  const name = `the network ${golden} is the reference's`;
  if (!existsSync(path)) {
    Deno.test.ignore(name, () => {});
    continue;
  }
  onEachBackend(name, async () => {
    const results = await verifyFile(path);
    assert.deepEqual(results.filter(({ passed }) => !passed), []);
    assert.ok(results.length > 150, "the golden was read to its end");
    for (const ending of held) {
      assert.ok(results.some(({ name }) => name.endsWith(ending)), ending);
    }
  });
}

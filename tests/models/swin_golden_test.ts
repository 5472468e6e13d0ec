// A whole network on Swin against the reference. Its golden is not kept in this
// repository; without it beside it the test is reported as ignored.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { verifyFile } from "../../src/verify/mod.ts";
import { onEachBackend } from "../support/mod.ts";

const path = fileURLToPath(
  new URL("../../../shared/golden/net_swin_upernet_fcn.json", import.meta.url),
);
const name = "a Swin Transformer with UPerHead and FCNHead is the reference's";

if (!existsSync(path)) {
  Deno.test.ignore(name, () => {});
} else {
  onEachBackend(name, async () => {
    const results = await verifyFile(path);
    assert.deepEqual(results.filter(({ passed }) => !passed), []);
    assert.ok(results.length > 150, "the golden was read to its end");
  });
}

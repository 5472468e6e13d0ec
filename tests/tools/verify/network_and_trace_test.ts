import assert from "node:assert/strict";
import { assertVerifies, goldenPath } from "../../support/golden.ts";
import { onEachBackend } from "../../support/mod.ts";

const KEPT = [
  "net_efficientnet_lite_lraspp",
  "net_mit_daformer_nonsquare",
  "net_mit_segformer",
  "trace_dacs_fdist",
  "trace_fstd_k3_fdist",
  "trace_fstd_k3_faithful",
  "trace_fstw_n2",
];

for (const name of KEPT) {
  onEachBackend(`verifyFile() passes ${name}`, async () => {
    const results = await assertVerifies(goldenPath(name));
    assert.ok(results.length > 100, "the golden was read to its end");
  });
}

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { verifyFile } from "../../src/verify/mod.ts";
import { onEachBackend } from "../support/mod.ts";

const here = (name: string) =>
  fileURLToPath(new URL(`../golden/${name}.json`, import.meta.url));

const KEPT = [
  "net_mit_daformer_nonsquare",
  "net_mit_segformer",
  "trace_dacs_fdist",
  "trace_fstd_k3_fdist",
  "trace_fstd_k3_faithful",
  "trace_fstw_n2",
];

async function assertVerifies(path: string): Promise<void> {
  const results = await verifyFile(path);
  const failed = results.filter(({ passed }) => !passed);
  assert.deepEqual(failed, [], `${failed.length} of ${results.length} checks failed`);
  assert.ok(results.length > 100, "the golden was read to its end");
}

for (const name of KEPT) {
  onEachBackend(`verifyFile() passes ${name}`, () => assertVerifies(here(name)));
}

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { openBackend } from "../../../src/core/backend.ts";
import { readGolden } from "../../../tools/verify/golden_file.ts";
import { verifyHead } from "../../../tools/verify/verify_head.ts";

const PATH = fileURLToPath(new URL("../../golden/head_danet.json", import.meta.url));
const OPTIONS = { sanitizeOps: false, sanitizeResources: false };

Deno.test("verifyHead() fails the lines whose numbers differ", OPTIONS, async () => {
  await openBackend("wasm");
  const golden = await readGolden(PATH);
  const tensors = new Map(golden.tensors);
  for (const key of ["output/train/pam_logits", "grad/input/map1"]) {
    const tensor = tensors.get(key) ?? assert.fail();
    const bytes = tensor.bytes.slice();
    new Float32Array(bytes.buffer)[3] = 9;
    tensors.set(key, { ...tensor, bytes });
  }
  const failed = (await verifyHead({ ...golden, tensors })).filter(({ passed }) =>
    !passed
  );
  assert.deepEqual(
    failed.map(({ name }) => name).sort(),
    ["grad/input/map1", "output/train/pam_logits"],
  );
});

Deno.test("verifyHead() names weights that only one side has", OPTIONS, async () => {
  await openBackend("wasm");
  const golden = await readGolden(PATH);
  const tensors = new Map(golden.tensors);
  const scale = tensors.get("weights/decode_head.cam.gamma.scale") ?? assert.fail();
  tensors.delete("weights/decode_head.cam.gamma.scale");
  tensors.set("weights/decode_head.cam.gamma", scale);
  await assert.rejects(verifyHead({ ...golden, tensors }), {
    name: "WeightsMismatchError",
    message:
      /1 missing: decode_head\.cam\.gamma\.scale\n\s+1 unexpected: decode_head\.cam\.gamma$/,
  });
});

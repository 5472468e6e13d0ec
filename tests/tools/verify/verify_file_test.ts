import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openBackend } from "../../../src/core/backend.ts";
import { verifyFile } from "../../../tools/verify/verify_file.ts";
import { readSafetensors } from "../../../src/weights/safetensors_file.ts";
import { encodeSafetensors } from "../../support/safetensors.ts";

const GOLDEN = new URL("../../golden/", import.meta.url).pathname;
const OPTIONS = { sanitizeOps: false, sanitizeResources: false };

/** Gives a test a copy of a golden, changed. */
async function withGolden(
  name: string,
  change: (sidecar: Record<string, unknown>, values: Float32Array) => void,
  changed: string,
  test: (path: string) => Promise<void>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "fst-verify-"));
  try {
    const { tensors } = await readSafetensors(`${GOLDEN}${name}.safetensors`);
    const sidecar = JSON.parse(await readFile(`${GOLDEN}${name}.json`, "utf8"));
    const tensor = tensors.get(changed);
    assert.ok(tensor);
    const bytes = tensor.bytes.slice();
    change(sidecar, new Float32Array(bytes.buffer));
    tensors.set(changed, { ...tensor, bytes });
    const path = join(folder, `${name}.safetensors`);
    await writeFile(path, encodeSafetensors(tensors));
    await writeFile(join(folder, `${name}.json`), JSON.stringify(sidecar));
    await test(path);
  } finally {
    await rm(folder, { recursive: true });
  }
}

Deno.test("verifyFile() fails the one line whose number differs", OPTIONS, async () => {
  await openBackend("wasm");
  await withGolden(
    "vec_augment",
    (_, values) => values[5] = (values[5] ?? 0) + 0.01,
    "output/blur1",
    async (path) => {
      const failed = (await verifyFile(path)).filter(({ passed }) => !passed);
      assert.deepEqual(failed.map(({ name }) => name), ["output/blur1"]);
    },
  );
});

Deno.test("verifyFile() fails NaN and names unknown operators", OPTIONS, async () => {
  await openBackend("wasm");
  await withGolden(
    "vec_ops",
    (sidecar, values) => {
      values[0] = NaN;
      sidecar.cases = [
        { name: "gelu_erf", op: "gelu exact (erf)" },
        { name: "fold0", op: "fold" },
      ];
    },
    "output/gelu_erf",
    async (path) => {
      const [gelu, gradient, fold] = await verifyFile(path);
      assert.equal(gelu?.passed, false);
      assert.equal(gradient?.passed, true);
      assert.equal(fold?.passed, false);
      assert.match(fold?.note ?? "", /the operator "fold" is unknown/);
    },
  );
});

Deno.test(
  "verifyFile() throws on a golden of a kind it does not know",
  OPTIONS,
  async () => {
    await withGolden(
      "vec_augment",
      (sidecar) => sidecar.name = "vec_other",
      "output/blur1",
      async (path) => {
        await assert.rejects(() => verifyFile(path), {
          name: "SyntaxError",
          message:
            /^Cannot verify "vec_other": golden files of this kind are not supported/,
        });
      },
    );
  },
);

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

/** A value in nested objects is replaced. */
function setAt(root: unknown, path: string, value: unknown): void {
  const keys = path.split(".");
  const last = keys.pop() ?? "";
  const parent = keys.reduce((object, key) => Object(object)[key], root);
  Object(parent)[last] = value;
}

const MODEL = "config.model";
const HEAD = `${MODEL}.decode_head`;

/** A setting of a sidecar that nothing here has, and how it is refused. */
const UNKNOWN: readonly (readonly [path: string, value: unknown, message: RegExp])[] = [
  [`${HEAD}.decoder_params.conv_kernel_size`, 5, /must be one of 1, 3: received 5$/],
  [`${HEAD}.decoder_params.pool`, true, /decoder_params: Unrecognized key: "pool"$/],
  [`${HEAD}.align_corners`, true, /must be one of false: received true$/],
  [`${HEAD}.norm_cfg.type`, "GN", /must be one of "BN": received "GN"/],
  [`${HEAD}.in_index`, [0, 1, 2], /in_index: must be 0,1,2,3: nothing else is known$/],
  [`${HEAD}.type`, "SegFormer2Head", /must be one of .*received "SegFormer2Head"/],
  [`${MODEL}.backbone.norm_eps`, 1e-5, /must be one of 0\.000001: received 0\.00001$/],
  [
    `${MODEL}.backbone.mlp_ratios`,
    [4, 4, 4, 2],
    /must be 4,4,4,4: nothing else is known$/,
  ],
  [`${MODEL}.test_cfg`, { mode: "slide" }, /must be one of "whole": received "slide"$/],
  [`${MODEL}.neck`, { type: "FPN" }, /must be one of "Feature2Pyramid": received "FPN"/],
  ["config.ignore_index", 0, /must be one of 255: received 0$/],
  ["config.scale", 2, /config: Unrecognized key: "scale"$/],
];

for (const [path, value, message] of UNKNOWN) {
  Deno.test(
    `verifyFile() refuses a golden with another ${path} by its name`,
    OPTIONS,
    () =>
      withGolden(
        "net_mit_segformer",
        (sidecar) => setAt(sidecar, path, value),
        "input/img",
        (file) =>
          assert.rejects(verifyFile(file), (error) => {
            assert.ok(error instanceof SyntaxError);
            assert.match(error.message, /^Cannot verify "net_mit_segformer": config/);
            const name = path.split(".").at(-1) ?? "";
            assert.ok(error.message.includes(name), error.message);
            assert.match(error.message, message);
            return true;
          }),
      ),
  );
}

Deno.test(
  "verifyFile() refuses weights that are not of the shape that is told",
  OPTIONS,
  () =>
    withGolden(
      "net_mit_segformer",
      (sidecar) => setAt(sidecar, `${HEAD}.decoder_params.conv_kernel_size`, 3),
      "input/img",
      (file) =>
        assert.rejects(verifyFile(file), {
          name: "WeightsMismatchError",
          message:
            /1 size mismatch: decode_head\.linear_fuse\.conv\.weight .*fusionKernelSize: 1"$/s,
        }),
    ),
);

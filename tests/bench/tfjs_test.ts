import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const TFJS = fileURLToPath(new URL("../../bench/tfjs/", import.meta.url));
const OPS = fileURLToPath(new URL("../../src/ops/", import.meta.url));

/** Of faces that are replaced as a whole. */
const INTERNAL = new Set([
  "conv2d/implicit_gemm.ts",
  "depthwise_conv2d/fused_depthwise_conv2d.ts",
  "mat_mul/fused_mat_mul.ts",
  "relu/rectify.ts",
  "sums/sums.ts",
]);
/**
 * Of a contrast of pixels and of losses that are chosen, whose iterations no benchmark takes,
 * and of logged lines, clipping or ranks.
 */
const UNTIMED = new Set([
  "across_ranks.ts",
  "class_sums/class_sums.ts",
  "contrast_roles/contrast_roles.ts",
  "focal_cross_entropy/focal_cross_entropy.ts",
  "gather_rows/gather_rows.ts",
  "gradient_norm/gradient_norm.ts",
  "label_weights/label_weights.ts",
  "lovasz_extension/lovasz_extension.ts",
  "memory_bank/memory_bank.ts",
  "non_finite/non_finite.ts",
  "radix_sort/radix_sort.ts",
  "sample_from_rows/sample_from_rows.ts",
]);

const { imports } = JSON.parse(
  await Deno.readTextFile(join(TFJS, "import_map.json")),
) as { imports: Readonly<Record<string, string>> };
const replaced = new Map(
  Object.entries(imports).map(([ours, tfjs]) => [join(TFJS, ours), join(TFJS, tfjs)]),
);

/** Absolute paths of what a module imports with values. */
async function valueImports(file: string): Promise<string[]> {
  const text = await Deno.readTextFile(file);
  return [...text.matchAll(/\b(?:import|export) (type )?[^;]*?from "(\.[^"]+)"/g)]
    .filter(([, type]) => type === undefined)
    .map(([, , path = ""]) => join(dirname(file), path));
}

const isReference = (file: string) => /(^|_)reference\.ts$/.test(basename(file));

const nameOf = (file: string) => file.slice(OPS.length).replaceAll("\\", "/");

const isInternal = (file: string) =>
  basename(file) === "webgpu.ts" || INTERNAL.has(nameOf(file));

/** Modules of src/ops that run kernels, of their own or of an internal module. */
async function kernelUsers(): Promise<string[]> {
  const files = (await readdir(OPS, { recursive: true }))
    .filter((name) => name.endsWith(".ts") && !isReference(name))
    .map((name) => join(OPS, name));
  const users: string[] = [];
  for (const file of files) {
    const runsKernels = (await valueImports(file)).some((path) =>
      path.includes("/src/gpu/") || isInternal(path)
    );
    if (runsKernels && !isInternal(file)) users.push(file);
  }
  return users;
}

Deno.test("every operation with a kernel has a composition of tfjs operations", async () => {
  const users = await kernelUsers();
  assert(users.length > UNTIMED.size);
  for (const file of users) {
    const name = nameOf(file);
    if (UNTIMED.has(name)) continue;
    assert(
      replaced.has(file),
      `src/ops/${name}: write bench/tfjs/${basename(name)} of tfjs operations with the ` +
        "same exports, name it in bench/tfjs/import_map.json, and add a pair to bench/pairs",
    );
  }
});

Deno.test("tfjs modules export what they stand for", async () => {
  for (const [ours, tfjs] of replaced) {
    const wanted = Object.keys(await import(`file://${ours}`));
    const found = Object.keys(await import(`file://${tfjs}`));
    for (const name of wanted) {
      assert(found.includes(name), `${tfjs} lacks "${name}" of ${ours}`);
    }
  }
});

Deno.test("tfjs modules use no kernel of ours", async () => {
  for (const tfjs of replaced.values()) {
    for (const path of await valueImports(tfjs)) {
      // Constants and functions of the host have a file of their own.
      const isPlain = isReference(path) || basename(path) === "conv_sizes.ts";
      assert(!path.includes("/src/ops/") || isPlain, `${tfjs} imports ${path}`);
    }
  }
});

import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { HostTensor } from "../../src/core/host_tensor.ts";
import * as z from "../../src/core/zod.ts";
import { readSafetensors } from "../../src/weights/safetensors_file.ts";
import { openTorchFile, readTorchFile } from "../../src/weights/torch_file.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const SHARED = join(ROOT, "../shared/golden/checkpoints");
const COMMITTED = join(ROOT, "tests/golden/checkpoints");
const ESPNET = join(
  ROOT,
  "../shared/data/weights/espnet_camvid/espnet_p_2_q_8_camvid.pth",
);
const MARKER = "golden_pwned_marker.txt";

const Goldens = z.object({
  files: z.array(z.object({
    file: z.string(),
    must: z.enum(["load", "refuse", "load_or_refuse", "refuse_preferred"]),
    expected: z.string().nullish(),
    root: z.string().optional(),
    prefix: z.string().optional(),
    also: z.string().optional(),
  })),
});

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch {
    return false;
  }
}

function assertSame(
  got: ReadonlyMap<string, HostTensor>,
  expected: ReadonlyMap<string, HostTensor>,
): void {
  assert.deepEqual([...got.keys()].sort(), [...expected.keys()].sort());
  for (const [name, { dtype, shape, bytes }] of expected) {
    const tensor = got.get(name);
    assert.deepEqual([tensor?.dtype, tensor?.shape], [dtype, shape], name);
    assert.deepEqual(tensor?.bytes, bytes, name);
  }
}

const folder = await exists(SHARED) ? SHARED : COMMITTED;
const list = await Deno.readTextFile(join(COMMITTED, "checkpoints.json"));

async function read(path: string, stateDictKey: string | undefined) {
  if (path.endsWith(".safetensors")) return await readSafetensors(path);
  return await readTorchFile(path, stateDictKey === undefined ? {} : { stateDictKey });
}

for (const golden of Goldens.parse(JSON.parse(list)).files) {
  const { file, must, expected = null, root, prefix = "", also } = golden;
  const path = join(folder, file);
  if (!await exists(path)) continue; // only some are kept in this repository

  Deno.test(`readTorchFile() and readSafetensors() must ${must} the golden ${file}`, async () => {
    const named = new RegExp(`^Cannot read ".*${RegExp.escape(file)}": [^\n]*[^.\n]$`);
    const refused = { name: "SyntaxError", message: named };
    if (must === "refuse" || must === "refuse_preferred") {
      await assert.rejects(read(path, root), refused);
    } else if (expected === null) {
      await read(path, root).catch((error: unknown) =>
        assert.throws(() => {
          throw error;
        }, refused)
      );
    } else {
      const expectedPath = join(folder, `${expected}.expected.safetensors`);
      const want = await readSafetensors(expectedPath);
      for (const at of [root, undefined]) { // named, and found
        const { tensors } = await read(path, at);
        const network = [...tensors].filter(([name]) => name.startsWith(prefix))
          .map(([name, value]) => [name.slice(prefix.length), value] as const);
        assertSame(new Map(network), want.tensors);
      }
    }
    if (also !== undefined) {
      const { tensors } = await read(path, "optimizer.state");
      const want = await readSafetensors(join(folder, `${also}.expected.safetensors`));
      assertSame(
        new Map([...tensors].filter(([name]) => want.tensors.has(name))),
        want.tensors,
      );
    }
    assert.equal(await exists(MARKER), false);
    assert.equal(({} as { polluted?: unknown }).polluted, undefined);
  });
}

Deno.test("readTorchFile() names what a refused file refers to", async () => {
  for (const file of ["evil_zip_os_system.pth", "evil_legacy_os_system.pth"]) {
    await assert.rejects(readTorchFile(join(COMMITTED, file)), /"posix\.system"/);
  }
});

Deno.test({
  name: "openTorchFile() reads a published network of the legacy format",
  ignore: !await exists(ESPNET),
  fn: async () => {
    await using file = await openTorchFile(ESPNET);
    assert.equal(file.tensors.size, 189);
    assert.equal(file.stateDictKey, "");
    let elements = 0;
    for (const [name, { dtype, shape }] of file.tensors) {
      const tensor = await file.readTensor(name);
      assert.deepEqual([dtype, shape], [tensor.dtype, tensor.shape]);
      const values = new Float32Array(tensor.bytes.buffer);
      assert.ok(values.every(Number.isFinite), name);
      elements += values.length;
    }
    assert.equal(elements, 358_193);
    const { shape } = file.tensors.get("conv.conv.weight") ?? {};
    assert.deepEqual(shape, [12, 31, 3, 3]);
  },
});

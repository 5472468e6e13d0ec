// Weights from here to PyTorch and back: the same bits, and a checkpoint that evaluates.
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { HostTensor } from "../../src/core/host_tensor.ts";
import { loadCheckpoint, splitSections } from "../../src/weights/checkpoint_file.ts";
import { encodeSafetensors, readSafetensors } from "../../src/weights/safetensors.ts";
import { readTorchFile } from "../../src/weights/torch_file.ts";
import { main as convert } from "../../tasks/convert.ts";
import { main as evaluate } from "../../tasks/eval.ts";
import { main as train } from "../../tasks/train.ts";
import { assertRefused, call, inFolder, TINY, tinyFile } from "../support/commands.ts";

const WASM = ["--backend", "wasm"];
const SWIN =
  "{name: swin, width: 4, depths: [2, 1, 1, 1], heads: [1, 2, 2, 2], window: 4}";

type Tensors = ReadonlyMap<string, HostTensor>;

function assertSameTensors(ours: Tensors, theirs: Tensors): void {
  assert.deepEqual([...ours.keys()].sort(), [...theirs.keys()].sort());
  for (const [name, { dtype, shape, bytes }] of ours) {
    const other = theirs.get(name) ?? assert.fail(name);
    assert.deepEqual([other.dtype, other.shape], [dtype, shape], name);
    assert.ok(bytes.every((byte, i) => byte === other.bytes[i]), `bits of ${name}`);
  }
}

/** Trains for two iterations. @returns The checkpoint. */
async function trained(folder: string, ...sets: string[]): Promise<string> {
  const out = join(folder, "run");
  const args = sets.flatMap((one) => ["--set", one]);
  const ended = await call(train, await tinyFile(folder), "--out", out, ...args, ...WASM);
  assert.equal(ended.status, 0, ended.error);
  return join(out, "last.safetensors");
}

const evaluated = async (checkpoint: string, ...more: string[]) => {
  const ended = await call(evaluate, checkpoint, "--json", ...WASM, ...more);
  assert.equal(ended.status, 0, ended.error);
  return JSON.parse(ended.out);
};

Deno.test("a trained network goes to PyTorch and comes back as it was", () =>
  inFolder(async (folder) => {
    const checkpoint = await trained(folder);
    const { student, teacher } = splitSections(
      (await loadCheckpoint(checkpoint)).tensors,
    );

    const pth = join(folder, "student.pth");
    const { status, out, error } = await call(convert, checkpoint, pth);
    assert.equal(status, 0, error);
    assert.match(out, /student\.pth: \d+ tensors, a network of [\d,]+ parameters/);
    assert.match(out, /also there, to be taken with --prefix: ema_model\./);
    assertSameTensors((await readTorchFile(pth)).tensors, student);

    const teacherFile = join(folder, "teacher.pt");
    const ended = await call(convert, checkpoint, teacherFile, "--prefix", "ema_model.");
    assert.equal(ended.status, 0, ended.error);
    assertSameTensors((await readTorchFile(teacherFile)).tensors, teacher);

    const config = join(folder, "tiny.yaml");
    const back = join(folder, "back.safetensors");
    const made = await call(convert, pth, back, "--config", config);
    assert.match(made.out, /evaluate it: deno run -A eval\.ts /);
    assertSameTensors((await loadCheckpoint(back)).tensors, student);
    assert.deepEqual(await evaluated(back), await evaluated(checkpoint));
  }));

Deno.test("a checkpoint without its moments is one that evaluates, its teacher too", () =>
  inFolder(async (folder) => {
    const checkpoint = await trained(folder);
    const slim = join(folder, "slim.safetensors");
    const { status, error } = await call(convert, checkpoint, slim, "--json");
    assert.equal(status, 0, error);
    const before = await loadCheckpoint(checkpoint);
    const after = await loadCheckpoint(slim);
    assert.deepEqual(after.metadata, before.metadata);
    const [old, kept] = [before, after].map(({ tensors }) => splitSections(tensors));
    assertSameTensors(kept?.student ?? new Map(), old?.student ?? new Map());
    assertSameTensors(kept?.teacher ?? new Map(), old?.teacher ?? new Map());
    assert.equal(kept?.firstMoment.size, 0);
    assert.deepEqual(
      await evaluated(slim, "--teacher"),
      await evaluated(checkpoint, "--teacher"),
    );
  }));

Deno.test("PyTorch gets what its modules hold besides weights", () =>
  inFolder(async (folder) => {
    const checkpoint = await trained(folder, `model.encoder=${SWIN}`);
    const pth = join(folder, "swin.pth");
    assert.equal((await call(convert, checkpoint, pth)).status, 0);
    const name = "backbone.stages.0.blocks.0.attn.w_msa.relative_position_index";
    const { tensors } = await readTorchFile(pth);
    assert.deepEqual(tensors.get(name)?.shape, [16, 16]);
    assert.equal(tensors.get(name)?.dtype, "I64");
    const config = await tinyFile(
      folder,
      TINY.replace(/encoder: \{.*\}/, `encoder: ${SWIN}`),
    );
    const back = join(folder, "back.safetensors");
    const ended = await call(convert, pth, back, "--config", config);
    assert.equal(ended.status, 0, ended.error);
  }));

Deno.test("weights of a golden keep their bits through both formats", () =>
  inFolder(async (folder) => {
    const golden = new URL("../golden/net_mit_segformer.safetensors", import.meta.url);
    const { tensors } = await readSafetensors(fileURLToPath(golden));
    const weights = new Map(
      [...tensors].filter(([name]) => name.startsWith("weights/"))
        .map(([name, tensor]) => [name.slice("weights/".length), tensor]),
    );
    const [first, second, third] = ["a.safetensors", "b.pth", "c.safetensors"]
      .map((name) => join(folder, name));
    assert.ok(first && second && third);
    await Deno.writeFile(first, encodeSafetensors(weights));
    for (const [from, to] of [[first, second], [second, third]] as const) {
      const { status, error } = await call(convert, from, to);
      assert.equal(status, 0, error);
    }
    assertSameTensors((await readTorchFile(second)).tensors, weights);
    assertSameTensors((await readSafetensors(third)).tensors, weights);
  }));

Deno.test("what cannot be converted is told in a sentence, and nothing is replaced", () =>
  inFolder(async (folder) => {
    const checkpoint = await trained(folder);
    const there = join(folder, "there.pth");
    await Deno.writeTextFile(there, "precious");
    assertRefused(await call(convert, checkpoint, there), "there.pth", "--force");
    assert.equal(await Deno.readTextFile(there), "precious");
    assert.equal((await call(convert, checkpoint, there, "--force")).status, 0);

    const odd = join(folder, "weights.onnx");
    assertRefused(await call(convert, checkpoint, odd), "weights.onnx", "--to pth");
    assertRefused(await call(convert, join(folder, "no.pth"), odd + ".pth"), "no.pth");
    assertRefused(
      await call(convert, checkpoint, join(folder, "x.pth"), "--names", "keras"),
      "keras",
      "hf-swin",
    );
    assertRefused(
      await call(convert, checkpoint, join(folder, "x.pth"), "--prefix", "pre_model."),
      "pre_model.",
      "ema_model.",
    );
    const other = await tinyFile(folder, TINY.replace("channels: 8", "channels: 12"));
    assertRefused(
      await call(convert, checkpoint, join(folder, "x.safetensors"), "--config", other),
      "of another shape: decode_head.",
    );
  }));

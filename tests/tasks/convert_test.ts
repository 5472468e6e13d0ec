// Weights from here to PyTorch and back: the same bits, and a checkpoint that evaluates.
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { HostTensor } from "../../src/core/host_tensor.ts";
import { splitSections } from "../../src/weights/checkpoint.ts";
import { loadCheckpoint } from "../../src/weights/checkpoint_file.ts";
import { readSafetensors } from "../../src/weights/safetensors_file.ts";
import { encodeSafetensors } from "../support/safetensors.ts";
import { readTorchFile } from "../../src/weights/torch_file.ts";
import { writeTorchFile } from "../../src/weights/write_torch_file.ts";
import { main as convert } from "../../tasks/convert.ts";
import { main as evaluate } from "../../tasks/eval.ts";
import { main as train } from "../../tasks/train.ts";
import {
  assertRefused,
  call,
  TINY,
  tinyConfig,
  tinyFile,
  WASM,
} from "../support/commands.ts";
import { mit } from "../../src/models/mit.ts";
import { segformerHead } from "../../src/models/segformer_head.ts";
import { classesOf } from "../../src/prepare/data_specs.ts";
import {
  huggingFaceSegformer,
  segformerModules,
} from "../weights/names/foreign_files.ts";
import { dinov2Weights, MIT } from "../weights/names/networks.ts";
import { ownWeights } from "../weights/names/own_weights.ts";
import { inFolder } from "../support/files.ts";

const SWIN =
  "{name: swin, embedDim: 4, depths: [2, 1, 1, 1], numHeads: [1, 2, 2, 2], windowSize: 4}";

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

/** Converts weights of a tiny network on Swin into a checkpoint. @returns What was said. */
async function fromSwin(pth: string, folder: string): Promise<string> {
  const text = TINY.replace(/encoder: \{.*\}/, `encoder: ${SWIN}`);
  const config = await tinyFile(folder, text);
  const out = join(folder, "out.safetensors");
  const ended = await call(convert, pth, out, "--config", config);
  assert.equal(ended.status, 0, ended.error);
  return ended.out;
}

const evaluated = async (checkpoint: string, ...more: string[]) => {
  const ended = await call(evaluate, checkpoint, "--json", ...WASM, ...more);
  assert.equal(ended.status, 0, ended.error);
  return JSON.parse(ended.out);
};

Deno.test("convert writes a trained network for PyTorch and reads it back unchanged", () =>
  inFolder(async (folder) => {
    const checkpoint = await trained(folder);
    const { student, teacher } = splitSections(
      (await loadCheckpoint(checkpoint)).tensors,
    );

    const pth = join(folder, "student.pth");
    const { status, out, error } = await call(convert, checkpoint, pth);
    assert.equal(status, 0, error);
    assert.match(out, /student\.pth: \d+ tensors, a network of [\d,]+ parameters/);
    assert.match(
      out,
      /taken: the network; left out: "ema_model\." \(--prefix ema_model\.\)/,
    );
    assert.match(out, /weights for PyTorch: torch\.load/);
    assertSameTensors((await readTorchFile(pth)).tensors, student);

    const teacherFile = join(folder, "teacher.pt");
    const ended = await call(convert, checkpoint, teacherFile, "--prefix", "ema_model.");
    assert.equal(ended.status, 0, ended.error);
    assertSameTensors((await readTorchFile(teacherFile)).tensors, teacher);

    const config = join(folder, "tiny.yaml");
    const back = join(folder, "back.safetensors");
    const made = await call(convert, pth, back, "--config", config);
    assert.match(made.out, /evaluate it: deno task eval /);
    assertSameTensors((await loadCheckpoint(back)).tensors, student);
    assert.deepEqual(await evaluated(back), await evaluated(checkpoint));
  }));

Deno.test("convert keeps student and teacher of a checkpoint, which then evaluates", () =>
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

Deno.test("convert never writes over what it reads, by whatever path", () =>
  inFolder(async (folder) => {
    const golden = new URL("../golden/net_mit_segformer.safetensors", import.meta.url);
    const file = join(folder, "a.safetensors");
    await Deno.copyFile(golden, file);
    const link = join(folder, "b.safetensors");
    await Deno.symlink(file, link);
    const before = await Deno.readFile(file);
    for (const output of [file, join(folder, ".", "a.safetensors"), link]) {
      const { status, error } = await call(convert, file, output, "--force");
      assert.equal(status, 1);
      assert.match(
        error,
        /^Cannot write ".*": it is the file that is read, .* another name/,
      );
    }
    const after = await Deno.readFile(file);
    assert.ok(
      before.length === after.length && before.every((byte, i) => byte === after[i]),
    );
  }));

Deno.test("convert writes the buffers that PyTorch's modules have besides weights", () =>
  inFolder(async (folder) => {
    const checkpoint = await trained(folder, `model.encoder=${SWIN}`);
    const pth = join(folder, "swin.pth");
    assert.equal((await call(convert, checkpoint, pth)).status, 0);
    const name = "backbone.stages.0.blocks.0.attn.w_msa.relative_position_index";
    const { tensors } = await readTorchFile(pth);
    assert.deepEqual(tensors.get(name)?.shape, [16, 16]);
    assert.equal(tensors.get(name)?.dtype, "I64");
    await fromSwin(pth, folder);
  }));

Deno.test("convert keeps every bit through both formats", () =>
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

Deno.test("convert writes the names of another code base, which it reads back", () =>
  inFolder(async (folder) => {
    const own = dinov2Weights();
    const at = (name: string) => join(folder, name);
    await Deno.writeFile(at("own.safetensors"), encodeSafetensors(own));
    for (const as of ["dinov2", "hf-dinov2"]) {
      const there = await call(
        convert,
        at("own.safetensors"),
        at(`${as}.pth`),
        "--as",
        as,
      );
      assert.equal(there.status, 0, there.error);
      assert.match(there.out, /weights for PyTorch/);
      const back = await call(convert, at(`${as}.pth`), at(`${as}.safetensors`));
      assert.match(back.out, new RegExp(`\\(naming scheme: ${as}\\)`));
      assertSameTensors((await readSafetensors(at(`${as}.safetensors`))).tensors, own);
    }
    const refused = await call(
      convert,
      ...[at("own.safetensors"), at("x.pth"), "--as", "mmseg"],
    );
    assert.match(refused.error, /dinov2, hf-dinov2, .*unimatch-v2.*vfm-uda/);
  }));

Deno.test("convert says what was done so that the weights fit the network", () =>
  inFolder(async (folder) => {
    const checkpoint = await trained(folder, `model.encoder=${SWIN}`);
    const { student } = splitSections((await loadCheckpoint(checkpoint)).tensors);
    const table = "backbone.stages.0.blocks.0.attn.w_msa.relative_position_bias_table";
    const counters = [...student.keys()].filter((name) => name.endsWith("tracked"));
    const odd = new Map(student);
    for (const name of counters) odd.delete(name);
    const bytes = new Uint8Array(2 * 25);
    odd.set(table, { dtype: "F16", shape: [25, 1], bytes });
    const index = table.replace("bias_table", "index");
    odd.set(index, { dtype: "I64", shape: [9, 9], bytes: new Uint8Array(8 * 81) });
    const pth = join(folder, "odd.pth");
    await writeTorchFile(pth, odd);
    const out = await fromSwin(pth, folder);
    for (
      const line of [
        `1 resized: ${table}`,
        `1 cast to float32: ${table}`,
        `${counters.length} batch counters absent, started at 0: ${counters.join(", ")}`,
        `1 buffers computed instead of read: ${index}`,
      ]
    ) {
      assert.ok(out.split("\n").includes(line), `${line} is not in: ${out}`);
    }
  }));

/** {@linkcode TINY} with the encoder whose files other libraries write in the tests. */
const HF_TINY = TINY
  .replace(/encoder: \{.*\}/, `encoder: ${JSON.stringify({ name: "mit", ...MIT })}`)
  .replace("channels: 8", "channels: 5");

/** SegFormer for the classes of {@linkcode TINY}. */
const segformer = () =>
  ownWeights(
    mit("backbone", MIT),
    segformerHead("decode_head", MIT.embedDims, {
      classes: classesOf(tinyConfig().data).length,
      channels: 5,
      dropout: 0,
    }),
  );

Deno.test("convert makes checkpoints that evaluate of files that lack what is never used", () =>
  inFolder(async (folder) => {
    const config = await tinyFile(folder, HF_TINY);
    const student = segformer();
    const metrics = [];
    for (const write of [huggingFaceSegformer, segformerModules]) {
      const [pth, out] = [join(folder, "hf.pth"), join(folder, "hf.safetensors")];
      await writeTorchFile(pth, write(new Map(student)).file);
      const ended = await call(convert, pth, out, "--config", config, "--force");
      assert.equal(ended.status, 0, ended.error);
      assert.match(
        ended.out,
        /^2 never used, missing or of another shape, set to 0: decode_head\.conv_seg\./m,
      );
      const { tensors } = await loadCheckpoint(out);
      assert.deepEqual([...tensors.keys()].sort(), [...student.keys()].sort());
      metrics.push(await evaluated(out));
      assertRefused(await call(evaluate, out, "--teacher", ...WASM), "--student");
    }
    assert.deepEqual({ ...metrics[0], checkpoint: "" }, {
      ...metrics[1],
      checkpoint: "",
    });
  }));

Deno.test("convert writes no checkpoint of which a part is missing", () =>
  inFolder(async (folder) => {
    const checkpoint = await trained(folder, `model.encoder=${SWIN}`);
    const { student } = splitSections((await loadCheckpoint(checkpoint)).tensors);
    // The norms after the stages, which an encoder for classification lacks.
    for (const name of [...student.keys()]) {
      if (/^backbone\.norm/.test(name)) student.delete(name);
    }
    const pth = join(folder, "part.pth");
    await writeTorchFile(pth, student);
    const text = TINY.replace(/encoder: \{.*\}/, `encoder: ${SWIN}`);
    const config = await tinyFile(folder, text);
    const out = join(folder, "out.safetensors");
    const ended = await call(convert, pth, out, "--config", config);
    assertRefused(ended, "8 missing: backbone.norm0.weight");
    await assert.rejects(Deno.stat(out), Deno.errors.NotFound);
  }));

Deno.test("convert writes nothing under names that it knows only half", () =>
  inFolder(async (folder) => {
    const { file } = huggingFaceSegformer(segformer());
    const later = [...file].map(([name, value]) =>
      [name.replace(/encoder\.block\.0/, "encoder.trunk.0"), value] as const
    );
    const [pth, out] = [join(folder, "later.pth"), join(folder, "out.safetensors")];
    await writeTorchFile(pth, new Map(later));
    const ended = await call(convert, pth, out);
    assertRefused(
      ended,
      "hf-segformer",
      "segformer.encoder.trunk.0.0.layer_norm_1.weight",
    );
    await assert.rejects(Deno.stat(out), Deno.errors.NotFound);
    assert.equal((await call(convert, pth, out, "--names", "fst")).status, 0);
    assertRefused(await call(evaluate, out, ...WASM), "no record of a run", "--config");
  }));

Deno.test("convert refuses in one sentence, and replaces nothing", () =>
  inFolder(async (folder) => {
    const checkpoint = await trained(folder);
    const there = join(folder, "there.pth");
    await Deno.writeTextFile(there, "precious");
    assertRefused(await call(convert, checkpoint, there), "there.pth", "--force");
    assert.equal(await Deno.readTextFile(there), "precious");
    assert.equal((await call(convert, checkpoint, there, "--force")).status, 0);

    // Files below a file, in no folder, and in the place of a folder.
    for (const name of ["there.pth/x.pth", "no/x.safetensors", "taken.pth"]) {
      await Deno.mkdir(join(folder, "taken.pth"), { recursive: true });
      const ended = await call(convert, checkpoint, join(folder, name), "--force");
      assertRefused(ended, `Cannot write "${join(folder, name)}": `);
      assert.doesNotMatch(ended.error, /--out|a run/);
    }

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
      "size mismatch: decode_head.",
    );
  }));

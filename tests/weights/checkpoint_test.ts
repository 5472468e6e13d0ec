import assert from "node:assert/strict";
import { join } from "node:path";
import type { HostTensor } from "../../src/core/host_tensor.ts";
import {
  CHECKPOINT_VERSION,
  type CheckpointMetadata,
  joinSections,
  splitSections,
} from "../../src/weights/checkpoint.ts";
import {
  loadCheckpoint,
  readCheckpointEngine,
  saveCheckpoint,
} from "../../src/weights/checkpoint_file.ts";
import { readSafetensors } from "../../src/weights/safetensors_file.ts";
import { writeTorchFile } from "../../src/weights/write_torch_file.ts";
import { encodeSafetensors } from "../support/safetensors.ts";

const one = (value: number): Map<string, HostTensor> => {
  const bytes = new Uint8Array(Float32Array.of(value).buffer);
  return new Map([["backbone.norm1.weight", { dtype: "F32", shape: [1], bytes }]]);
};

const SECTIONS = {
  student: one(1),
  teacher: one(2),
  imageNetEncoder: one(3),
  firstMoment: one(4),
  secondMoment: one(5),
  lastGradient: one(6),
  memoryBank: one(7),
};

const METADATA: CheckpointMetadata = {
  version: CHECKPOINT_VERSION,
  config: { seed: 3, data: { kind: "embedded" } },
  iteration: 120,
  optimizerSteps: 480,
  forwardCount: 120,
  classes: [{ name: "sky", color: [128, 128, 128] }],
  normalization: { mean: [123.675, 116.28, 103.53], std: [58.395, 57.12, 57.375] },
  metrics: { "worn.mIoU": 0.1 + 0.2, "worn.IoU.bus": null },
  versions: { fst: "0.1.0" },
};

async function inFile(work: (path: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await work(join(folder, "last.safetensors"));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("loadCheckpoint() gives back the tensors and the metadata that were saved", () =>
  inFile(async (path) => {
    const tensors = joinSections(SECTIONS);
    await saveCheckpoint(path, { tensors, metadata: METADATA });
    const { tensors: found, metadata } = await loadCheckpoint(path);
    assert.deepEqual(metadata, METADATA);
    assert.deepEqual(splitSections(found), SECTIONS);
  }));

Deno.test("readCheckpointEngine() gives what computed it, or null", () =>
  inFile(async (path) => {
    assert.equal(await readCheckpointEngine(path), null); // no file
    const tensors = joinSections(SECTIONS);
    await saveCheckpoint(path, { tensors, metadata: METADATA });
    assert.equal(await readCheckpointEngine(path), null);
    const engine = {
      name: "oneDNN",
      version: "3.2.0",
      instructionSet: "AVX2",
      threads: 2,
    };
    await saveCheckpoint(path, { tensors, metadata: { ...METADATA, engine } });
    assert.deepEqual(await readCheckpointEngine(path), engine);
    assert.deepEqual((await loadCheckpoint(path)).metadata.engine, engine);
    for (const damaged of ["", "short", "a text that is no safetensors file at all"]) {
      await Deno.writeTextFile(path, damaged);
      assert.equal(await readCheckpointEngine(path), null);
    }
  }));

Deno.test("saveCheckpoint() writes a safetensors file with PyTorch's names", () =>
  inFile(async (path) => {
    const tensors = joinSections(SECTIONS);
    await saveCheckpoint(path, { tensors, metadata: METADATA });
    const file = await readSafetensors(path);
    assert.equal(file.metadata.format, "pt");
    assert.deepEqual([...file.tensors.keys()].sort(), [
      "backbone.norm1.weight",
      "ema_model.backbone.norm1.weight",
      "imnet_model.backbone.norm1.weight",
      "loss_memory.backbone.norm1.weight",
      "optimizer.exp_avg.backbone.norm1.weight",
      "optimizer.exp_avg_sq.backbone.norm1.weight",
      "optimizer.last_grad.backbone.norm1.weight",
    ]);
  }));

Deno.test("splitSections() gives an empty section where a checkpoint has none", () => {
  const { memoryBank: _, ...older } = SECTIONS;
  const sections = splitSections(joinSections(older));
  assert.deepEqual(sections, { ...older, memoryBank: new Map() });
});

Deno.test("loadCheckpoint() says of a file of PyTorch what makes it a checkpoint", () =>
  inFile(async (path) => {
    await writeTorchFile(path, one(1));
    await assert.rejects(loadCheckpoint(path), {
      name: "SyntaxError",
      message:
        `Cannot use "${path}" as a checkpoint: it is a file of PyTorch; make it one ` +
        "with deno task convert --config",
    });
  }));

Deno.test("loadCheckpoint() refuses files without a record of a run", () =>
  inFile(async (path) => {
    const refuses = async (text: Record<string, string>, reason: string) => {
      await Deno.writeFile(path, encodeSafetensors(one(1), text));
      await assert.rejects(loadCheckpoint(path), {
        name: "SyntaxError",
        message: `Cannot use "${path}" as a checkpoint: ${reason}`,
      });
    };
    await refuses(
      { format: "pt" },
      'it has weights but no record of a run; name it under "model.pretrained" to start ' +
        "from it, or make it a checkpoint with deno task convert --config",
    );
    await refuses({ fst: "{" }, "its record of the run is damaged");
    await refuses(
      { fst: JSON.stringify({ ...METADATA, iteration: -1 }) },
      'its record of the run is damaged at "iteration"',
    );
    await refuses(
      { fst: JSON.stringify({ ...METADATA, version: 3 }) },
      "it has version 3 and this program knows 2; update",
    );
  }));

/** The metadata as version 1 had it: other names of two fields. */
const { forwardCount, normalization, ...unchanged } = METADATA;
const VERSION_1 = {
  ...unchanged,
  version: 1,
  teacherClock: forwardCount,
  normalisation: { mean: normalization.mean, deviation: normalization.std },
};

Deno.test("loadCheckpoint() reads the record of version 1", () =>
  inFile(async (path) => {
    const write = (record: unknown) =>
      Deno.writeFile(path, encodeSafetensors(one(1), { fst: JSON.stringify(record) }));
    await write(VERSION_1);
    assert.deepEqual((await loadCheckpoint(path)).metadata, METADATA);
    for (
      const [damaged, key] of [
        [{ ...VERSION_1, teacherClock: -1 }, "forwardCount"],
        [{ ...VERSION_1, normalisation: { mean: [0, 0, 0] } }, "normalization.std"],
        [{ ...VERSION_1, normalisation: undefined }, "normalization"],
      ] as const
    ) {
      await write(damaged);
      await assert.rejects(loadCheckpoint(path), {
        name: "SyntaxError",
        message:
          `Cannot use "${path}" as a checkpoint: its record of the run is damaged ` +
          `at "${key}"`,
      });
    }
  }));

Deno.test("loadCheckpoint() refuses a checkpoint that is cut off", () =>
  inFile(async (path) => {
    await saveCheckpoint(path, { tensors: joinSections(SECTIONS), metadata: METADATA });
    await Deno.truncate(path, (await Deno.stat(path)).size - 1);
    await assert.rejects(loadCheckpoint(path), {
      name: "SyntaxError",
      message: `Cannot read "${path}": it is cut off: its tensors need 28 bytes and 27 ` +
        "are there",
    });
  }));

Deno.test("loadCheckpoint() logs that a record has version 1, and nothing else", () =>
  inFile(async (path) => {
    const lines: string[] = [];
    const log = (line: string) => lines.push(line);
    for (const record of [METADATA, VERSION_1]) {
      const bytes = encodeSafetensors(one(1), { fst: JSON.stringify(record) });
      await Deno.writeFile(path, bytes);
      await loadCheckpoint(path, log);
    }
    assert.deepEqual(lines, [
      `"${path}" is a checkpoint of version 1, read as version 2`,
    ]);
  }));

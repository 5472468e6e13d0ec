import assert from "node:assert/strict";
import { join } from "node:path";
import type { HostTensor } from "../../src/core/host_tensor.ts";
import {
  CHECKPOINT_VERSION,
  type CheckpointMetadata,
  joinSections,
  loadCheckpoint,
  saveCheckpoint,
  splitSections,
} from "../../src/weights/checkpoint_file.ts";
import { encodeSafetensors, readSafetensors } from "../../src/weights/safetensors.ts";

const one = (value: number): Map<string, HostTensor> => {
  const bytes = new Uint8Array(Float32Array.of(value).buffer);
  return new Map([["backbone.norm1.weight", { dtype: "F32", shape: [1], bytes }]]);
};

const SECTIONS = {
  student: one(1),
  teacher: one(2),
  imageNet: one(3),
  firstMoment: one(4),
  secondMoment: one(5),
  memory: one(6),
};

const METADATA: CheckpointMetadata = {
  version: CHECKPOINT_VERSION,
  config: { seed: 3, data: { kind: "embedded" } },
  iteration: 120,
  optimizerSteps: 480,
  teacherClock: 120,
  classes: [{ name: "sky", color: [128, 128, 128] }],
  normalisation: { mean: [123.675, 116.28, 103.53], deviation: [58.395, 57.12, 57.375] },
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

Deno.test("a checkpoint gives back its tensors and its record", () =>
  inFile(async (path) => {
    const tensors = joinSections(SECTIONS);
    await saveCheckpoint(path, { tensors, metadata: METADATA });
    const { tensors: found, metadata } = await loadCheckpoint(path);
    assert.deepEqual(metadata, METADATA);
    assert.deepEqual(splitSections(found), SECTIONS);
  }));

Deno.test("a checkpoint is a safetensors file with PyTorch's names", () =>
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
    ]);
  }));

Deno.test("a checkpoint from before losses had a memory has an empty one", () => {
  const { memory: _, ...older } = SECTIONS;
  const sections = splitSections(joinSections(older));
  assert.deepEqual(sections, { ...older, memory: new Map() });
});

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
        "from it",
    );
    await refuses({ fst: "{" }, 'its record of the run is damaged at ""');
    await refuses(
      { fst: JSON.stringify({ ...METADATA, iteration: -1 }) },
      'its record of the run is damaged at "iteration"',
    );
    await refuses(
      { fst: JSON.stringify({ ...METADATA, version: 2 }) },
      "it has version 2 and this program knows 1; update",
    );
  }));

Deno.test("loadCheckpoint() refuses a checkpoint that is cut off", () =>
  inFile(async (path) => {
    await saveCheckpoint(path, { tensors: joinSections(SECTIONS), metadata: METADATA });
    await Deno.truncate(path, (await Deno.stat(path)).size - 1);
    await assert.rejects(loadCheckpoint(path), {
      name: "SyntaxError",
      message: `Cannot read "${path}": it is cut off: its tensors need 24 bytes and 23 ` +
        "are there",
    });
  }));

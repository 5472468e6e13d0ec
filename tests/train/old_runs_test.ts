// Runs that version 0.1.0 wrote, before keys had the names of today and kernels were our
// own: they are evaluated to the same figures, and go on to the same losses but for rounding. tests/golden/old_runs holds a run that was
// stopped after three of six iterations, its configuration, and what that version made of
// them.
import assert from "node:assert/strict";
import { cp } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { loadConfig, parseConfig } from "../../src/config/read.ts";
import { loadNetwork } from "../../src/evaluate/load_network.ts";
import { train } from "../../src/train/train.ts";
import { readSafetensors } from "../../src/weights/safetensors_file.ts";
import { assertClose } from "../support/compare.ts";
import { inFolder } from "../support/files.ts";
import { tinyRun } from "../support/tiny_run.ts";

const FOLDER = fileURLToPath(new URL("../golden/old_runs", import.meta.url));

interface Expected {
  readonly evaluated: {
    readonly role: string;
    readonly iteration: number;
    readonly mIoU: number;
    readonly confusion: readonly (readonly number[])[];
  };
  readonly finished: {
    readonly tensors: number;
    /** Of iterations 4 to 6. */
    readonly losses: readonly (readonly number[])[];
  };
}

const EXPECTED: Readonly<Record<string, Expected>> = JSON.parse(
  await Deno.readTextFile(join(FOLDER, "expected.json")),
);

/** The same configurations in the words of today, as overrides of a tiny run. */
const PRESENT: Readonly<Record<string, readonly string[]>> = {
  adaptation: [
    "optimizer={ learningRate: 1.0e-3, warmupIterations: 2, warmupRatio: 0.1 }",
    `method={
  name: self-training,
  lookAhead: {
    depth: 2,
    width: 1,
    optimizerState: carry,
    buffers: carry,
    emaStep: forward,
    firstIteration: plain,
  },
  teacher: { emaDecay: 0.9 },
  pseudoLabel: { threshold: 0.2 },
  mixing: { classesFrom: batch, colorJitterStrength: 0.25 },
}`,
  ],
  semi: [
    "optimizer={ name: sgd, learningRate: 0.01, headLrMultiplier: 5, minLearningRate: 1.0e-4 }",
    `method={
  name: mean-teacher,
  lookAhead: { depth: 1, emaTiming: both },
  supervisedOnlyIterations: 2,
  perturbation: { name: cutmix },
  unsupervisedWeight: 0.5,
  criterion: { name: ohem, minKept: 1000 },
}`,
  ],
};
const COMMON = ["data.catMaxRatio=0.9", "data.rareClassSampling={ minPixels: 20 }"];

/** Of sums in another order, after up to three iterations. */
const TOLERANCE = 1e-5;

for (const [name, { evaluated, finished }] of Object.entries(EXPECTED)) {
  Deno.test(`${name}: old keys and new ones are the same configuration`, async () => {
    const overrides = [...COMMON, ...PRESENT[name] ?? assert.fail()];
    const text = tinyRun(6, "{ name: supervised }");
    const present = parseConfig(text, "present.yaml", overrides);
    assert.deepEqual(await loadConfig(join(FOLDER, `${name}.yaml`)), present);
    // With every default, as the run has written it.
    assert.deepEqual(await loadConfig(join(FOLDER, name, "config.yaml")), present);
  });

  Deno.test(`${name}: an old checkpoint is evaluated to the same figures [wasm]`, async () => {
    const file = join(FOLDER, name, "last.safetensors");
    using network = await loadNetwork(file, { backend: "wasm" });
    assert.equal(network.role, evaluated.role);
    assert.equal(network.iteration, evaluated.iteration);
    const { mIoU, confusion } = await network.evaluate({ split: "worn" });
    assert.deepEqual({ mIoU, confusion }, {
      mIoU: evaluated.mIoU,
      confusion: evaluated.confusion,
    });
  });

  Deno.test(`${name}: an old run goes on to the same losses [wasm]`, () =>
    inFolder(async (folder) => {
      const out = join(folder, "run");
      await cp(join(FOLDER, name), out, { recursive: true });
      const starts: number[] = [];
      const losses: number[][] = [];
      const { status } = await train(await loadConfig(join(FOLDER, `${name}.yaml`)), {
        out,
        backend: "wasm",
        observer: {
          start: (_, iteration) => void starts.push(iteration),
          iteration: (line) => void losses.push(Object.values(line.losses)),
        },
      });
      assert.equal(status, "finished");
      assert.deepEqual(starts, [evaluated.iteration]);
      assert.deepEqual(
        losses.map((of) => of.length),
        finished.losses.map((of) => of.length),
      );
      for (const [i, expected] of finished.losses.flat().entries()) {
        await assertClose([losses.flat()[i] ?? NaN], [expected], TOLERANCE, `loss ${i}`);
      }
      const { tensors } = await readSafetensors(join(out, "last.safetensors"));
      assert.equal(tensors.size, finished.tensors);
      const log = (await Deno.readTextFile(join(out, "log.jsonl"))).trim().split("\n");
      assert.deepEqual(log.map((line) => JSON.parse(line).iteration), [1, 2, 3, 4, 5, 6]);
    }));
}

// A user points at pictures with annotations in JSON, and trains.
import assert from "node:assert/strict";
import { join } from "node:path";
import { parseConfig } from "../../src/config/read.ts";
import type { RunConfig } from "../../src/config/schema.ts";
import { prepare } from "../../src/prepare/prepare.ts";
import { train } from "../../src/train/train.ts";
import { main as evaluate } from "../../tasks/eval.ts";
import {
  CLASSES,
  cocoFiles,
  type CocoJson,
  labelmeFiles,
} from "../data/annotations/fixtures.ts";
import { cvatExport, roboflowExport } from "../data/annotations/exports.ts";
import { zipOf } from "../data/archives.ts";
import { tinyImage, withFiles } from "../data/tiny_folder.ts";
import { assertRefused, call, WASM } from "../support/commands.ts";

const RUN = `
seed: 3
iterations: 5
model:
  encoder: { name: mit, embedDims: [4, 4, 8, 8], depths: [1, 1, 1, 1], numHeads: [1, 1, 1, 1], srRatios: [8, 4, 2, 1] }
  decoder: { name: segformer, channels: 8 }
data:
  kind: KIND
  classes: ${JSON.stringify(CLASSES)}
  source: { split: train, include: ["*0", "*1", "*2"] }
  evaluations: { val: { split: val } }
  cropSize: { height: 32, width: 32 }
  rareClassSampling: { minPixels: 10 }
  batchSize: 1
  numWorkers: 0
optimizer: { learningRate: 1.0e-3, warmupIterations: 2 }
method: { name: source-only }
evaluation: { interval: 0 }
logging: { interval: 1, imageInterval: 0, checkpointInterval: 1 }
`;

const configOf = (kind: string, ...overrides: string[]): RunConfig =>
  parseConfig(RUN.replace("KIND", kind), `${kind}.yaml`, overrides);

/** Trains, and gives the losses and the score. */
async function result(config: RunConfig, out: string, stopAfter?: number) {
  const losses: unknown[] = [];
  const abort = new AbortController();
  const { summary } = await train(config, {
    out,
    backend: "wasm",
    signal: abort.signal,
    observer: {
      iteration(line) {
        losses.push(line.losses);
        if (losses.length === stopAfter) abort.abort();
      },
    },
  });
  return { losses, evaluation: summary?.evaluation };
}

const SETS = { coco: cocoFiles, labelme: labelmeFiles };

for (const [kind, filesOf] of Object.entries(SETS)) {
  Deno.test(`${kind} annotations train and evaluate alike from a folder and a zip`, async () => {
    const files = filesOf();
    await withFiles({ ...files, "all.zip": zipOf(files) }, async (root) => {
      const out = join(root, "run");
      const expected = await result(configOf(kind, `data.root=${root}`), out);
      assert.equal(expected.losses.length, 5);
      assert.deepEqual(
        [expected.evaluation?.images, expected.evaluation?.classes.length],
        [2, 3],
      );
      const zipped = configOf(kind, `data.root=${root}/all.zip`, "data.numWorkers=1");
      assert.deepEqual(await result(zipped, join(root, "zipped")), expected);

      const measured = await call(
        evaluate,
        join(out, "last.safetensors"),
        ...["--set", `data.root=${root}/all.zip`, "--split", "train", "--json"],
        ...WASM,
      );
      assert.equal(measured.status, 0, measured.error);
      assert.equal(JSON.parse(measured.out).images, 4);
    });
  });

  Deno.test(`a run on ${kind} annotations does not go on with others`, async () => {
    await withFiles(filesOf(), async (root) => {
      const config = configOf(kind, `data.root=${root}`);
      await result(config, join(root, "run"), 2);
      const path = kind === "coco" ? "annotations/instances_train.json" : "train/0.json";
      const text = await Deno.readTextFile(join(root, path));
      // As many bytes: "person" becomes "car", and blanks follow.
      const changed = text.replace(/"(label|name)":"person"/, '"$1":"car"   ');
      assert.notEqual(changed, text);
      await Deno.writeTextFile(join(root, path), changed);
      await assert.rejects(
        () => result(config, join(root, "run")),
        /its data has changed: "data.source" has (other annotations|images or labels with other)/,
      );
    });
  });
}

const EXPORTS = { CVAT: cvatExport(), Roboflow: roboflowExport() };

for (const [tool, { files, classes, pattern, splits }] of Object.entries(EXPORTS)) {
  Deno.test(`masks that ${tool} exports train and evaluate alike from a folder and a zip`, async () => {
    const [source, val] = Object.entries(splits).map(([split, { list }]) => ({
      split,
      list,
    }));
    const text = RUN.replace("KIND", "folder").replace(/include: .*]/, "include: ['*']");
    const config = (root: string) =>
      parseConfig(text, "folder.yaml", [
        `data.root=${root}`,
        `data.classes=${JSON.stringify(classes)}`,
        `data.files=${JSON.stringify(pattern)}`,
        `data.source=${JSON.stringify(source)}`,
        `data.evaluations=${JSON.stringify({ val })}`,
      ]);
    await withFiles({ ...files, "export.zip": zipOf(files) }, async (root) => {
      const expected = await result(config(root), join(root, "run"));
      assert.equal(expected.losses.length, 5);
      assert.equal(expected.evaluation?.images, 1);
      const zip = join(root, "export.zip");
      assert.deepEqual(await result(config(zip), join(root, "zipped")), expected);
      // The run keeps the lists of its archive: its checkpoint is evaluated elsewhere, too.
      const measured = await call(
        evaluate,
        join(root, "zipped", "last.safetensors"),
        ...["--set", `data.root=${root}`, "--json"],
        ...WASM,
      );
      assert.equal(measured.status, 0, measured.error);
      assert.equal(JSON.parse(measured.out).images, 1);
    });
  });
}

Deno.test("a target of pictures alone needs no annotations", async () => {
  const files = {
    ...cocoFiles(),
    "more/a.png": tinyImage(7),
    "more/b.png": tinyImage(8),
  };
  await withFiles(files, async (root) => {
    const config = configOf(
      "coco",
      `data.root=${root}`,
      "data.target={ split: more }",
      "method={ name: self-training, lookAhead: { depth: 1 } }",
    );
    const { losses } = await result(config, join(root, "run"));
    assert.equal(losses.length, 5);
  });
});

Deno.test("prepare() says all that is wrong with annotations at once", async () => {
  const files = cocoFiles(({ images, annotations, categories }) => {
    const of = (image: number) =>
      annotations.filter((one: CocoJson) => one.image_id === images[image].id);
    categories[0].name = "bus";
    of(0)[0].segmentation = [[1, 2, 3]];
    of(1)[0].segmentation = [[-90, 2, 3, 4, 500, 6]];
    of(2)[0].segmentation = [];
    images[3].width = 9;
    images.push({ ...images[0], id: 5 });
  });
  await withFiles(files, async (root) => {
    const config = join(root, "coco.yaml");
    await Deno.writeTextFile(
      config,
      RUN.replace("KIND", "coco").replace(/, include.*]/, ""),
    );
    const { report } = await prepare(config, { root, cache: null, workers: 0 });
    const messages = report.problems.map(({ message }) => message).join("\n");
    for (
      const problem of [
        /objects of "bus" \(\d+\), which is no class/,
        /annotates the picture "0000.png" twice/,
        /Left out 1 annotations/,
        /image 100": annotation \d+ has a polygon of 3 coordinates/,
        /image 107" is cut off: annotation \d+ reaches out/,
        /the image is 24×30 and the label 9×30/,
      ]
    ) assert.match(messages, problem);
    assert.equal(report.problems.length, 6, messages);
  });
});

Deno.test("a run on annotations with a fault ends in a sentence that names the file", async () => {
  const { main } = await import("../../tasks/train.ts");
  const files = cocoFiles(({ categories }) => categories[1].name = "tram");
  await withFiles({ ...files, "my.yaml": RUN.replace("KIND", "coco") }, async (root) => {
    assertRefused(
      await call(
        main,
        join(root, "my.yaml"),
        ...["--set", `data.root=${root}`, "--out", join(root, "run")],
        ...WASM,
      ),
      "instances_train.json",
      '"tram"',
      '"categoryMap"',
    );
  });
});

import assert from "node:assert/strict";
import { folderRoot } from "../../src/config/data.ts";
import { example, folderExample } from "./example.ts";

const problems = (...lines: string[]) => ({
  name: "SyntaxError",
  message: ['Cannot use "example.yaml":', ...lines].join("\n  "),
});
const folderProblems = (...lines: string[]) => ({
  name: "SyntaxError",
  message: ['Cannot use "folder.yaml":', ...lines].join("\n  "),
});

Deno.test("the defaults of future self-training are those of the paper", () => {
  assert.deepEqual(example().method, {
    name: "future-self-training",
    depth: 3,
    width: 1,
    optimizerState: "restore",
    buffers: "restore",
    teacherClock: "iteration",
    presentStudent: "before",
    firstIteration: "lookahead",
    reuse: true,
    shareDropout: false,
    teacher: { momentum: 0.999 },
    pseudoLabel: { threshold: 0.968, ignoreTop: 0, ignoreBottom: 0 },
    mixing: {
      jitterStrength: 0.2,
      jitterProbability: 0.8,
      blurProbability: 0.5,
      classes: "image",
    },
    featureDistance: null,
  });
});

Deno.test("the defaults of the optimizer are those of the paper", () => {
  assert.deepEqual(example().optimizer, {
    name: "adamw",
    rate: 6e-5,
    headFactor: 10,
    weightDecay: 0.01,
    betas: [0.9, 0.999],
    epsilon: 1e-8,
    warmup: 1500,
    warmupRatio: 1e-6,
    power: 1,
    minimumRate: 0,
    accumulate: 1,
  });
});

Deno.test("supervised learning has no options of other methods", () => {
  assert.deepEqual(example("method={name: supervised}").method, { name: "supervised" });
  assert.throws(
    () => example("method={name: source-only, depth: 3}"),
    problems('method: Unrecognized key: "depth"'),
  );
});

Deno.test("methods that adapt need a target", () => {
  for (const name of ["self-training", "future-self-training"]) {
    assert.throws(
      () => example(`method.name=${name}`, "data.target="),
      problems(`data.target: is required by the method "${name}"`),
    );
  }
  assert.equal(example("method.name=source-only", "data.target=").data.target, null);
});

Deno.test("the feature distance needs pretrained weights and known classes", () => {
  const distance =
    "method={name: self-training, featureDistance: {classes: [rod, 1, 2]}}";
  assert.throws(
    () => folderExample("data.target={split: train}", distance),
    folderProblems(
      'model.pretrained: is required by "method.featureDistance": the distance is to its ' +
        "features",
      'method.featureDistance.classes.0: Unknown class "rod"; did you mean "road"?',
      "method.featureDistance.classes.2: Unknown class 2: ids are 0 … 1",
    ),
  );
});

Deno.test("some rows of a crop keep their pseudo-labels", () => {
  assert.throws(
    () => example("method.pseudoLabel={ignoreTop: 15, ignoreBottom: 49}"),
    problems("method.pseudoLabel: ignores 15 + 49 rows: a crop has 64"),
  );
});

Deno.test("sliding windows need a size and steps without gaps", () => {
  assert.throws(
    () => example("evaluation.mode=slide"),
    problems(
      'evaluation.window: is required by the mode "slide"',
      'evaluation.stride: is required by the mode "slide"',
    ),
  );
  assert.throws(
    () =>
      example(
        "evaluation={mode: slide, window: {height: 8, width: 8}, " +
          "stride: {height: 4, width: 9}}",
      ),
    problems("evaluation.stride.width: leaves gaps: must be at most 8"),
  );
});

Deno.test("the heads of a stage divide its width", () => {
  assert.throws(
    () => folderExample("model.encoder.widths.1=33"),
    folderProblems(
      "model.encoder.widths.1: must be a multiple of the stage's 2 heads: received 33",
    ),
  );
});

Deno.test("class names are unique and labels map to classes", () => {
  assert.throws(
    () => folderExample("data.classes.1.name=road", "data.labels={7: 0, 8: 2, 9: 255}"),
    folderProblems(
      'data.classes.1.name: is taken by class 0: "road"',
      "data.labels.8: must be a class id of 0 … 1, or 255: received 2",
    ),
  );
});

Deno.test("evaluations keep the order of the file", () => {
  const { data } = example(
    "data.evaluations={worn: {domain: worn, images: 2}, a: {domain: clean, images: 2}}",
  );
  assert.deepEqual(Object.keys(data.evaluations), ["worn", "a"]);
  assert.throws(
    () => example("data.evaluations={}"),
    problems("data.evaluations: must name at least one evaluation"),
  );
});

Deno.test("folderRoot() tells how to give the folder", () => {
  assert.equal(folderRoot({ root: "/data" }), "/data");
  assert.throws(() => folderRoot({ root: null }), {
    name: "RangeError",
    message: 'Cannot read the data set: "data.root" is not given: name its folder with ' +
      "--set data.root=FOLDER",
  });
});

Deno.test("an encoder's position tables reach over every crop", () => {
  assert.throws(
    () => example("model.encoder={name: beit-b, imageSize: 32}"),
    problems(
      'model.encoder.imageSize: must be at least the longest side of "data.crop", 64: ' +
        "received 32",
    ),
  );
});

Deno.test("sizes of encoders that do not go together are refused", () => {
  assert.throws(
    () =>
      example(
        "model.encoder={name: swin, width: 12, depths: [1, 1, 1, 1], heads: [5, 4, 4, 8]}",
      ),
    problems(
      "model.encoder.heads.0: must divide the stage's 12 channels: received 5",
    ),
  );
  assert.throws(
    () =>
      example(
        "model.encoder={name: beit, width: 10, depth: 4, heads: 4, outputs: [0, 2, 1, 4]}",
      ),
    problems(
      "model.encoder.width: must be a multiple of the 4 heads: received 10",
      "model.encoder.outputs.2: must be above the one before it: received 1",
      "model.encoder.outputs.3: must be below the depth 4: received 4",
    ),
  );
});

Deno.test("a value where keys belong is told which", () => {
  assert.throws(
    () => example("data.crop=64", "method=3"),
    problems(
      'data.crop: must be a mapping with keys of "height", "width": received 64',
      "method: must be a mapping: received 3",
    ),
  );
});

import assert from "node:assert/strict";
import { requireDataRoot } from "../../src/config/data.ts";
import { example, folderExample, folderProblems, problems } from "./example.ts";

Deno.test("the defaults of the optimizer are those of the paper", () => {
  assert.deepEqual(example().optimizer, {
    name: "adamw",
    learningRate: 6e-5,
    headLrMultiplier: 10,
    decayNorms: false,
    weightDecay: 0.01,
    betas: [0.9, 0.999],
    eps: 1e-8,
    warmupIterations: 1500,
    warmupRatio: 1e-6,
    warmupTo: "decay",
    power: 1,
    minLearningRate: 0,
    accumulationSteps: 1,
    freeze: [],
    lrMultipliers: {},
    clipGradientNorm: null,
  });
});

Deno.test("an optimizer's options are its own", () => {
  assert.deepEqual(example("optimizer={name: sgd}").optimizer, {
    name: "sgd",
    learningRate: 1e-3,
    headLrMultiplier: 10,
    decayNorms: false,
    weightDecay: 1e-4,
    momentum: 0.9,
    warmupIterations: 0,
    warmupRatio: 1e-6,
    warmupTo: "decay",
    power: 0.9,
    minLearningRate: 0,
    accumulationSteps: 1,
    freeze: [],
    lrMultipliers: {},
    clipGradientNorm: null,
  });
  assert.throws(
    () => example("optimizer={momentum: 0.9}"),
    problems(
      'optimizer: Unrecognized key: "momentum", which is one of "sgd", not of "adamw"',
    ),
  );
  assert.throws(
    () => example("optimizer={name: sdg}"),
    problems(
      'optimizer.name: must be one of "adamw", "sgd": received "sdg"; did you mean "sgd"?',
    ),
  );
});

Deno.test("methods that adapt need a target", () => {
  const required = problems('data.target: is required by the method "self-training"');
  for (const lookAhead of ["null", "{}"]) {
    assert.throws(
      () => example(`method.lookAhead=${lookAhead}`, "data.target="),
      required,
    );
  }
  const { data } = example("method={name: source-only}", "data.target=");
  assert.equal(data.target, null);
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

Deno.test("sliding windows need a size and steps without gaps", () => {
  assert.throws(
    () => example("evaluation.mode=slide"),
    problems(
      'evaluation.windowSize: is required by the mode "slide"',
      'evaluation.stride: is required by the mode "slide"',
    ),
  );
  assert.throws(
    () =>
      example(
        "evaluation={mode: slide, windowSize: {height: 8, width: 8}, " +
          "stride: {height: 4, width: 9}}",
      ),
    problems("evaluation.stride.width: leaves gaps: must be at most 8"),
  );
});

Deno.test("the heads of a stage divide its width", () => {
  assert.throws(
    () => folderExample("model.encoder.embedDims.1=33"),
    folderProblems(
      "model.encoder.embedDims.1: must be a multiple of the stage's 2 heads: received 33",
    ),
  );
});

Deno.test("class names are unique and labels map to classes", () => {
  assert.throws(
    () => folderExample("data.classes.1.name=road", "data.labelMap={7: 0, 8: 2, 9: 255}"),
    folderProblems(
      'data.classes.1.name: is taken by class 0: "road"',
      "data.labelMap.8: must be a class id of 0 … 1, or 255: received 2",
    ),
  );
});

Deno.test("class names are a line that fits into a checkpoint", () => {
  for (const name of ["", "a\tb", "a\u009bb", "a".repeat(201)]) {
    assert.throws(
      () => folderExample(`data.classes.1.name=${JSON.stringify(name)}`),
      /data\.classes\.1\.name: must have 1 to 200 characters, and no control characters/,
    );
  }
  folderExample(`data.classes.1.name=${"Ä".repeat(200)}`);
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

Deno.test("requireDataRoot() tells how to give the folder", () => {
  assert.equal(requireDataRoot({ root: "/data" }), "/data");
  assert.throws(() => requireDataRoot({ root: null }), {
    name: "RangeError",
    message: 'Cannot read the data set: "data.root" is not given: name its folder with ' +
      "--set data.root=FOLDER",
  });
});

Deno.test("an encoder's position tables reach over every crop", () => {
  assert.throws(
    () => example("model.encoder={name: beit-b, imageSize: 32}"),
    problems(
      'model.encoder.imageSize: must be at least the longest side of "data.cropSize", 64: ' +
        "received 32",
    ),
  );
});

Deno.test("two resolutions need crops on a grid, and a method that sees the images", () => {
  const [height, width] = [32, 48];
  const resolutions =
    `model.multiResolution={detailSize: {height: ${height}, width: ${width}}}`;
  assert.deepEqual(example(resolutions).model.multiResolution, {
    detailSize: { height, width },
    contextScale: 0.5,
    attentionChannels: 256,
    detailLossWeight: 0.1,
    coordinateDivisor: 8,
  });
  assert.throws(
    () =>
      example(
        "model.multiResolution={detailSize: {height: 36, width: 72}}",
        "data.cropSize={height: 60, width: 64}",
      ),
    problems(
      'model.multiResolution.detailSize.height: must be a multiple of "coordinateDivisor", ' +
        "8: received 36",
      'data.cropSize.height: must be a multiple of "model.multiResolution.' +
        'coordinateDivisor", 8: received 60',
      'model.multiResolution.detailSize.width: must be at most that of "data.cropSize", ' +
        "64: received 72",
    ),
  );
  assert.throws(
    () => example(resolutions, "method={name: self-training, lookAhead: {by: head}}"),
    problems(
      'method.lookAhead.by: cannot be "head" with "model.multiResolution", whose details ' +
        "are no part of the features that it keeps: choose another kind, or set " +
        '"model.multiResolution" to null',
    ),
  );
  assert.throws(
    () => example(resolutions, "method={name: weak-to-strong}"),
    problems(
      'model.multiResolution: cannot be trained by "weak-to-strong", which drops features ' +
        "between encoder and decoder: choose another method, or set this to null",
    ),
  );
  assert.throws(
    () =>
      example(
        resolutions,
        "model.decoder={name: semi-deeplabv3+}",
        "method={name: mean-teacher, contrastive: {}}",
      ),
    problems(
      "method.contrastive: compares representations of pixels, which a network with " +
        '"model.multiResolution" does not give: set one of them to null',
    ),
  );
  assert.throws(
    () =>
      example(
        resolutions,
        "model.decoder={name: danet}",
        "model.auxiliaryHead={name: fcn}",
      ),
    problems(
      'model.auxiliaryHead: cannot be trained with "model.multiResolution": set one of ' +
        "them to null",
      'model.decoder.name: "danet" has further logits that "model.multiResolution" does not ' +
        'train: choose another decoder, or set "model.multiResolution" to null',
    ),
  );
});

Deno.test("a DINOv2 takes crops of any size, and enlarges them by whole percents", () => {
  const { model } = example("model.encoder={name: dinov2-small, imageSize: 28}");
  assert.deepEqual(model.encoder, {
    name: "dinov2-small",
    registers: false,
    imageSize: 28,
    inputScale: 1,
    dropPathRate: 0,
  });
  for (const scale of [1.01, 1.1, 1.15, 2.3, 3.99]) {
    example(`model.encoder={name: dinov2-base, inputScale: ${scale}}`);
  }
  assert.throws(
    () =>
      example("model.encoder={name: dinov2-large, inputScale: 1.055, imageSize: 500}"),
    problems(
      "model.encoder.imageSize: Invalid number: must be a multiple of 14",
      "model.encoder.inputScale: Invalid number: must be a multiple of 0.01",
    ),
  );
});

Deno.test("sizes of encoders that do not go together are refused", () => {
  assert.throws(
    () =>
      example(
        "model.encoder={name: swin, embedDim: 12, depths: [1, 1, 1, 1], numHeads: [5, 4, 4, 8]}",
      ),
    problems(
      "model.encoder.numHeads.0: must divide the stage's 12 channels: received 5",
    ),
  );
  assert.throws(
    () =>
      example(
        "model.encoder={name: beit, embedDim: 10, depth: 4, numHeads: 4, outIndices: [0, 2, 1, 4]}",
      ),
    problems(
      "model.encoder.embedDim: must be a multiple of the 4 heads: received 10",
      "model.encoder.outIndices.2: must be above the one before it: received 1",
      "model.encoder.outIndices.3: must be below the depth 4: received 4",
    ),
  );
});

Deno.test("a value where keys belong is told which", () => {
  assert.throws(
    () => example("data.cropSize=64", "method=3"),
    problems(
      'data.cropSize: must be a mapping with keys of "height", "width": received 64',
      "method: must be a mapping: received 3",
    ),
  );
});

Deno.test("a value of another kind is told which it has to be", () => {
  assert.throws(
    () =>
      example(
        ...[
          "optimizer.freeze=encoder",
          "data.cropSize.height=4.5",
          "data.numWorkers=two",
        ],
        "optimizer.clipGradientNorm=.nan",
        "data.augmentation={blur: {sigma: 1}}",
        'data.bitDepth="16"',
        "model.activationCheckpointing=1",
      ),
    problems(
      "model.activationCheckpointing: must be true or false: received 1",
      "data.cropSize.height: must be a whole number: received 4.5",
      "data.augmentation.blur.sigma: must be a list: received 1",
      'data.bitDepth: must be one of 8, 16: received "16"',
      'data.numWorkers: must be a number: received "two"',
      'optimizer.freeze: must be a list: received "encoder"',
      "optimizer.clipGradientNorm: must be a number: received NaN",
    ),
  );
});

Deno.test("padding has a class of the data set", () => {
  const { data } = folderExample("data.padding={position: center, label: 1}");
  assert.deepEqual(data.padding, { position: "center", label: 1 });
  assert.throws(() => folderExample("data.padding={label: 2}"), {
    message: /data\.padding\.label: must be a class id of 0 … 1, or 255: received 2/,
  });
  assert.throws(() => folderExample("data.randomScale=[2, 4]"), {
    message: /data\.randomScale/,
  });
});

Deno.test("the variants of decoders are checked with what they need", () => {
  const decoder = (text: string) => example(`model.decoder={${text}}`).model.decoder;
  assert.deepEqual(decoder("name: segformer, fusionKernelSize: 3"), {
    name: "segformer",
    channels: 256,
    fusionKernelSize: 3,
    dropout: 0.1,
  });
  assert.throws(
    () => decoder("name: segformer, fusionKernelSize: 5"),
    problems("model.decoder.fusionKernelSize: must be one of 1, 3: received 5"),
  );
  decoder("name: daformer, fusion: bottleneck, imagePool: true");
  for (const fusion of ["conv1", "isa"]) {
    assert.throws(
      () => decoder(`name: daformer, fusion: ${fusion}, imagePool: true`),
      problems(
        `model.decoder.imagePool: is a branch of ASPP, which the fusion "${fusion}" does ` +
          'not have: set "model.decoder.fusion" to "separable-aspp", "aspp" or "bottleneck"',
      ),
    );
  }
  const without = "model.decoder={name: semi-deeplabv3+, representationHead: false}";
  example(without);
  assert.throws(
    () => example(without, "method={name: mean-teacher, contrastive: {}}"),
    problems(
      "method.contrastive: compares representations of pixels, which the decoder " +
        '"semi-deeplabv3+" without its representation head does not give: set ' +
        '"model.decoder.representationHead" to true, or this to null',
    ),
  );
});

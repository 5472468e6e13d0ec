import assert from "node:assert/strict";
import { RGB_FORMAT } from "../../src/core/host_batch.ts";
import { parseConfig } from "../../src/config/read.ts";
import {
  classesOf,
  evaluationSpecs,
  trainingLoaderSpec,
} from "../../src/prepare/data_specs.ts";

const RUN = `
iterations: 1
model: { encoder: { name: mit-b0 }, decoder: { name: segformer } }
data:
  kind: coco
  root: /data
  classes:
    - { name: background, color: [0, 0, 0] }
    - { name: person, color: [220, 20, 60] }
  source: { split: train }
  evaluations: { val: { split: val, list: some.txt } }
  cropSize: { height: 32, width: 32 }
method: { name: source-only }
`;

Deno.test("the description of a COCO data set follows from its configuration", () => {
  const config = parseConfig(RUN, "run.yaml", [
    "data.categoryMap={ adult: person, '*': null }",
    "data.crowd=ignore",
  ]);
  const common = {
    kind: "coco",
    root: "/data",
    include: ["*"],
    labeled: true,
    cacheFolder: null,
    classes: classesOf(config.data),
    pixelFormat: RGB_FORMAT,
    listFolder: null,
    categoryMap: { adult: "person", "*": null },
    background: "background",
    crowd: "ignore",
    files: { images: "{split}", annotations: "annotations/instances_{split}.json" },
  };
  const { source } = trainingLoaderSpec(config, null);
  assert.deepEqual(source, { ...common, split: "train", list: null });
  const val = evaluationSpecs(config.data, null).get("val");
  assert.deepEqual(val, { ...common, split: "val", list: "some.txt" });
});

Deno.test("the description of a labelme data set has its folders", () => {
  const config = parseConfig(RUN.replace("coco", "labelme"), "run.yaml", [
    "data.files.annotations=json/{split}",
    "data.background=null",
  ]);
  const { source } = trainingLoaderSpec(config, null);
  assert.ok(source.kind === "labelme");
  assert.deepEqual(source.files, { images: "{split}", annotations: "json/{split}" });
  assert.equal(source.background, null);
});

Deno.test("parseConfig() refuses names of annotated data sets that are no classes", () => {
  for (const kind of ["coco", "labelme"]) {
    const text = RUN.replace("coco", kind);
    assert.throws(
      () => parseConfig(text, "run.yaml", ["data.background=backround"]),
      /data.background: must be the name of a class, .* received "backround".*"background"/,
    );
    assert.throws(
      () => parseConfig(text, "run.yaml", ["data.categoryMap={ adult: persons, x: y }"]),
      /data.categoryMap.adult: must be .*"persons".*\n.*data.categoryMap.x: must be .*"y"/,
    );
    assert.throws(
      () => parseConfig(text, "run.yaml", ["data.padding.label=2"]),
      /data.padding.label: must be a class id of 0 … 1/,
    );
  }
});

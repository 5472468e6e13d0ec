import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { nativeDataRoot } from "../../src/config/data.ts";
import { loadConfig, parseConfig, stringifyConfig } from "../../src/config/read.ts";
import type { RunConfig } from "../../src/config/schema.ts";
import {
  CITYSCAPES_CLASSES,
  NATIVE_CLASSES,
  NATIVE_DATA_SETS,
  SYNTHIA_13_CLASS_IDS,
  SYNTHIA_16_CLASS_IDS,
} from "../../src/data/native_classes.ts";
import { evaluationSpec, trainingLoaderSpec } from "../../src/prepare/data_specs.ts";
import { assertSameRun } from "../../src/train/run_folder.ts";
import { inFolder } from "../support/files.ts";

const TEXT = `
model:
  encoder: { name: mit-b0 }
data:
  kind: native
  source: { set: gta5 }
  target: { set: cityscapes, split: train }
  evaluations: { val: { set: cityscapes, split: val } }
  cropSize: { height: 64, width: 64 }
method: { name: self-training }
`;

const native = (...overrides: string[]): RunConfig =>
  parseConfig(TEXT, "native.yaml", overrides);

/** The roots of source, target and evaluation. */
function roots(...overrides: string[]): string[] {
  const config = native(...overrides);
  const { source, target } = trainingLoaderSpec(config, null);
  return [source, target, evaluationSpec(config.data, "val", null)].map((spec) =>
    spec?.kind === "native" ? spec.root : "none"
  );
}

Deno.test("each data set has its root, or a folder below one, or that of its other split", () => {
  assert.deepEqual(roots("data.root=/data"), [
    "/data/gta5",
    "/data/cityscapes",
    "/data/cityscapes",
  ]);
  assert.deepEqual(roots("data.source.root=/a", "data.target.root=/b"), [
    "/a",
    "/b",
    "/b",
  ]);
  assert.deepEqual(roots("data.root=/data/", "data.evaluations.val.root=/v"), [
    "/data/gta5",
    "/v",
    "/v",
  ]);
});

Deno.test("an open root says with which --set it is given", () => {
  assert.throws(() => roots(), {
    name: "RangeError",
    message:
      'Cannot read the data set "gta5": "data.source.root" is not given: name its ' +
      "folder with --set data.source.root=FOLDER, or with --set data.root=FOLDER one " +
      'that holds "gta5"',
  });
  assert.throws(() => roots("data.source.root=/a"), /"data\.target\.root" is not given/);
  const { data } = native(
    "data.source.root=/a",
    "data.target=null",
    "method.name=supervised",
  );
  assert.throws(
    () => evaluationSpec(data, "val", null),
    /"data\.evaluations\.val\.root" is not given: name its folder with --set data\.eval/,
  );
  assert.ok(data.kind === "native" && nativeDataRoot(data, data.source) === "/a");
});

Deno.test("an evaluation by name, and any other split of its set", () => {
  const { data } = native("data.root=/d");
  const spec = evaluationSpec(data, "test", null);
  assert.ok(spec.kind === "native");
  assert.deepEqual([spec.set, spec.split, spec.root], [
    "cityscapes",
    "test",
    "/d/cityscapes",
  ]);
});

Deno.test("sets whose classes differ cannot be joined", () => {
  assert.throws(() => native("data.target.set=voc"), {
    message:
      'Cannot use "native.yaml":\n  data.target.set: "voc" has other classes than ' +
      'the source, "gta5": they cannot be joined',
  });
  assert.throws(
    () => native("data.evaluations.val.set=voc"),
    /data\.evaluations\.val\.set/,
  );
  assert.throws(
    () => native("data.source.set=gta"),
    /data\.source\.set: must be one of "camvid", "cityscapes", "gta5", .*did you mean "gta5"\?/,
  );
});

Deno.test("classes of the feature distance are those of the sets", () => {
  const distance =
    "method.featureDistance={lossWeight: 0.1, scaleMinRatio: 0.5, classes: [horse]}";
  assert.throws(
    () => native(distance, "model.pretrained=mit-b0"),
    /method\.featureDistance\.classes\.0: Unknown class "horse"/,
  );
});

Deno.test("a run may go on where its data sets have moved to", () => {
  const there = native("data.root=/a", "data.source.root=/b");
  assertSameRun(
    "run",
    there,
    native("data.target.root=/c", "data.evaluations.val.root=/d"),
  );
  assert.throws(
    () => assertSameRun("run", there, native("data.target.split=val")),
    /other values of data\.target\.split/,
  );
});

Deno.test("SBD belongs to VOC, wherever it is, and is the same for all parts of a run", () => {
  const voc = "data.source={set: voc, split: train}";
  const more = [
    "data.target={set: voc, list: pascal/662/unlabeled}",
    "data.evaluations.val={set: voc, split: val}",
    "data.root=/d",
  ];
  const sbdOf = (config: RunConfig) => {
    const { source } = trainingLoaderSpec(config, null);
    return [source, evaluationSpec(config.data, "val", null)].map((spec) =>
      spec.kind === "native" ? spec.sbd : "none"
    );
  };
  const there = native(voc, ...more, "data.source.sbd=/s");
  assert.deepEqual(sbdOf(there), ["/s", "/s"]);
  const nowhere = native(voc, ...more);
  assert.deepEqual(sbdOf(nowhere), [null, null]);
  assertSameRun("run", there, nowhere);
  assert.throws(
    () => native("data.source.sbd=/s"),
    /data\.source\.sbd: SBD has labels for "voc", and none for "gta5": leave it out/,
  );
});

Deno.test("loadConfig() finds a list beside the configuration from any folder", async () => {
  await inFolder(async (folder) => {
    await mkdir(join(folder, "lists"));
    await Deno.writeTextFile(join(folder, "lists/few.txt"), "00001");
    await Deno.writeTextFile(join(folder, "native.yaml"), TEXT);
    const config = await loadConfig(join(folder, "native.yaml"), [
      "data.source.list=lists/few.txt",
      "data.target.list=cityscapes/186/labeled",
    ]);
    assert.ok(config.data.kind === "native");
    assert.equal(config.data.source.list, "lists/few.txt");
    assert.equal(config.data.listFolder, folder);
    assert.equal(config.data.target?.list, "cityscapes/186/labeled");
    assert.deepEqual(parseConfig(stringifyConfig(config), "again"), config);
  });
});

Deno.test("SYNTHIA is scored without the classes that it lacks", () => {
  const names = (ids: readonly number[]) => ids.map((id) => CITYSCAPES_CLASSES[id]?.name);
  const without = (ids: readonly number[]) =>
    CITYSCAPES_CLASSES.map(({ name }) => name).filter((name) =>
      !names(ids).includes(name)
    );
  assert.deepEqual(without(SYNTHIA_16_CLASS_IDS), ["terrain", "truck", "train"]);
  assert.deepEqual(without(SYNTHIA_13_CLASS_IDS), [
    ...["wall", "fence", "pole", "terrain", "truck", "train"],
  ]);
});

Deno.test("class names and colors of a set are unique", () => {
  for (const set of NATIVE_DATA_SETS) {
    const classes = NATIVE_CLASSES[set];
    assert.equal(new Set(classes.map(({ name }) => name)).size, classes.length);
    assert.equal(new Set(classes.map(({ color }) => color.join())).size, classes.length);
  }
});

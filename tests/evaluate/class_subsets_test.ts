import assert from "node:assert/strict";
import { CITYSCAPES_CLASSES } from "../../src/data/native_classes.ts";
import { parseConfig } from "../../src/config/read.ts";
import {
  findSubset,
  publishedSubsets,
  subsetMetrics,
} from "../../src/evaluate/class_subsets.ts";

const wanting = (name: string) => findSubset(name, CITYSCAPES_CLASSES).classes;

Deno.test("SYNTHIA is scored over 16 and 13 classes", () => {
  const left = (name: string) =>
    CITYSCAPES_CLASSES.map((one) => one.name).filter((one) =>
      !wanting(name).includes(one)
    );
  assert.deepEqual(left("synthia-16"), ["terrain", "truck", "train"]);
  assert.deepEqual(left("13"), [
    ...["wall", "fence", "pole", "terrain", "truck", "train"],
  ]);
});

Deno.test("a subset is any list of classes, in the order of their ids", () => {
  assert.deepEqual(wanting("car, road"), ["road", "car"]);
  assert.throws(() => wanting("car,raod"), /no class "raod"; did you mean "road"\?/);
});

Deno.test("runs from SYNTHIA are scored so without asking, others are not", () => {
  const namesOf = (set: string) => {
    const config = parseConfig(
      `
model: { encoder: { name: mit-b0 }, decoder: { name: segformer } }
data:
  kind: native
  source: { set: ${set} }
  evaluations: { val: { set: cityscapes, split: val } }
  cropSize: { height: 32, width: 32 }
method: { name: supervised }
`,
      "x.yaml",
    );
    return publishedSubsets(config, CITYSCAPES_CLASSES).map(({ name }) => name);
  };
  assert.deepEqual(namesOf("synthia"), ["synthia-16", "synthia-13"]);
  assert.deepEqual(namesOf("gta5"), []);
});

Deno.test("means over a subset skip what does not occur", () => {
  const figures = [
    { name: "a", iou: 0.2, accuracy: 0.5 },
    { name: "b", iou: null, accuracy: null },
    { name: "c", iou: 0.6, accuracy: 0.7 },
  ];
  const over = (...classes: string[]) => subsetMetrics({ name: "x", classes }, figures);
  assert.equal(over("a", "b", "c").mIoU, 0.4);
  assert.equal(over("a", "b").meanAccuracy, 0.5);
  assert.equal(over("b").mIoU, null);
});

// A configuration in words: what is written is what is read.
import assert from "node:assert/strict";
import { parseConfig } from "../../src/config/read.ts";
import { type ConfigParts, configText } from "../../src/init/config_text.ts";

const NAMES = [
  "0",
  "null",
  "yes",
  "a: b",
  "#x",
  '"q"',
  "{s}",
  "日本",
  "it's",
  "- a",
  "*",
];

const PARTS: ConfigParts = {
  folder: "/w",
  file: "it's mine.yaml",
  schema: "/fst/configs/schema.json",
  seed: 3,
  title: 'images in "a\nb", labels in "c"',
  settings: { kind: "folder", root: "/d: #1", files: { images: "{split}", labels: "." } },
  classes: {
    classes: NAMES.map((name, id) => ({ name, color: [id, 0, 0] })),
    settings: { labelMap: new Map([[0, 1], [255, 255]]) },
    reasons: ["labels hold\nthe values 0, 255", "names are not known"],
    counts: new Map([["a", NAMES.map((_, id) => id)], ["b", NAMES.map(() => 1000)]]),
  },
  chosen: {
    source: { settings: { split: "all", list: "x: y.txt" }, comment: "one\u0000 image" },
    target: { settings: { split: "no" }, comment: "2 images without labels" },
    evaluations: { val: { settings: { split: "true" }, comment: "1 image" } },
    method: { name: "mean-teacher", reason: "half of them have none" },
    trainingNames: ["a"],
    evaluationCount: 1,
    unlabeledCount: 2,
    lists: new Map(),
    notes: [],
  },
  run: {
    network: "A network",
    encoder: { name: "mit-b0", dropPathRate: 0.1 },
    decoder: { name: "segformer", channels: 8 },
    learningRate: 6e-4,
    resize: { height: 100, width: 200 },
    cropSize: { height: 64, width: 96 },
    batchSize: 2,
    iterations: 400,
    weights: 1234,
    memory: 1e6,
    limit: null,
  },
  measures: {
    typical: { height: 200, width: 400 },
    sizes: [{ height: 200, width: 400 }],
    mean: [120, 115, 100],
    std: [60, 60, 60],
    count: 1,
  },
  format: { channels: 3, bitDepth: 8 },
};

Deno.test("configText() writes what parseConfig() reads, whatever things are called", () => {
  const { data, seed, iterations, method } = parseConfig(configText(PARTS), "my.yaml");
  assert.ok(data.kind === "folder");
  assert.deepEqual(data.classes.map(({ name }) => name), NAMES);
  assert.equal(data.root, "/d: #1");
  assert.deepEqual(data.labelMap, { 0: 1, 255: 255 });
  assert.deepEqual([data.source.split, data.source.list], ["all", "x: y.txt"]);
  assert.deepEqual([data.target?.split, data.evaluations["val"]?.split], ["no", "true"]);
  assert.deepEqual([seed, iterations, method.name], [3, 400, "mean-teacher"]);
});

Deno.test("configText() says what guesses rest on, and begins with the schema", () => {
  const text = configText(PARTS);
  assert.match(
    text,
    /^# yaml-language-server: \$schema=\.\.\/fst\/configs\/schema\.json\n/,
  );
  assert.match(text, /# Labels hold\?the values 0, 255; names are not known\.\n/);
  assert.match(
    text,
    /name: "#x", color: \[4, 0, 0\] \} # 9\.08 % of the pixels, in 2 of 2 labels/,
  );
  assert.match(text, /deno task train 'it'\\''s mine\.yaml'/);
  const lines = text.split("\n").filter((line) => /^ *#/.test(line));
  assert.ok(Math.max(...lines.map((line) => line.length)) <= 100);
});

Deno.test("configText() measures channels that are not those of a photograph", () => {
  const text = configText({
    ...PARTS,
    format: { channels: 4, bitDepth: 16 },
    measures: { ...PARTS.measures, mean: [1, 2, 3, 4], std: [5, 6, 7, 8] },
  });
  const { data } = parseConfig(text, "my.yaml");
  assert.deepEqual([data.channels, data.bitDepth], [4, 16]);
  assert.deepEqual(data.normalization, { mean: [1, 2, 3, 4], std: [5, 6, 7, 8] });
});

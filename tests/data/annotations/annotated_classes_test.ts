import assert from "node:assert/strict";
import {
  cocoCategories,
  isCocoJson,
  labelmeLabels,
  parseClassesCsv,
  parseLabelMap,
} from "../../../src/data/annotations/annotated_classes.ts";
import { cocoJson, labelmeJson } from "./fixtures.ts";

const bytesOf = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

Deno.test("parseLabelMap() gives names and colors as CVAT writes them", () => {
  const text = "# label:color_rgb:parts:actions\r\nbackground:0,0,0::\r\n" +
    "traffic: light:250,50,83:a,b:\r\nGebäude:51,221,255::\r\n";
  assert.deepEqual(parseLabelMap(text, "labelmap.txt"), [
    { name: "background", color: [0, 0, 0] },
    { name: "traffic: light", color: [250, 50, 83] },
    { name: "Gebäude", color: [51, 221, 255] },
  ]);
});

Deno.test("parseLabelMap() refuses other lines, and what is there twice", () => {
  const rejected: [string, RegExp][] = [
    ["", /it has no line/],
    ["# only a comment\n", /it has no line/],
    ["cat\n", /the line "cat" is not of the form/],
    ["cat:1,2::\n", /the line "cat:1,2::"/],
    ["cat:1,2,300::\n", /the line/],
    ["cat:1,2,3::\ncat:1,2,4::\n", /"cat" and "cat" have one name or one color/],
    ["cat:1,2,3::\ndog:1,2,3::\n", /"cat" and "dog" have one name or one color/],
  ];
  for (const [text, message] of rejected) {
    assert.throws(() => parseLabelMap(text, "x/labelmap.txt"), (error: Error) => {
      assert.match(
        error.message,
        /^Cannot read "x\/labelmap.txt" as a label map of CVAT: /,
      );
      assert.match(error.message, message);
      return true;
    });
  }
});

Deno.test("parseClassesCsv() gives values and names as Roboflow writes them", () => {
  const text = 'Pixel Value, Class\n0, background\n2, "red ""car"""\n1, cat, striped\n';
  assert.deepEqual(parseClassesCsv(text, "_classes.csv"), [
    { name: "background", value: 0 },
    { name: "cat, striped", value: 1 },
    { name: 'red "car"', value: 2 },
  ]);
});

Deno.test("parseClassesCsv() refuses other lines, and values that are there twice", () => {
  for (
    const [text, message] of [
      ["", /it has no class/],
      ["Pixel Value, Class\n", /it has no class/],
      ["Pixel Value, Class\nfilename, cat\n", /the line "filename, cat"/],
      ["0, a\n300, b\n", /the line "300, b"/],
      ["0, a\n0, b\n", /the value 0 is both "a" and "b"/],
    ] as const
  ) assert.throws(() => parseClassesCsv(text, "_classes.csv"), message);
});

Deno.test("cocoCategories() counts the categories that have annotations", () => {
  const json = cocoJson("train");
  json.categories.unshift({ id: 9, name: "unused", supercategory: "none" });
  const found = cocoCategories(bytesOf(json), "x.json");
  assert.deepEqual(found.map(({ name }) => name), ["person", "car"]);
  const sum = found.reduce((all, { annotations }) => all + annotations, 0);
  assert.equal(sum, json.annotations.length);
  assert.throws(
    () => cocoCategories(bytesOf({ shapes: [] }), "x.json"),
    /^SyntaxError: Cannot read "x.json" as COCO annotations: it has no list/,
  );
});

Deno.test("isCocoJson() and labelmeLabels() tell JSONs apart", () => {
  const [coco, labelme] = [bytesOf(cocoJson("val")), bytesOf(labelmeJson("0"))];
  assert.deepEqual([coco, labelme, bytesOf([1])].map(isCocoJson), [true, false, false]);
  assert.ok(isCocoJson(coco.subarray(0, coco.length / 2)), "ends too early");
  const captions = bytesOf({ images: [{ id: 1 }], annotations: [{ caption: "a cat" }] });
  assert.ok(!isCocoJson(captions));
  assert.equal(labelmeLabels(coco), null);
  const labels = labelmeLabels(labelme) ?? assert.fail();
  assert.deepEqual(
    labels,
    [...new Set(labelmeJson("0").shapes.map(({ label }: { label: string }) => label))],
  );
});

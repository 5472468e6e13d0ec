import assert from "node:assert/strict";
import { createCategoryLookup } from "../../../src/data/annotations/category_classes.ts";
import { decodeLabelmeLabel } from "../../../src/data/annotations/labelme_label.ts";
import {
  CLASSES,
  type CocoJson,
  LABELME_LABELS,
  labelmeJson,
  labelOf,
  maskRows,
  readFixture,
} from "./fixtures.ts";

const LOOKUP = createCategoryLookup(CLASSES, { background: "background" });

const decode = (json: CocoJson, lookup = LOOKUP, path = "train/0.json") =>
  decodeLabelmeLabel(
    new TextEncoder().encode(JSON.stringify(json)),
    "0.json",
    path,
    lookup,
  );

Deno.test("decodeLabelmeLabel() draws each shape as labelme does", () => {
  const { cases } = readFixture("labelme_masks.json");
  assert.ok(cases.length >= 100);
  for (const { width, height, mask, ...shape } of cases) {
    const { data } = decode({
      imageWidth: width,
      imageHeight: height,
      shapes: [{ label: "person", ...shape }],
    });
    const rows = Array.from(
      { length: height },
      (_, row) => data.subarray(row * width, (row + 1) * width).join(""),
    );
    assert.deepEqual(rows, maskRows(width, height, mask), JSON.stringify(shape));
  }
});

Deno.test("decodeLabelmeLabel() draws the shapes of files over each other as labelme does", () => {
  for (const [stem, { width, height, runs }] of Object.entries(LABELME_LABELS)) {
    const label = decode(labelmeJson(stem), LOOKUP, `${stem}.json`);
    assert.deepEqual([label.width, label.height], [width, height]);
    assert.deepEqual([...label.data], labelOf(runs), stem);
  }
});

Deno.test("decodeLabelmeLabel() ignores what has no class where there is no background", () => {
  const lookup = createCategoryLookup(CLASSES, {
    background: null,
    categoryMap: { car: "person", person: null },
  });
  const point = (label: string, x: number) => ({
    label,
    ["shape_type"]: "rectangle",
    points: [[x, 0], [x, 0]],
  });
  const { data } = decode({
    imageWidth: 5,
    imageHeight: 1,
    shapes: [point("car", 0), point("person", 1), point("_background_", 2)],
  }, lookup);
  assert.deepEqual([...data], [1, 255, 255, 255, 255]);
});

const SHAPE = {
  label: "car",
  ["shape_type"]: "polygon",
  points: [[0, 0], [3, 0], [3, 3]],
};

Deno.test("decodeLabelmeLabel() names what cannot be drawn, all of a file at once", () => {
  const decodeShapes = (...shapes: unknown[]) =>
    decode({ imageWidth: 8, imageHeight: 6, shapes });
  const rejected: [unknown[], RegExp][] = [
    [
      [{ ...SHAPE, label: "bus" }],
      /objects of "bus" \(1\), which is no class .*categoryMap/,
    ],
    [[{ ...SHAPE, label: 3 }], /shape 1 has no "label"/],
    [[{ ...SHAPE, points: [[0, 0], [1, 1]] }], /shape 1 .* polygon of 2 points/],
    [[{ ...SHAPE, ["shape_type"]: "circle" }], /circle of 3 points and should have 2/],
    [
      [{ ...SHAPE, ["shape_type"]: "cuboid" }],
      /of the type "cuboid", which is none of polygon/,
    ],
    [[{ ...SHAPE, points: [[0, 0], [3, 0], [3, 1e9]] }], /no pairs of numbers/],
    [[{ ...SHAPE, points: [[0, 0], [3, 0], [3]] }], /no pairs of numbers/],
    [
      [{ ...SHAPE, points: [] }, SHAPE, { ...SHAPE, points: null }],
      /shape 1 .*; shape 3 .*: correct or remove them/,
    ],
    [
      [{ ...SHAPE, ["shape_type"]: "mask", points: [[0, 0], [1, 1]], mask: "AAAA" }],
      /mask that is no PNG/,
    ],
  ];
  for (const [shapes, message] of rejected) {
    assert.throws(() => decodeShapes(...shapes), message, String(message));
  }
  for (
    const [json, message] of [
      [[], /has no list "shapes"/],
      [{ shapes: {} }, /has no list "shapes"/],
      [{ shapes: [3], imageWidth: 1, imageHeight: 1 }, /"shapes" are no objects/],
      [{ shapes: [] }, /its "imageWidth" is nothing/],
      [{ shapes: [], imageWidth: 1, imageHeight: -1 }, /its "imageHeight" is -1/],
      [{ shapes: [], imageWidth: 1e6, imageHeight: 1e6 }, /pixels/],
    ] as const
  ) {
    assert.throws(() => decode(json), message);
  }
});

Deno.test("decodeLabelmeLabel() refuses a mask of another size than its box", () => {
  const json = Object.keys(LABELME_LABELS).map(labelmeJson)
    .find(({ shapes }) => shapes.some((one: CocoJson) => one.shape_type === "mask"));
  const mask = json.shapes.find((one: CocoJson) => one.shape_type === "mask");
  mask.points[1][0] += 1;
  assert.throws(() => decode(json), /mask of 7×6 pixels for a box of 8×6/);
});

Deno.test("decodeLabelmeLabel() says which shapes are cut off, and which picture was meant", () => {
  const { oddities } = decode({
    imageWidth: 8,
    imageHeight: 6,
    imagePath: "..\\other\\b.png",
    shapes: [SHAPE, { ...SHAPE, points: [[0, 0], [30, 0], [3, 3]] }],
  });
  assert.deepEqual(oddities?.map((one) => one.replace(/: correct.*/, "")), [
    'The label "0.json" is cut off: shape 2 reaches out of the picture of 8×6 pixels',
    'The label "0.json" says that its picture is "../other/b.png", and is used for the one ' +
    "of its own name: is it the right one? correct its imagePath",
  ]);
});

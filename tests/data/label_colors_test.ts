// What a label means where it has colors: indices, unless they contradict the palette.
import assert from "node:assert/strict";
import type { ClassInfo } from "../../src/core/host_batch.ts";
import { createLabelLookup, decodeLabel } from "../../src/data/decode_label.ts";
import { classColors, type Color, vocColor } from "../../src/data/label_colors.ts";
import { CAMVID_CLASSES, VOC_CLASSES } from "../../src/data/native_classes.ts";
import { NATIVE_LAYOUTS } from "../../src/data/native/native.ts";
import { encodePng } from "../../src/formats/png.ts";

const GROUND: Color = [128, 64, 128];
const WALL: Color = [70, 70, 70];
const PLANT: Color = [107, 142, 35];
const BLACK: Color = [0, 0, 0];
const OTHER: readonly Color[] = [[1, 200, 3], [250, 1, 77], [9, 8, 199], [33, 99, 66]];

const classesOf = (...colors: Color[]): readonly ClassInfo[] =>
  colors.map((color, id) => ({ name: `c${id}`, color }));
const THREE = classesOf(GROUND, WALL, PLANT);
const WITH_BLACK = classesOf(GROUND, WALL, BLACK);

/** The ids of pixels with some indices, or what is said of the label. */
function read(
  palette: readonly Color[],
  indices: readonly number[],
  classes: readonly ClassInfo[] = THREE,
  labelMap: Record<string, number> | null = null,
): number[] | string {
  const data = Uint8Array.from(indices);
  const bytes = encodePng({ width: data.length, height: 1, channels: 1, data, palette });
  const colors = classColors(classes, labelMap === null);
  const lookup = createLabelLookup(classes, labelMap);
  try {
    return [...decodeLabel(bytes, "x.png", lookup, undefined, colors).data];
  } catch (error) {
    return String(error);
  }
}

const filledUp = (palette: readonly Color[], filling: (i: number) => Color): Color[] =>
  Array.from({ length: 256 }, (_, i) => palette[i] ?? filling(i));
const ramp = (i: number): Color => [i, i, i];
const zero = (): Color => BLACK;

Deno.test("decodeLabel() reads indices whose palette agrees, or says nothing of the classes", () => {
  const voc = Array.from({ length: 256 }, (_, i): Color => vocColor(i));
  const cases: [readonly Color[], readonly number[], (readonly ClassInfo[])?][] = [
    [[GROUND, WALL, PLANT], [0, 1, 2]],
    [filledUp([GROUND, WALL, PLANT], zero), [0, 1, 2, 255]],
    [filledUp([GROUND, WALL, BLACK], zero), [0, 1, 2, 255], WITH_BLACK],
    [filledUp([], ramp), [0, 1, 2]],
    [filledUp([], ramp), [0], WITH_BLACK],
    [filledUp([], ramp).slice(0, 2), [0], WITH_BLACK],
    [filledUp([], zero), [0, 1, 2], WITH_BLACK],
    [voc, [0, 1, 2], WITH_BLACK],
    [voc, [0], WITH_BLACK],
    [OTHER, [0, 1, 2]],
    // One color of an arbitrary palette is that of another class by accident.
    [[BLACK, ...OTHER], [0, 1, 2], WITH_BLACK],
    [[BLACK, ...OTHER], [0], WITH_BLACK],
  ];
  for (const [palette, indices, classes] of cases) {
    assert.deepEqual(read(palette, indices, classes), indices);
  }
  // The color map of VOC has colors of CamVid at other indices.
  assert.deepEqual(read(voc, [0, 1, 3, 7, 10], CAMVID_CLASSES), [0, 1, 3, 7, 10]);
  assert.deepEqual(read(voc, [7], CAMVID_CLASSES), [7]);
  assert.deepEqual(read(voc, [0, 15, 20, 255], VOC_CLASSES), [0, 15, 20, 255]);
});

Deno.test("decodeLabel() reads the colors of a palette that has them at other indices", () => {
  const swapped = [PLANT, WALL, GROUND];
  assert.deepEqual(read(swapped, [0, 1, 2]), [2, 1, 0]);
  assert.deepEqual(read(swapped, [0, 0]), [2, 2]);
  for (const filling of [zero, ramp]) {
    assert.deepEqual(read(filledUp(swapped, filling), [2, 1, 0]), [0, 1, 2]);
  }
  // A label of its own, in the order of its colors.
  assert.deepEqual(read([PLANT], [0]), [2]);
  assert.deepEqual(read([WALL, PLANT], [0, 1]), [1, 2]);
  assert.deepEqual(read([BLACK, GROUND], [0, 1], WITH_BLACK), [2, 0]);
  assert.deepEqual(read(filledUp([BLACK, GROUND], zero), [0, 1], WITH_BLACK), [2, 0]);
  // 255 stays ignored.
  assert.deepEqual(read(filledUp(swapped, () => [224, 224, 192]), [0, 255]), [2, 255]);
  // One index that no class has is no matter where it is not used.
  assert.deepEqual(read([...swapped, [255, 255, 255]], [0, 1]), [2, 1]);
});

Deno.test("decodeLabel() refuses a palette that contradicts its indices in part", () => {
  const message = 'RangeError: Cannot use the label "x.png": the colors of its palette ' +
    'contradict its indices: index 0 has the color of "c2", and 250, 250, 250, the color ' +
    "of index 1, is that of no class: save it as a gray PNG of class ids, or correct the " +
    "colors of the classes";
  assert.equal(read([PLANT, [250, 250, 250], GROUND], [0, 1, 2]), message);
  // With two classes of one color, colors decide nothing about them.
  const two = classesOf(GROUND, WALL, PLANT, PLANT);
  assert.match(String(read([WALL, GROUND, PLANT], [0, 1, 2], two)), /contradict/);
  assert.deepEqual(read([GROUND, WALL, PLANT, PLANT], [0, 1, 2, 3], two), [0, 1, 2, 3]);
});

Deno.test("decodeLabel() keeps to the label map of a palette", () => {
  const palette = [PLANT, WALL, GROUND];
  assert.deepEqual(read(palette, [0, 1, 2], THREE, { 0: 0, 1: 1, 2: 255 }), [0, 1, 255]);
});

/** The ids of RGB or RGBA pixels, or what is said of the label. */
function readColors(
  pixels: readonly (readonly number[])[],
  classes: readonly ClassInfo[] = THREE,
  map = {},
) {
  const channels = pixels[0]?.length ?? 3;
  const data = Uint8Array.from(pixels.flat());
  const bytes = encodePng({ width: pixels.length, height: 1, channels, data });
  const labelMap = Object.keys(map).length === 0 ? null : map;
  const lookup = createLabelLookup(classes, labelMap);
  try {
    const colors = classColors(classes, labelMap === null);
    return [...decodeLabel(bytes, "x.png", lookup, undefined, colors).data];
  } catch (error) {
    return String(error);
  }
}

Deno.test("decodeLabel() reads RGB and RGBA in the colors of the classes", () => {
  assert.deepEqual(readColors([PLANT, GROUND, GROUND, WALL]), [2, 0, 0, 1]);
  assert.deepEqual(readColors([[...PLANT, 255], [...WALL, 0]]), [2, 1]);
  assert.deepEqual(readColors([PLANT, GROUND], THREE, { 7: 0, 8: 1 }), [2, 0]);
  const unknown =
    'RangeError: Cannot use the label "x.png": it holds the color 107, 142, ' +
    "36 (first at row 0, column 1), which is that of no class: correct the colors in " +
    '"classes", or convert it to an 8-bit gray PNG of class ids, 255 for what is ignored';
  assert.equal(readColors([PLANT, [107, 142, 36]]), unknown);
  assert.match(
    String(readColors([[1, 1, 1]])),
    /if it is a gray label that was saved as RGB, save it with one channel; else correct/,
  );
  assert.match(
    String(readColors([PLANT], classesOf(GROUND, PLANT, PLANT))),
    /which is that of "c1" and "c2": give each class a color of its own$/,
  );
});

Deno.test("decodeLabel() says that values look like an offset of one", () => {
  const readGray = (...values: number[]) => {
    const data = Uint8Array.from(values);
    const bytes = encodePng({ width: data.length, height: 1, channels: 1, data });
    try {
      return [...decodeLabel(bytes, "x.png", createLabelLookup(THREE, null)).data];
    } catch (error) {
      return String(error);
    }
  };
  assert.deepEqual(readGray(1, 2, 255), [1, 2, 255]);
  for (const values of [[1, 3, 2, 255], [0, 3]]) {
    assert.match(
      String(readGray(...values)),
      /holds the value 3 .*; if the classes are 1 … 3 and 0 is none of them, it is "labelMap": \{0: 255, 1: 0, 2: 1, 3: 2\}$/,
    );
  }
  for (const values of [[1, 3, 4], [1, 4], [0, 200]]) {
    assert.doesNotMatch(String(readGray(...values)), /if the classes/);
  }
});

Deno.test("palettes of GTA5 and VOC that were written anew are read by color, or refused", () => {
  const decode = (set: "gta5" | "voc", palette: readonly Color[], indices: number[]) => {
    const data = Uint8Array.from(indices);
    const png = { width: data.length, height: 1, channels: 1, data, palette };
    try {
      return [...NATIVE_LAYOUTS[set].decoderOf("x.png")(encodePng(png), "x.png").data];
    } catch (error) {
      return String(error);
    }
  };
  const [sky, road, car]: [Color, Color, Color] = [[70, 130, 180], [128, 64, 128], [
    0,
    0,
    142,
  ]];
  assert.deepEqual(decode("gta5", [sky, road, car, BLACK], [0, 1, 2, 3]), [
    10,
    0,
    13,
    255,
  ]);
  assert.match(String(decode("gta5", [sky, road, [1, 2, 3]], [0, 1, 2])), /contradict/);
  const [person, border]: [Color, Color] = [[192, 128, 128], [224, 224, 192]];
  assert.deepEqual(decode("voc", [BLACK, person, border], [0, 1, 2]), [0, 15, 255]);
});

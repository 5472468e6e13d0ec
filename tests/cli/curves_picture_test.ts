import assert from "node:assert/strict";
import { drawCharts, drawCurves } from "../../src/cli/curves_picture.ts";
import {
  createCanvas,
  drawLine,
  fillRectangle,
  shadeRectangle,
} from "../../src/cli/canvas.ts";
import { decodePng } from "../../src/formats/png.ts";
import type { EvaluationLine, LogLine } from "../../src/train/run_files.ts";

const line = (iteration: number, source: number): LogLine => ({
  iteration,
  losses: { source },
  learningRate: 0.001,
  secondsPerIteration: 0.5,
  dataTimeShare: NaN,
});

const evaluation = (iteration: number, mIoU: number | null): EvaluationLine => ({
  iteration,
  centerCrop: null,
  results: { val: { mIoU, pixelAccuracy: null, classes: [] } },
});

/** How many pixels of a picture have a color. */
function count({ data }: { data: ArrayLike<number> }, rgb: readonly number[]): number {
  let pixels = 0;
  for (let at = 0; at < data.length; at += 3) {
    if (rgb.every((value, i) => data[at + i] === value)) pixels++;
  }
  return pixels;
}

const BLUE = [0x00, 0x72, 0xb2];

Deno.test("drawCurves() draws a chart for each kind of figure", () => {
  const log = [line(10, 2), line(20, 1), line(30, 0.5)];
  const evaluations = [evaluation(20, 0.2), evaluation(30, null)];
  const png = drawCurves({ name: "run", log, evaluations });
  const picture = decodePng(png ?? new Uint8Array(), "curves.png");
  // Losses, mIoU, learning rate and time: two rows of at most three.
  assert.deepEqual([picture.width, picture.height], [1560, 692]);
  assert(count(picture, BLUE) > 1000);
  const longer = drawCurves({ name: "run", log: log.slice(0, 1), evaluations: [] });
  assert(count(decodePng(longer ?? new Uint8Array(), ""), BLUE) < count(picture, BLUE));
});

Deno.test("drawCurves() draws flat, huge, tiny and single values, and nothing of nothing", () => {
  for (const value of [0, 1, -3, 1e30, 1e-30]) {
    const log = [line(1, value), line(2, value)];
    assert(drawCurves({ name: "run", log, evaluations: [] }));
    assert(drawCurves({ name: "run", log: log.slice(1), evaluations: [] }));
  }
  assert.equal(drawCurves({ name: "run", log: [], evaluations: [] }), null);
});

Deno.test("drawCharts() has room for as many and as long names as there are", () => {
  const sizeOf = (names: readonly string[]) => {
    const curves = names.map((label, color) => ({ label, color, x: [1, 2], y: [1, 2] }));
    const chart = { title: "loss", about: "by iteration", format: String, curves };
    const png = drawCharts([{ ...chart, fromZero: true, last: 2 }], 1);
    const { width, height } = decodePng(png, "chart.png");
    return [width, height];
  };
  const [width, height] = [520, 346];
  assert.deepEqual(sizeOf(["a", "b"]), [width, height]);
  // 96 before the curves, 20 after them; 32 before a name, 12 for each of its letters
  assert.deepEqual(sizeOf(["n".repeat(40)]), [96 + 32 + 12 * 40 + 20, height]);
  const long = "n".repeat(20);
  assert.deepEqual(sizeOf([long, long, long, long]), [width, height + 2 * 22]);
});

Deno.test("fillRectangle() and shadeRectangle() stay on the canvas", () => {
  const canvas = createCanvas(3, 2);
  fillRectangle(canvas, [-1, -1, 2, 9], [255, 0, 0]);
  shadeRectangle(canvas, [0, 1, 9, 9], [128, 255, 128]);
  const [red, dark] = [[255, 0, 0], [128, 0, 0]];
  const [white, green] = [[255, 255, 255], [128, 255, 128]];
  assert.deepEqual([...canvas.data], [
    ...[red, white, white].flat(),
    ...[dark, green, green].flat(),
  ]);
});

Deno.test("drawLine() covers its pixels, fades at its edges and stays on the canvas", () => {
  const canvas = createCanvas(5, 5);
  drawLine(canvas, [-10, 2.5], [10, 2.5], { color: [0, 0, 0], width: 1 });
  const column = [0, 1, 2, 3, 4].map((y) => canvas.data[3 * (5 * y + 2)]);
  assert.deepEqual(column, [255, 255, 0, 255, 255]);
  drawLine(canvas, [0, 4], [5, 4], { color: [0, 0, 0], width: 1 });
  assert.deepEqual([3, 4].map((y) => canvas.data[3 * (5 * y + 2)]), [128, 128]);
});

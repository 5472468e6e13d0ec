/** What stands beside a street: lamps, signs, traffic lights, fences, trees and hedges. @module */

import {
  NEAR_PLANE,
  paintBillboard,
  paintEllipse,
  paintPolygon,
  type Point3,
} from "./camera.ts";
import { mixColors, paintOf, type Rgb, scaleColor } from "./canvas.ts";
import { sampleColor, type SceneContext } from "./domain_style.ts";
import { STREET_LENGTH } from "./ground.ts";

/** The least width of a pole on the canvas, in pixels: thinner ones would be dotted. */
const MIN_POLE_PIXELS = 1.5;

/** Paints a street lamp whose arm reaches `arm` metres to the right (left if negative). */
export function paintLamp(
  { camera, style, random }: SceneContext,
  base: Point3,
  arm: number,
): void {
  const [x, y, z] = base;
  const paint = paintOf("pole", sampleColor(random, style.pole), z);
  const height = 5 + random.uniform() * 2;
  const thick = Math.max(0.12, MIN_POLE_PIXELS * z / camera.scale);
  paintBillboard(camera, base, 0.22, height, paint, MIN_POLE_PIXELS);
  paintPolygon(camera, [
    [x, y + height - thick, z],
    [x, y + height, z],
    [x + arm, y + height + 0.2, z],
    [x + arm, y + height + 0.2 - thick, z],
  ], paint);
  paintBillboard(camera, [x + arm, y + height - 0.05, z], 0.7, 0.25, paint, 2);
}

/** Paints a pole with a disc, a triangle or a board. */
export function paintSign(context: SceneContext, base: Point3): void {
  const { camera, style, random } = context;
  const [x, y, z] = base;
  const height = 2.1 + random.uniform() * 0.5;
  paintPole(context, base, 0.1, height);
  const paint = paintOf("sign", sampleColor(random, style.sign), z);
  const inner = paintOf("sign", [240, 240, 236], z);
  const radius = Math.max(0.56, 1.8 * z / camera.scale);
  const middle = y + height + radius * 0.8;
  const kind = random.integer(3);
  if (kind === 0) {
    paintEllipse(camera, [x, middle, z], radius, radius, paint);
    paintEllipse(camera, [x, middle, z], radius * 0.55, radius * 0.55, inner);
  } else if (kind === 1) {
    const triangle = (size: number): Point3[] => [
      [x - size, middle - size * 0.8, z],
      [x + size, middle - size * 0.8, z],
      [x, middle + size, z],
    ];
    paintPolygon(camera, triangle(radius * 1.2), paint);
    paintPolygon(camera, triangle(radius * 0.6), inner);
  } else {
    paintBillboard(camera, [x, middle - radius, z], radius * 1.8, radius * 1.8, paint);
    paintBillboard(camera, [x, middle - radius * 0.3, z], radius, radius * 0.5, inner);
  }
}

/** Paints a traffic light; its housing is a sign. */
export function paintTrafficLight(context: SceneContext, base: Point3): void {
  const { camera, random } = context;
  const [x, y, z] = base;
  paintPole(context, base, 0.14, 2.6);
  const width = Math.max(0.56, 2.6 * z / camera.scale);
  const housing = paintOf("sign", [40, 42, 44], z);
  paintBillboard(camera, [x, y + 2.3, z], width, width * 2.4, housing);
  const lit = random.integer(3);
  const lights: readonly Rgb[] = [[60, 210, 90], [244, 180, 40], [232, 50, 44]];
  for (const [i, color] of lights.entries()) {
    const paint = paintOf("sign", i === lit ? color : scaleColor(color, 0.3), z);
    const middle = y + 2.3 + width * (0.45 + 0.75 * i);
    paintEllipse(camera, [x, middle, z], width * 0.32, width * 0.32, paint);
  }
}

function paintPole(
  { camera, style, random }: SceneContext,
  base: Point3,
  width: number,
  height: number,
): void {
  const paint = paintOf("pole", sampleColor(random, style.pole), base[2]);
  paintBillboard(camera, base, width, height, paint, MIN_POLE_PIXELS);
}

/** Paints a fence along the street from `from` to `to`. */
export function paintFence(
  { camera, style, random }: SceneContext,
  x: number,
  from: number,
  to: number,
): void {
  const color = sampleColor(random, style.fence);
  const height = 1 + random.uniform() * 0.6;
  const start = Math.max(from, NEAR_PLANE);
  const board = (z1: number, z2: number, low: number, high: number, tone: Rgb) =>
    paintPolygon(
      camera,
      [[x, low, z1], [x, low, z2], [x, high, z2], [x, high, z1]],
      paintOf("fence", tone, (z1 + z2) / 2),
    );
  board(start, to, 0.1, height, color);
  for (let z = Math.ceil(start / 0.5) * 0.5; z + 0.16 < to; z += 0.5) {
    board(z, z + 0.16, 0.1, height, scaleColor(color, 0.78));
  }
  board(start, to, height - 0.14, height, scaleColor(color, 0.9));
}

/** Paints a tree with its trunk at `base`, `height` metres tall. */
export function paintTree(
  { camera, style, random }: SceneContext,
  base: Point3,
  height: number,
): void {
  const [x, y, z] = base;
  const paint = (color: Rgb) => paintOf("vegetation", color, z);
  const leaf = sampleColor(random, style.leaf);
  paintBillboard(camera, base, height * 0.06, height * 0.5, paint(style.trunk), 1);
  const crown = height * 0.28;
  const clumps = 5 + random.integer(3);
  for (let i = 0; i < clumps; i++) {
    const angle = 2 * Math.PI * i / clumps + random.uniform();
    const radius = crown * (0.55 + 0.3 * random.uniform());
    // The upper left of a crown is in the sun.
    const light = Math.cos(angle - 2.2);
    const across = x + Math.cos(angle) * crown * 0.6;
    const up = y + height * 0.66 + Math.sin(angle) * crown * 0.7;
    const color = scaleColor(leaf, 0.92 + 0.14 * light);
    paintEllipse(camera, [across, up, z], radius, radius, paint(color));
  }
  const middle = [x, y + height * 0.68, z] as const;
  paintEllipse(camera, middle, crown * 0.72, crown * 0.72, paint(leaf));
}

/** Paints a row of bushes of `height` metres along the street from `from` to `to`. */
export function paintHedge(
  { camera, style, random }: SceneContext,
  x: number,
  from: number,
  to: number,
  height: number,
): void {
  const leaf = sampleColor(random, style.leaf);
  for (let z = to; z > Math.max(from, 2); z -= 0.9) {
    const radius = height * (0.5 + 0.15 * random.uniform());
    const color = scaleColor(leaf, 0.88 + 0.2 * random.uniform());
    const paint = paintOf("vegetation", color, z);
    paintEllipse(camera, [x, radius * 0.9, z], radius, radius, paint);
  }
}

/** Paints the trees far away, where the street ends. */
export function paintBackdrop({ camera, style, random }: SceneContext): void {
  const leaf = sampleColor(random, style.leaf);
  for (let x = -110; x <= 110; x += 7) {
    const radius = 3 + 5 * random.uniform();
    const color = mixColors(leaf, scaleColor(leaf, 0.8), random.uniform());
    const place = [x + camera.x, radius * 0.6, STREET_LENGTH] as const;
    const paint = paintOf("vegetation", color, STREET_LENGTH);
    paintEllipse(camera, place, radius * 1.3, radius, paint);
  }
}

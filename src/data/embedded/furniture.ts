/** Lamps, signs, traffic lights and fences. @module */

import type { Random } from "../../core/random.ts";
import {
  type Camera,
  NEAREST,
  paintEllipse,
  paintPlane,
  paintUpright,
  type Place,
} from "./camera.ts";
import { type Rgb, scaled } from "./canvas.ts";
import { ID } from "./classes.ts";
import { pick, type Style } from "./style.ts";

/** The least width of a pole on the canvas, in pixels: thinner ones would be dotted. */
const THINNEST = 1.5;

/** Paints a street lamp whose arm reaches `arm` metres to the right (left if negative). */
export function paintLamp(
  camera: Camera,
  base: Place,
  arm: number,
  style: Style,
  random: Random,
): void {
  const [x, y, z] = base;
  const paint = { id: ID.pole, color: pick(random, style.pole), distance: z };
  const height = 5 + random.uniform() * 2;
  const thick = Math.max(0.12, THINNEST * z / camera.scale);
  paintUpright(camera, base, 0.22, height, paint, THINNEST);
  paintPlane(camera, [
    [x, y + height - thick, z],
    [x, y + height, z],
    [x + arm, y + height + 0.2, z],
    [x + arm, y + height + 0.2 - thick, z],
  ], paint);
  paintUpright(camera, [x + arm, y + height - 0.05, z], 0.7, 0.25, paint, 2);
}

/** Paints a pole with a disc, a triangle or a board. */
export function paintSign(
  camera: Camera,
  base: Place,
  style: Style,
  random: Random,
): void {
  const [x, y, z] = base;
  const height = 2.1 + random.uniform() * 0.5;
  const pole = pick(random, style.pole);
  paintUpright(
    camera,
    base,
    0.1,
    height,
    { id: ID.pole, color: pole, distance: z },
    THINNEST,
  );
  const color = pick(random, style.sign);
  const paint = { id: ID.sign, color, distance: z };
  const inner = { ...paint, color: [240, 240, 236] as Rgb };
  const radius = Math.max(0.56, 1.8 * z / camera.scale);
  const middle = y + height + radius * 0.8;
  const kind = random.integer(3);
  if (kind === 0) {
    paintEllipse(camera, [x, middle, z], radius, radius, paint);
    paintEllipse(camera, [x, middle, z], radius * 0.55, radius * 0.55, inner);
  } else if (kind === 1) {
    const triangle = (size: number): Place[] => [
      [x - size, middle - size * 0.8, z],
      [x + size, middle - size * 0.8, z],
      [x, middle + size, z],
    ];
    paintPlane(camera, triangle(radius * 1.2), paint);
    paintPlane(camera, triangle(radius * 0.6), inner);
  } else {
    paintUpright(camera, [x, middle - radius, z], radius * 1.8, radius * 1.8, paint);
    paintUpright(camera, [x, middle - radius * 0.3, z], radius, radius * 0.5, inner);
  }
}

/** Paints a traffic light; its housing is a sign. */
export function paintTrafficLight(
  camera: Camera,
  base: Place,
  style: Style,
  random: Random,
): void {
  const [x, y, z] = base;
  const pole = pick(random, style.pole);
  paintUpright(
    camera,
    base,
    0.14,
    2.6,
    { id: ID.pole, color: pole, distance: z },
    THINNEST,
  );
  const housing = { id: ID.sign, color: [40, 42, 44] as Rgb, distance: z };
  const width = Math.max(0.56, 2.6 * z / camera.scale);
  paintUpright(camera, [x, y + 2.3, z], width, width * 2.4, housing);
  const lit = random.integer(3);
  const lights: readonly Rgb[] = [[60, 210, 90], [244, 180, 40], [232, 50, 44]];
  for (const [i, color] of lights.entries()) {
    const paint = { ...housing, color: i === lit ? color : scaled(color, 0.3) };
    const middle = y + 2.3 + width * (0.45 + 0.75 * i);
    paintEllipse(camera, [x, middle, z], width * 0.32, width * 0.32, paint);
  }
}

/** Paints a fence along the street from `from` to `to`. */
export function paintFence(
  camera: Camera,
  x: number,
  from: number,
  to: number,
  style: Style,
  random: Random,
): void {
  const color = pick(random, style.fence);
  const height = 1 + random.uniform() * 0.6;
  const start = Math.max(from, NEAREST);
  const board = (z1: number, z2: number, low: number, high: number, tone: Rgb) =>
    paintPlane(camera, [[x, low, z1], [x, low, z2], [x, high, z2], [x, high, z1]], {
      id: ID.fence,
      color: tone,
      distance: (z1 + z2) / 2,
    });
  board(start, to, 0.1, height, color);
  for (let z = Math.ceil(start / 0.5) * 0.5; z + 0.16 < to; z += 0.5) {
    board(z, z + 0.16, 0.1, height, scaled(color, 0.78));
  }
  board(start, to, height - 0.14, height, scaled(color, 0.9));
}

/** People on foot. @module */

import type { Random } from "../../core/random.ts";
import {
  type Camera,
  paintEllipse,
  paintPlane,
  paintUpright,
  type Place,
  shadePlane,
} from "./camera.ts";
import { type Rgb, scaled } from "./canvas.ts";
import { ID } from "./classes.ts";
import { pick, type Style } from "./style.ts";

/** Paints a person who stands or walks at `base`. */
export function paintPerson(
  camera: Camera,
  base: Place,
  style: Style,
  random: Random,
): void {
  const [x, y, z] = base;
  const height = 1.5 + random.uniform() * 0.4;
  const stride = (random.uniform() - 0.5) * 0.5;
  const paint = (color: Rgb) => ({ id: ID.person, color, distance: z });
  const coat = pick(random, style.clothes);
  const trousers = scaled(pick(random, style.clothes), 0.7);
  const skin = pick(random, style.skin);
  const hip = y + height * 0.47;
  const neck = y + height * 0.84;
  const thin = Math.max(0.16, z / camera.scale);

  shadePlane(camera, [
    [x - 0.3, 0, z - 0.15],
    [x + 0.3, 0, z - 0.15],
    [x + 0.3, 0, z + 0.25],
    [x - 0.3, 0, z + 0.25],
  ], 0.7);
  for (const side of [-1, 1]) {
    const foot = x + side * 0.09 + side * stride;
    const top = x + side * 0.1;
    paintPlane(camera, [
      [foot - thin / 2, y, z],
      [foot + thin / 2, y, z],
      [top + thin / 2, hip + 0.05, z],
      [top - thin / 2, hip + 0.05, z],
    ], paint(trousers));
    const shoulder = x + side * 0.26;
    const hand = shoulder + side * 0.06 - stride * 0.4;
    paintPlane(camera, [
      [hand - 0.06, hip, z],
      [hand + 0.06, hip, z],
      [shoulder + 0.06, neck - 0.04, z],
      [shoulder - 0.06, neck - 0.04, z],
    ], paint(scaled(coat, 0.85)));
  }
  paintUpright(camera, [x, hip, z], 0.46, neck - hip, paint(coat), 1.8);
  const radius = Math.max(0.13, 0.8 * z / camera.scale);
  const head = neck + radius * 0.9;
  paintEllipse(camera, [x, head, z], radius * 0.9, radius * 1.15, paint(skin));
  paintPlane(camera, [
    [x - radius * 0.85, head + radius * 0.3, z],
    [x + radius * 0.85, head + radius * 0.3, z],
    [x + radius * 0.5, head + radius * 1.15, z],
    [x - radius * 0.5, head + radius * 1.15, z],
  ], paint([54, 42, 36]));
}

/** Trees, hedges and the green at the end of the street. @module */

import type { Random } from "../../core/random.ts";
import { type Camera, paintEllipse, paintUpright, type Place } from "./camera.ts";
import { blended, type Rgb, scaled } from "./canvas.ts";
import { ID } from "./classes.ts";
import { END } from "./ground.ts";
import { pick, type Style } from "./style.ts";

/** Paints a tree with its trunk at `base`, `height` metres tall. */
export function paintTree(
  camera: Camera,
  base: Place,
  height: number,
  style: Style,
  random: Random,
): void {
  const [x, y, z] = base;
  const paint = (color: Rgb) => ({ id: ID.vegetation, color, distance: z });
  const leaf = pick(random, style.leaf);
  paintUpright(camera, base, height * 0.06, height * 0.5, paint(style.trunk), 1);
  const crown = height * 0.28;
  const clumps = 5 + random.integer(3);
  for (let i = 0; i < clumps; i++) {
    const angle = 2 * Math.PI * i / clumps + random.uniform();
    const radius = crown * (0.55 + 0.3 * random.uniform());
    // The upper left of a crown is in the sun.
    const light = Math.cos(angle - 2.2);
    paintEllipse(
      camera,
      [
        x + Math.cos(angle) * crown * 0.6,
        y + height * 0.66 + Math.sin(angle) * crown * 0.7,
        z,
      ],
      radius,
      radius,
      paint(scaled(leaf, 0.92 + 0.14 * light)),
    );
  }
  paintEllipse(
    camera,
    [x, y + height * 0.68, z],
    crown * 0.72,
    crown * 0.72,
    paint(leaf),
  );
}

/** Paints a row of bushes of `height` metres along the street from `from` to `to`. */
export function paintHedge(
  camera: Camera,
  x: number,
  from: number,
  to: number,
  height: number,
  style: Style,
  random: Random,
): void {
  const leaf = pick(random, style.leaf);
  for (let z = to; z > Math.max(from, 2); z -= 0.9) {
    const radius = height * (0.5 + 0.15 * random.uniform());
    const color = scaled(leaf, 0.88 + 0.2 * random.uniform());
    paintEllipse(camera, [x, radius * 0.9, z], radius, radius, {
      id: ID.vegetation,
      color,
      distance: z,
    });
  }
}

/** Paints the trees far away, where the street ends. */
export function paintBackdrop(camera: Camera, style: Style, random: Random): void {
  const leaf = pick(random, style.leaf);
  for (let x = -110; x <= 110; x += 7) {
    const radius = 3 + 5 * random.uniform();
    const color = blended(leaf, scaled(leaf, 0.8), random.uniform());
    paintEllipse(camera, [x + camera.x, radius * 0.6, END], radius * 1.3, radius, {
      id: ID.vegetation,
      color,
      distance: END,
    });
  }
}

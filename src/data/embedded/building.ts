/** Houses along the street. @module */

import type { Random } from "../../core/random.ts";
import { type Camera, NEAREST, paintPlane, type Place } from "./camera.ts";
import { blended, type Paint, type Rgb, scaled } from "./canvas.ts";
import { ID } from "./classes.ts";
import { pick, type Style } from "./style.ts";

/** A house: a box with windows and a roof. Lengths in metres. */
export interface Building {
  /** −1 left of the street, 1 right of it. */
  readonly side: -1 | 1;
  /** From the middle of the road to the wall. */
  readonly front: number;
  /** Where it begins and ends along the street. */
  readonly from: number;
  readonly to: number;
  readonly floors: number;
  /** Height of the ridge above the wall; 0 for a flat roof. */
  readonly ridge: number;
  /** Between the middles of two windows. */
  readonly bay: number;
  readonly wall: Rgb;
  readonly roof: Rgb;
}

/** The height of a floor, in metres. */
const FLOOR = 2.9;

/** How far a house reaches away from the street, in metres. */
const DEPTH = 9;

/** Draws a house for a plot. */
export function drawBuilding(
  plot: Pick<Building, "side" | "front" | "from" | "to">,
  style: Style,
  random: Random,
): Building {
  const [lowest, highest] = style.floors;
  return {
    ...plot,
    floors: lowest + random.integer(highest - lowest + 1),
    ridge: random.uniform() < style.flatRoofs ? 0 : 2 + random.uniform() * 2,
    bay: 2.1 + random.uniform() * 1.3,
    wall: pick(random, style.wall),
    roof: pick(random, style.roof),
  };
}

/** Paints a house: gable, roof, wall, windows, door. */
export function paintBuilding(camera: Camera, house: Building, style: Style): void {
  const { side, front, to, ridge, floors } = house;
  const from = Math.max(house.from, NEAREST);
  if (to <= from) return;
  const height = floors * FLOOR + 0.4;
  const inner = side * front;
  const outer = side * (front + DEPTH);
  const middle = side * (front + DEPTH / 2);
  const paint = (color: Rgb, distance: number): Paint => ({
    id: ID.building,
    color,
    distance,
  });
  // Light comes from the left, and the street's walls see less of the sky than the gables.
  const wall = scaled(house.wall, side < 0 ? 0.82 : 1);
  const gable = scaled(house.wall, 0.92);
  const glass = style.pane;

  paintPlane(camera, [
    [inner, 0, from],
    [inner, height, from],
    ...(ridge > 0 ? [[middle, height + ridge, from] as const] : []),
    [outer, height, from],
    [outer, 0, from],
  ], paint(gable, from));
  if (ridge > 0) {
    paintPlane(camera, [
      [inner, height, from],
      [inner, height, to],
      [middle, height + ridge, to],
      [middle, height + ridge, from],
    ], paint(house.roof, (from + to) / 2));
  }
  const upright = (z1: number, z2: number, low: number, high: number): Place[] => [
    [inner, low, z1],
    [inner, low, z2],
    [inner, high, z2],
    [inner, high, z1],
  ];
  // In slices, so that haze can thicken along a long wall.
  const slices = Math.ceil((to - from) / 4);
  for (let i = 0; i < slices; i++) {
    const z1 = from + (to - from) * i / slices;
    const z2 = from + (to - from) * (i + 1) / slices;
    paintPlane(camera, upright(z1, z2, 0, height), paint(wall, (z1 + z2) / 2));
  }
  paintPlane(
    camera,
    upright(from, to, height - 0.3, height),
    paint(ridge > 0 ? house.roof : scaled(wall, 0.7), (from + to) / 2),
  );

  const bays = Math.floor((house.to - house.from) / house.bay);
  const margin = (house.to - house.from - bays * house.bay) / 2;
  for (let bay = 0; bay < bays; bay++) {
    const z1 = house.from + margin + (bay + 0.25) * house.bay;
    const z2 = house.from + margin + (bay + 0.75) * house.bay;
    if (z1 < NEAREST) continue;
    for (let floor = 0; floor < floors; floor++) {
      const low = floor * FLOOR + 0.9;
      if (floor === 0 && bay === bays >> 1) {
        const door = blended(house.roof, wall, 0.25);
        paintPlane(camera, upright(z1, z2, 0, 2.2), paint(scaled(door, 0.8), z1));
      } else {
        paintPlane(camera, upright(z1, z2, low, low + 1.5), paint(glass, z1));
        const lit = scaled(glass, 1.25);
        paintPlane(
          camera,
          upright(z1, (z1 + z2) / 2, low + 0.8, low + 1.5),
          paint(lit, z1),
        );
      }
    }
  }
  for (let floor = 0; floor < floors; floor++) {
    for (let i = 0; i < 2; i++) {
      const x = side * (front + DEPTH * (0.22 + 0.36 * i));
      const low = floor * FLOOR + 0.9;
      paintPlane(camera, [
        [x, low, from],
        [x + side * 1.5, low, from],
        [x + side * 1.5, low + 1.5, from],
        [x, low + 1.5, from],
      ], paint(scaled(glass, 0.9), from));
    }
  }
}

/** Houses along the street. @module */

import type { Random } from "../../core/random.ts";
import { type Camera, NEAR_PLANE, paintPolygon, type Point3 } from "./camera.ts";
import { mixColors, paintOf, type Rgb, scaleColor } from "./canvas.ts";
import { type DomainStyle, sampleColor } from "./domain_style.ts";

/** A house: a box with windows and a roof. Lengths in metres. */
export interface Building {
  /** −1 left of the street, 1 right of it. */
  readonly side: -1 | 1;
  /** From the middle of the road to the wall. */
  readonly wallDistance: number;
  /** Where it begins and ends along the street. */
  readonly start: number;
  readonly end: number;
  readonly floorCount: number;
  /** Height of the ridge above the wall; 0 for a flat roof. */
  readonly ridgeHeight: number;
  /** Between the middles of two windows. */
  readonly windowSpacing: number;
  readonly wall: Rgb;
  readonly roof: Rgb;
}

/** The height of a floor, in metres. */
const FLOOR_HEIGHT = 2.9;

/** How far a house reaches away from the street, in metres. */
const BUILDING_DEPTH = 9;

/** Draws a house for a plot. */
export function sampleBuilding(
  plot: Pick<Building, "side" | "wallDistance" | "start" | "end">,
  style: DomainStyle,
  random: Random,
): Building {
  const [lowest, highest] = style.floors;
  return {
    ...plot,
    floorCount: lowest + random.integer(highest - lowest + 1),
    ridgeHeight: random.uniform() < style.flatRoofShare ? 0 : 2 + random.uniform() * 2,
    windowSpacing: 2.1 + random.uniform() * 1.3,
    wall: sampleColor(random, style.wall),
    roof: sampleColor(random, style.roof),
  };
}

/** Paints a house: gable, roof, wall, windows, door. */
export function paintBuilding(camera: Camera, house: Building, style: DomainStyle): void {
  const { side, wallDistance, end, ridgeHeight, floorCount } = house;
  const from = Math.max(house.start, NEAR_PLANE);
  if (end <= from) return;
  const height = floorCount * FLOOR_HEIGHT + 0.4;
  const inner = side * wallDistance;
  const outer = side * (wallDistance + BUILDING_DEPTH);
  const middle = side * (wallDistance + BUILDING_DEPTH / 2);
  const paint = (color: Rgb, distance: number) => paintOf("building", color, distance);
  // Light comes from the left, and the street's walls see less of the sky than the gables.
  const wall = scaleColor(house.wall, side < 0 ? 0.82 : 1);
  const gable = scaleColor(house.wall, 0.92);
  const glass = style.pane;

  paintPolygon(camera, [
    [inner, 0, from],
    [inner, height, from],
    ...(ridgeHeight > 0 ? [[middle, height + ridgeHeight, from] as const] : []),
    [outer, height, from],
    [outer, 0, from],
  ], paint(gable, from));
  if (ridgeHeight > 0) {
    paintPolygon(camera, [
      [inner, height, from],
      [inner, height, end],
      [middle, height + ridgeHeight, end],
      [middle, height + ridgeHeight, from],
    ], paint(house.roof, (from + end) / 2));
  }
  const upright = (z1: number, z2: number, low: number, high: number): Point3[] => [
    [inner, low, z1],
    [inner, low, z2],
    [inner, high, z2],
    [inner, high, z1],
  ];
  // In slices, so that haze can thicken along a long wall.
  const slices = Math.ceil((end - from) / 4);
  for (let i = 0; i < slices; i++) {
    const z1 = from + (end - from) * i / slices;
    const z2 = from + (end - from) * (i + 1) / slices;
    paintPolygon(camera, upright(z1, z2, 0, height), paint(wall, (z1 + z2) / 2));
  }
  paintPolygon(
    camera,
    upright(from, end, height - 0.3, height),
    paint(ridgeHeight > 0 ? house.roof : scaleColor(wall, 0.7), (from + end) / 2),
  );

  const bays = Math.floor((house.end - house.start) / house.windowSpacing);
  const margin = (house.end - house.start - bays * house.windowSpacing) / 2;
  for (let bay = 0; bay < bays; bay++) {
    const z1 = house.start + margin + (bay + 0.25) * house.windowSpacing;
    const z2 = house.start + margin + (bay + 0.75) * house.windowSpacing;
    if (z1 < NEAR_PLANE) continue;
    for (let floor = 0; floor < floorCount; floor++) {
      const low = floor * FLOOR_HEIGHT + 0.9;
      if (floor === 0 && bay === bays >> 1) {
        const door = mixColors(house.roof, wall, 0.25);
        paintPolygon(camera, upright(z1, z2, 0, 2.2), paint(scaleColor(door, 0.8), z1));
      } else {
        paintPolygon(camera, upright(z1, z2, low, low + 1.5), paint(glass, z1));
        const lit = scaleColor(glass, 1.25);
        paintPolygon(
          camera,
          upright(z1, (z1 + z2) / 2, low + 0.8, low + 1.5),
          paint(lit, z1),
        );
      }
    }
  }
  for (let floor = 0; floor < floorCount; floor++) {
    for (let i = 0; i < 2; i++) {
      const x = side * (wallDistance + BUILDING_DEPTH * (0.22 + 0.36 * i));
      const low = floor * FLOOR_HEIGHT + 0.9;
      paintPolygon(camera, [
        [x, low, from],
        [x + side * 1.5, low, from],
        [x + side * 1.5, low + 1.5, from],
        [x, low + 1.5, from],
      ], paint(scaleColor(glass, 0.9), from));
    }
  }
}

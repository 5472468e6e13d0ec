/** A whole street: what stands where, painted from far to near. @module */

import type { Random } from "../../core/random.ts";
import type { EmbeddedDomain } from "../data_spec.ts";
import { paintBuilding, sampleBuilding } from "./building.ts";
import { createCamera, shadeWorldPolygon } from "./camera.ts";
import type { Canvas } from "./canvas.ts";
import { DOMAIN_STYLES, sampleCameraPose, type SceneContext } from "./domain_style.ts";
import {
  JUNCTION_WIDTH,
  paintGround,
  sampleStreet,
  type Street,
  STREET_LENGTH,
} from "./ground.ts";
import {
  paintBackdrop,
  paintFence,
  paintHedge,
  paintLamp,
  paintSign,
  paintTrafficLight,
  paintTree,
} from "./roadside.ts";
import { paintCar, paintCrossingCar, paintPerson } from "./traffic.ts";

/**
 * A street and what stands in it: things are listed first, and then painted in the order of
 * their far ends. Random numbers are drawn in both steps.
 */
interface Scene extends SceneContext {
  readonly street: Street;
  readonly objects: { readonly farEnd: number; readonly paint: () => void }[];
}

/** How far things smaller than a house are seen, in metres. */
const MAX_OBJECT_DISTANCE = 42;

/** Paints a street scene of a domain over the whole canvas. */
export function paintStreetScene(
  canvas: Canvas,
  domain: EmbeddedDomain,
  random: Random,
): void {
  const style = DOMAIN_STYLES[domain];
  const camera = createCamera(sampleCameraPose(domain, random), canvas);
  const street = sampleStreet(style, random);
  const scene: Scene = { camera, street, style, random, objects: [] };

  paintGround(scene, street);
  paintBackdrop(scene);
  for (const side of [-1, 1] as const) {
    addPlots(scene, side);
    addSidewalk(scene, side);
    addParkedCars(scene, side);
  }
  addTraffic(scene);
  if (domain === "worn") addShadows(scene);
  scene.objects.sort((a, b) => b.farEnd - a.farEnd);
  for (const thing of scene.objects) thing.paint();
}

// Houses, and gardens with trees, hedges and fences between them.
function addPlots(scene: Scene, side: -1 | 1): void {
  const { camera, street, style, random, objects } = scene;
  const { facadeDistance, junctionStart } = street;
  let start = -4 + random.uniform() * 8;
  while (start < STREET_LENGTH - 5) {
    const length = 6 + random.uniform() * 9;
    let end = Math.min(start + length, STREET_LENGTH);
    if (start < junctionStart + JUNCTION_WIDTH && end > junctionStart) {
      end = junctionStart;
      if (start >= junctionStart - 2) {
        start = junctionStart + JUNCTION_WIDTH;
        continue;
      }
    }
    const plot = { side, wallDistance: facadeDistance, start, end };
    if (end > 1.5) {
      if (random.uniform() < style.gardenShare) {
        addGarden(scene, plot.side, Math.max(start, 1), end);
      } else {
        const house = sampleBuilding(plot, style, random);
        objects.push({ farEnd: end, paint: () => paintBuilding(camera, house, style) });
      }
    }
    start = end;
  }
}

function addGarden(scene: Scene, side: -1 | 1, from: number, to: number): void {
  const { street, random, objects } = scene;
  const x = side * street.facadeDistance;
  const trees = 2 + random.integer(3);
  for (let i = 0; i < trees; i++) {
    const z = from + (to - from) * random.uniform();
    if (z < 4) continue;
    const base = [x + side * (2.5 + random.uniform() * 6), 0, z] as const;
    const height = 4 + random.uniform() * 5;
    // A garden is painted back to front within its plot, and before its border.
    const farEnd = to + 1e-3 * z;
    objects.push({ farEnd, paint: () => paintTree(scene, base, height) });
  }
  if (random.uniform() < 0.65) {
    objects.push({ farEnd: to, paint: () => paintFence(scene, x, from, to) });
  } else {
    const height = 1 + random.uniform() * 0.8;
    objects.push({ farEnd: to, paint: () => paintHedge(scene, x, from, to, height) });
  }
}

// Lamps, signs, trees and people on a pavement.
function addSidewalk(scene: Scene, side: -1 | 1): void {
  const { street, style: { spacing }, random, objects } = scene;
  const { halfWidth, pavementWidth, junctionStart } = street;
  const kerb = side * (halfWidth + 0.35);
  const isInJunction = (z: number) =>
    z > junctionStart - 0.5 && z < junctionStart + JUNCTION_WIDTH + 0.5;
  const add = (z: number, paint: () => void) => {
    if (!isInJunction(z)) objects.push({ farEnd: z, paint });
  };

  const positions = (spacing: number, from: number, reach: number) =>
    randomPositions(random, spacing, from, reach);

  const arm = -side * (1 + pavementWidth * 0.3);
  for (const z of positions(spacing.lamp, 5, MAX_OBJECT_DISTANCE)) {
    add(z, () => paintLamp(scene, [kerb, 0, z], arm));
  }
  for (const z of positions(spacing.sign, 5, MAX_OBJECT_DISTANCE * 0.7)) {
    const paint = random.uniform() < 0.3 ? paintTrafficLight : paintSign;
    add(z, () => paint(scene, [kerb + side * 0.1, 0, z]));
  }
  if (street.hasGardens || random.uniform() < 0.5) {
    for (const z of positions(spacing.tree, 6, STREET_LENGTH * 0.8)) {
      const x = side * (halfWidth + pavementWidth * 0.8);
      const height = 3.5 + random.uniform() * 3;
      add(z, () => paintTree(scene, [x, 0, z], height));
    }
  }
  for (const z of positions(spacing.person, 4, MAX_OBJECT_DISTANCE * 0.75)) {
    const x = side * (halfWidth + 0.3 + (pavementWidth - 0.5) * random.uniform());
    add(z, () => paintPerson(scene, [x, 0, z]));
    if (random.uniform() >= 0.3) continue;
    add(z + 0.4, () => paintPerson(scene, [x + 0.55, 0, z + 0.4]));
  }
}

function addParkedCars(scene: Scene, side: -1 | 1): void {
  const { street, style, random, objects } = scene;
  const { halfWidth, junctionStart, crosswalkStart } = street;
  const x = side * (halfWidth - 1);
  if (random.uniform() < 0.3) return;
  for (const z of randomPositions(random, style.spacing.car, 5, MAX_OBJECT_DISTANCE)) {
    const overlaps = (from: number, length: number) =>
      z + 4.4 > from && z < from + length;
    if (overlaps(junctionStart, JUNCTION_WIDTH) || overlaps(crosswalkStart, 3)) continue;
    const ahead = random.uniform() < 0.5;
    objects.push({ farEnd: z + 2, paint: () => paintCar(scene, x, z, ahead) });
  }
}

// Cars that drive and people who cross.
function addTraffic(scene: Scene): void {
  const { street, random, objects } = scene;
  const { halfWidth, junctionStart, crosswalkStart } = street;
  for (const lane of [-1, 1]) {
    if (random.uniform() < 0.45) continue;
    const z = 7 + random.uniform() * 24;
    const x = lane * Math.min(1.5, halfWidth / 2 - 0.3);
    objects.push({ farEnd: z + 2, paint: () => paintCar(scene, x, z, lane > 0) });
  }
  if (junctionStart < MAX_OBJECT_DISTANCE && random.uniform() < 0.6) {
    const rightward = random.uniform() < 0.5;
    const z = junctionStart + JUNCTION_WIDTH * (rightward ? 0.3 : 0.65);
    const x = (random.uniform() - 0.5) * 4 * halfWidth;
    objects.push({ farEnd: z, paint: () => paintCrossingCar(scene, x, z, rightward) });
  }
  const hasCrosswalk = crosswalkStart < MAX_OBJECT_DISTANCE;
  const walkers = hasCrosswalk ? 1 + random.integer(2) : Number(random.uniform() < 0.25);
  for (let i = 0; i < walkers; i++) {
    const z = hasCrosswalk ? crosswalkStart + 1.2 : 6 + random.uniform() * 14;
    const x = (random.uniform() - 0.5) * 2 * halfWidth;
    objects.push({ farEnd: z, paint: () => paintPerson(scene, [x, 0, z]) });
  }
}

// Houses and trees outside of the image darken stretches of the road.
function addShadows(scene: Scene): void {
  const { camera, street, random } = scene;
  const reach = street.facadeDistance;
  for (const z of randomPositions(random, 16, 2, STREET_LENGTH)) {
    const length = 1 + random.uniform() * 4;
    const slant = (random.uniform() - 0.5) * 4;
    shadeWorldPolygon(camera, [
      [-reach, 0, z],
      [reach, 0, z + slant],
      [reach, 0, z + slant + length],
      [-reach, 0, z + length],
    ], 0.6 + 0.25 * random.uniform());
  }
}

// Places along the street, `spacing` metres apart on average, never closer than half of it.
function randomPositions(
  random: Random,
  spacing: number,
  from: number,
  to: number,
): number[] {
  const places: number[] = [];
  let z = from + random.uniform() * spacing;
  while (z < to) {
    places.push(z);
    z += spacing * (0.5 + random.uniform());
  }
  return places;
}

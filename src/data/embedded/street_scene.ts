/** A whole street: what stands where, painted from far to near. @module */

import type { Random } from "../../core/random.ts";
import { drawBuilding, paintBuilding } from "./building.ts";
import { type Camera, createCamera, shadePlane } from "./camera.ts";
import type { Canvas } from "./canvas.ts";
import { paintCar, paintCrossingCar } from "./car.ts";
import { paintFence, paintLamp, paintSign, paintTrafficLight } from "./furniture.ts";
import { drawStreet, END, JUNCTION_WIDTH, paintGround, type Street } from "./ground.ts";
import { paintBackdrop, paintHedge, paintTree } from "./nature.ts";
import { paintPerson } from "./person.ts";
import { type Domain, drawView, type Style, STYLES } from "./style.ts";

/** Something to paint: its far end decides when. */
interface Thing {
  readonly far: number;
  paint(): void;
}

/** A street and what stands in it; chance is drawn when things are listed and when painted. */
interface Scene {
  readonly camera: Camera;
  readonly street: Street;
  readonly style: Style;
  readonly random: Random;
  readonly things: Thing[];
}

/** How far things smaller than a house are seen, in metres. */
const SIGHT = 42;

/** Paints a street scene of a domain over the whole canvas. */
export function paintStreetScene(canvas: Canvas, domain: Domain, random: Random): void {
  const style = STYLES[domain];
  const camera = createCamera(drawView(domain, random), canvas);
  const street = drawStreet(style, random);
  const scene: Scene = { camera, street, style, random, things: [] };

  paintGround(camera, street, style, random);
  paintBackdrop(camera, style, random);
  for (const side of [-1, 1] as const) {
    addPlots(scene, side);
    addSidewalk(scene, side);
    addParkedCars(scene, side);
  }
  addTraffic(scene);
  if (domain === "worn") addShadows(scene);
  scene.things.sort((a, b) => b.far - a.far);
  for (const thing of scene.things) thing.paint();
}

// Houses, and gardens with trees, hedges and fences between them.
function addPlots(scene: Scene, side: -1 | 1): void {
  const { camera, street, style, random, things } = scene;
  const { front, junction } = street;
  let from = -4 + random.uniform() * 8;
  while (from < END - 5) {
    const length = 6 + random.uniform() * 9;
    let to = Math.min(from + length, END);
    if (from < junction + JUNCTION_WIDTH && to > junction) {
      to = junction;
      if (from >= junction - 2) {
        from = junction + JUNCTION_WIDTH;
        continue;
      }
    }
    const plot = { side, front, from, to };
    if (to > 1.5) {
      if (random.uniform() < style.gaps) {
        addGarden(scene, plot.side, Math.max(from, 1), to);
      } else {
        const house = drawBuilding(plot, style, random);
        things.push({ far: to, paint: () => paintBuilding(camera, house, style) });
      }
    }
    from = to;
  }
}

function addGarden(scene: Scene, side: -1 | 1, from: number, to: number): void {
  const { camera, street, style, random, things } = scene;
  const x = side * street.front;
  const trees = 2 + random.integer(3);
  for (let i = 0; i < trees; i++) {
    const z = from + (to - from) * random.uniform();
    if (z < 4) continue;
    const base = [x + side * (2.5 + random.uniform() * 6), 0, z] as const;
    const height = 4 + random.uniform() * 5;
    // A garden is painted back to front within its plot, and before its border.
    things.push({
      far: to + 1e-3 * z,
      paint: () => paintTree(camera, base, height, style, random),
    });
  }
  if (random.uniform() < 0.65) {
    things.push({ far: to, paint: () => paintFence(camera, x, from, to, style, random) });
  } else {
    const height = 1 + random.uniform() * 0.8;
    things.push({
      far: to,
      paint: () => paintHedge(camera, x, from, to, height, style, random),
    });
  }
}

// Lamps, signs, trees and people on a pavement.
function addSidewalk(scene: Scene, side: -1 | 1): void {
  const { camera, street, style, random, things } = scene;
  const { half, pavement, junction } = street;
  const kerb = side * (half + 0.35);
  const blocked = (z: number) =>
    z > junction - 0.5 && z < junction + JUNCTION_WIDTH + 0.5;
  const add = (z: number, paint: () => void) => {
    if (!blocked(z)) things.push({ far: z, paint });
  };

  for (const z of spread(random, style.spacing.lamp, 5, SIGHT)) {
    add(
      z,
      () => paintLamp(camera, [kerb, 0, z], -side * (1 + pavement * 0.3), style, random),
    );
  }
  for (const z of spread(random, style.spacing.sign, 5, SIGHT * 0.7)) {
    const light = random.uniform() < 0.3;
    const paint = light ? paintTrafficLight : paintSign;
    add(z, () => paint(camera, [kerb + side * 0.1, 0, z], style, random));
  }
  if (street.gardens || random.uniform() < 0.5) {
    for (const z of spread(random, style.spacing.tree, 6, END * 0.8)) {
      const x = side * (half + pavement * 0.8);
      const height = 3.5 + random.uniform() * 3;
      add(z, () => paintTree(camera, [x, 0, z], height, style, random));
    }
  }
  for (const z of spread(random, style.spacing.person, 4, SIGHT * 0.75)) {
    const x = side * (half + 0.3 + (pavement - 0.5) * random.uniform());
    add(z, () => paintPerson(camera, [x, 0, z], style, random));
    if (random.uniform() < 0.3) {
      add(
        z + 0.4,
        () => paintPerson(camera, [x + 0.55, 0, z + 0.4], style, random),
      );
    }
  }
}

function addParkedCars(scene: Scene, side: -1 | 1): void {
  const { camera, street, style, random, things } = scene;
  const { half, junction, zebra } = street;
  const x = side * (half - 1);
  if (random.uniform() < 0.3) return;
  for (const z of spread(random, style.spacing.car, 5, SIGHT)) {
    const overlaps = (from: number, length: number) =>
      z + 4.4 > from && z < from + length;
    if (overlaps(junction, JUNCTION_WIDTH) || overlaps(zebra, 3)) continue;
    const ahead = random.uniform() < 0.5;
    things.push({
      far: z + 2,
      paint: () => paintCar(camera, x, z, ahead, style, random),
    });
  }
}

// Cars that drive and people who cross.
function addTraffic(scene: Scene): void {
  const { camera, street, style, random, things } = scene;
  const { half, junction, zebra } = street;
  for (const lane of [-1, 1]) {
    if (random.uniform() < 0.45) continue;
    const z = 7 + random.uniform() * 24;
    const x = lane * Math.min(1.5, half / 2 - 0.3);
    things.push({
      far: z + 2,
      paint: () => paintCar(camera, x, z, lane > 0, style, random),
    });
  }
  if (junction < SIGHT && random.uniform() < 0.6) {
    const rightward = random.uniform() < 0.5;
    const z = junction + JUNCTION_WIDTH * (rightward ? 0.3 : 0.65);
    const x = (random.uniform() - 0.5) * 4 * half;
    things.push({
      far: z,
      paint: () => paintCrossingCar(camera, x, z, rightward, style, random),
    });
  }
  const walkers = zebra < SIGHT ? 1 + random.integer(2) : random.uniform() < 0.25 ? 1 : 0;
  for (let i = 0; i < walkers; i++) {
    const z = zebra < SIGHT ? zebra + 1.2 : 6 + random.uniform() * 14;
    const x = (random.uniform() - 0.5) * 2 * half;
    things.push({ far: z, paint: () => paintPerson(camera, [x, 0, z], style, random) });
  }
}

// Houses and trees outside of the picture darken stretches of the road.
function addShadows(scene: Scene): void {
  const { camera, street, random } = scene;
  const reach = street.front;
  for (const z of spread(random, 16, 2, END)) {
    const length = 1 + random.uniform() * 4;
    const slant = (random.uniform() - 0.5) * 4;
    shadePlane(camera, [
      [-reach, 0, z],
      [reach, 0, z + slant],
      [reach, 0, z + slant + length],
      [-reach, 0, z + length],
    ], 0.6 + 0.25 * random.uniform());
  }
}

// Places along the street, `spacing` metres apart on average, never closer than half of it.
function spread(random: Random, spacing: number, from: number, to: number): number[] {
  const places: number[] = [];
  let z = from + random.uniform() * spacing;
  while (z < to) {
    places.push(z);
    z += spacing * (0.5 + random.uniform());
  }
  return places;
}

/** Sky, road, pavements and gardens: what fills a street scene before things stand in it. @module */

import type { Random } from "../../core/random.ts";
import { type Camera, forEachGround, paintEllipse } from "./camera.ts";
import { type Paint, type Rgb, setPixel } from "./canvas.ts";
import { ID } from "./classes.ts";
import { pick, type Style } from "./style.ts";

/** The street's measures in metres and what it is made of. */
export interface Street {
  /** From the middle to the kerb. */
  readonly half: number;
  /** The width of a pavement. */
  readonly pavement: number;
  /** From the middle to the walls of the houses. */
  readonly front: number;
  /** Where a side street begins; Infinity without one. */
  readonly junction: number;
  /** Where a zebra crossing begins; Infinity without one. */
  readonly zebra: number;
  /** Whether gardens or stone lie between pavement and houses. */
  readonly gardens: boolean;
  readonly road: Rgb;
  readonly stone: Rgb;
  readonly grass: Rgb;
  readonly sky: Rgb;
}

/** The width of a side street, in metres. */
export const JUNCTION_WIDTH = 7;

/** Where the street ends in green, in metres. */
export const END = 75;

/** The distance of the sky, in metres. */
const FAR = 1000;

/** Draws a street. */
export function drawStreet(style: Style, random: Random): Street {
  const half = 3.2 + random.uniform() * 1.6;
  const pavement = 1.6 + random.uniform() * 1.6;
  const gardens = random.uniform() < 0.5;
  return {
    half,
    pavement,
    front: half + pavement + (gardens ? 1 + random.uniform() * 2.5 : 0.1),
    junction: random.uniform() < 0.4 ? 10 + random.uniform() * 20 : Infinity,
    zebra: random.uniform() < 0.3 ? 5 + random.uniform() * 10 : Infinity,
    gardens,
    road: pick(random, style.road),
    stone: pick(random, style.pavement),
    grass: pick(random, style.grass),
    sky: pick(random, style.sky),
  };
}

/** Paints sky and ground over the whole canvas. */
export function paintGround(
  camera: Camera,
  street: Street,
  style: Style,
  random: Random,
): void {
  const { canvas } = camera;
  const sky: Paint = { id: ID.sky, color: street.sky, distance: FAR };
  for (let at = 0; at < canvas.label.length; at++) setPixel(canvas, at, sky);
  const clouds = random.integer(4);
  for (let i = 0; i < clouds; i++) {
    const x = (random.uniform() - 0.5) * 1.6 * FAR;
    const y = (0.15 + random.uniform() * 0.4) * FAR;
    const width = (0.08 + random.uniform() * 0.14) * FAR;
    const paint = { id: ID.sky, color: style.cloud, distance: FAR };
    paintEllipse(camera, [x, y, FAR], width, width * 0.22, paint);
    paintEllipse(
      camera,
      [x + width * 0.4, y + width * 0.14, FAR],
      width * 0.5,
      width * 0.24,
      paint,
    );
  }

  const dash = random.uniform() * 6;
  forEachGround(camera, (at, x, z) => {
    const material = materialAt(camera, street, x, z, dash);
    canvas.label[at] = MATERIALS[material];
    canvas.distance[at] = z;
    const color = material === "marking"
      ? style.marking
      : material === "kerb"
      ? style.kerb
      : street[material];
    for (let c = 0; c < 3; c++) canvas.color[at * 3 + c] = color[c] ?? 0;
  });
}

/** What the ground is made of, and which class each material belongs to. */
const MATERIALS = {
  road: ID.road,
  marking: ID.road,
  stone: ID.pavement,
  kerb: ID.pavement,
  grass: ID.vegetation,
} as const;

function materialAt(
  camera: Camera,
  street: Street,
  x: number,
  z: number,
  dash: number,
): keyof typeof MATERIALS {
  const { half, pavement, junction, zebra } = street;
  const side = Math.abs(x);
  const pixel = z / camera.scale;
  const crossing = z >= junction && z < junction + JUNCTION_WIDTH;

  if (z > END) return "grass";
  if (side < half || crossing) {
    if (side < half && z >= zebra && z < zebra + 2.6) {
      return Math.floor((x + 100) / 0.55) % 2 === 0 ? "marking" : "road";
    }
    const dashed = (z + dash) % 6 < 3 && !crossing;
    // A line thinner than a pixel would flicker in and out: it gets a pixel, or ends.
    const line = dashed && side < Math.max(0.07, pixel * 0.5) && pixel < 0.3;
    return line ? "marking" : "road";
  }
  if (side < half + Math.max(0.18, pixel * 0.6) && pixel < 0.25) return "kerb";
  return side < (street.gardens ? half + pavement : street.front) ? "stone" : "grass";
}

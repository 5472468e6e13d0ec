/** Sky, road, pavements and gardens: what fills a street scene before things stand in it. @module */

import type { Random } from "../../core/random.ts";
import { type Camera, forEachGroundPixel, paintEllipse } from "./camera.ts";
import { paintOf, type Rgb, setPixel } from "./canvas.ts";
import { EMBEDDED_CLASS_IDS } from "./classes.ts";
import { type DomainStyle, sampleColor, type SceneContext } from "./domain_style.ts";

/** The street's measures in metres and what it is made of. */
export interface Street {
  /** From the middle to the kerb. */
  readonly halfWidth: number;
  /** The width of a pavement. */
  readonly pavementWidth: number;
  /** From the middle to the walls of the houses. */
  readonly facadeDistance: number;
  /** Where a side street begins; Infinity without one. */
  readonly junctionStart: number;
  /** Where a zebra crossing begins; Infinity without one. */
  readonly crosswalkStart: number;
  /** Whether gardens or stone lie between pavement and houses. */
  readonly hasGardens: boolean;
  readonly road: Rgb;
  readonly stone: Rgb;
  readonly grass: Rgb;
  readonly sky: Rgb;
}

/** The width of a side street, in metres. */
export const JUNCTION_WIDTH = 7;

/** Where the street ends in green, in metres. */
export const STREET_LENGTH = 75;

/** The distance of the sky, in metres. */
const SKY_DISTANCE = 1000;

/** Draws a street. */
export function sampleStreet(style: DomainStyle, random: Random): Street {
  const halfWidth = 3.2 + random.uniform() * 1.6;
  const pavementWidth = 1.6 + random.uniform() * 1.6;
  const hasGardens = random.uniform() < 0.5;
  return {
    halfWidth,
    pavementWidth,
    facadeDistance: halfWidth + pavementWidth +
      (hasGardens ? 1 + random.uniform() * 2.5 : 0.1),
    junctionStart: random.uniform() < 0.4 ? 10 + random.uniform() * 20 : Infinity,
    crosswalkStart: random.uniform() < 0.3 ? 5 + random.uniform() * 10 : Infinity,
    hasGardens,
    road: sampleColor(random, style.road),
    stone: sampleColor(random, style.pavement),
    grass: sampleColor(random, style.grass),
    sky: sampleColor(random, style.sky),
  };
}

/** Paints sky and ground over the whole canvas. */
export function paintGround(
  { camera, style, random }: SceneContext,
  street: Street,
): void {
  const { canvas } = camera;
  const sky = paintOf("sky", street.sky, SKY_DISTANCE);
  for (let at = 0; at < canvas.label.length; at++) setPixel(canvas, at, sky);
  const clouds = random.integer(4);
  for (let i = 0; i < clouds; i++) {
    const x = (random.uniform() - 0.5) * 1.6 * SKY_DISTANCE;
    const y = (0.15 + random.uniform() * 0.4) * SKY_DISTANCE;
    const width = (0.08 + random.uniform() * 0.14) * SKY_DISTANCE;
    const paint = paintOf("sky", style.cloud, SKY_DISTANCE);
    const puff = [x + width * 0.4, y + width * 0.14, SKY_DISTANCE] as const;
    paintEllipse(camera, [x, y, SKY_DISTANCE], width, width * 0.22, paint);
    paintEllipse(camera, puff, width * 0.5, width * 0.24, paint);
  }

  const dash = random.uniform() * 6;
  forEachGroundPixel(camera, (at, x, z) => {
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
  road: EMBEDDED_CLASS_IDS.road,
  marking: EMBEDDED_CLASS_IDS.road,
  stone: EMBEDDED_CLASS_IDS.pavement,
  kerb: EMBEDDED_CLASS_IDS.pavement,
  grass: EMBEDDED_CLASS_IDS.vegetation,
} as const;

function materialAt(
  camera: Camera,
  street: Street,
  x: number,
  z: number,
  dash: number,
): keyof typeof MATERIALS {
  const { halfWidth, pavementWidth, junctionStart, crosswalkStart } = street;
  const side = Math.abs(x);
  const pixel = z / camera.scale;
  const crossing = z >= junctionStart && z < junctionStart + JUNCTION_WIDTH;

  if (z > STREET_LENGTH) return "grass";
  if (side < halfWidth || crossing) {
    if (side < halfWidth && z >= crosswalkStart && z < crosswalkStart + 2.6) {
      return Math.floor((x + 100) / 0.55) % 2 === 0 ? "marking" : "road";
    }
    const dashed = (z + dash) % 6 < 3 && !crossing;
    // A line thinner than a pixel would flicker in and out: it gets a pixel, or ends.
    const line = dashed && side < Math.max(0.07, pixel * 0.5) && pixel < 0.3;
    return line ? "marking" : "road";
  }
  if (side < halfWidth + Math.max(0.18, pixel * 0.6) && pixel < 0.25) return "kerb";
  return side < (street.hasGardens ? halfWidth + pavementWidth : street.facadeDistance)
    ? "stone"
    : "grass";
}

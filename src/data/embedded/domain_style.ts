/** How the two domains of the embedded data set differ, before any wear. @module */

import type { Random } from "../../core/random.ts";
import type { EmbeddedDomain } from "../data_spec.ts";
import type { Camera, CameraPose } from "./camera.ts";
import type { Rgb } from "./canvas.ts";

/** What has one color. */
type Uniform = "cloud" | "marking" | "kerb" | "pane" | "trunk";

/** What has one of several colors. */
type Varied =
  | ("sky" | "road" | "pavement" | "grass" | "wall" | "roof" | "leaf" | "fence")
  | ("pole" | "sign" | "car" | "clothes" | "skin");

/** Colors to choose from, and how crowded the streets are. */
export interface DomainStyle
  extends Readonly<Record<Uniform, Rgb>>, Readonly<Record<Varied, readonly Rgb[]>> {
  /** Metres between things on one side of the street: parked cars, lamps, trees, people. */
  readonly spacing: Readonly<Record<"car" | "lamp" | "tree" | "person" | "sign", number>>;
  /** Floors of the houses: from, to. */
  readonly floors: readonly [number, number];
  /** The share of flat roofs. */
  readonly flatRoofShare: number;
  /** The share of building plots left for gardens. */
  readonly gardenShare: number;
}

/** What everything in a scene is painted with. */
export interface SceneContext {
  readonly camera: Camera;
  readonly style: DomainStyle;
  readonly random: Random;
}

/** The style of each domain. */
export const DOMAIN_STYLES: Readonly<Record<EmbeddedDomain, DomainStyle>> = {
  clean: {
    sky: [[134, 190, 240], [160, 206, 244], [120, 178, 230], [194, 218, 238]],
    cloud: [238, 244, 250],
    road: [[92, 94, 100], [104, 106, 112], [84, 86, 92]],
    marking: [236, 236, 236],
    pavement: [[182, 178, 172], [196, 190, 182], [172, 170, 168]],
    kerb: [214, 212, 208],
    grass: [[112, 180, 84], [96, 166, 76]],
    wall: [
      [204, 120, 96],
      [226, 200, 150],
      [188, 150, 130],
      [214, 214, 206],
      [160, 96, 84],
      [176, 186, 200],
    ],
    roof: [[150, 66, 54], [110, 82, 76], [96, 100, 110]],
    pane: [96, 128, 160],
    leaf: [[58, 140, 60], [76, 156, 64], [44, 120, 62]],
    trunk: [112, 80, 54],
    fence: [[190, 150, 104], [232, 228, 220], [168, 126, 88]],
    pole: [[120, 122, 126], [90, 94, 98]],
    sign: [[214, 42, 42], [34, 84, 190], [246, 206, 40]],
    car: [
      [200, 36, 40],
      [36, 84, 176],
      [236, 236, 238],
      [52, 54, 60],
      [226, 176, 44],
      [150, 156, 164],
    ],
    clothes: [[210, 60, 50], [44, 70, 150], [240, 200, 60], [80, 150, 110], [60, 56, 66]],
    skin: [[236, 192, 160], [196, 144, 108], [128, 86, 62]],
    spacing: { car: 11, lamp: 19, tree: 17, person: 11, sign: 17 },
    floors: [2, 3],
    flatRoofShare: 0.25,
    gardenShare: 0.38,
  },
  worn: {
    sky: [[186, 200, 214], [206, 204, 198], [158, 186, 214], [204, 214, 222]],
    cloud: [168, 170, 174],
    road: [[98, 94, 90], [116, 110, 104], [78, 78, 80]],
    marking: [186, 180, 164],
    pavement: [[160, 148, 134], [150, 146, 144], [176, 162, 144]],
    kerb: [164, 156, 148],
    grass: [[126, 136, 78], [104, 120, 66]],
    wall: [
      [150, 128, 110],
      [122, 96, 84],
      [168, 160, 148],
      [116, 118, 122],
      [142, 108, 84],
      [186, 168, 136],
    ],
    roof: [[98, 74, 66], [84, 84, 88], [116, 90, 72]],
    pane: [66, 72, 78],
    leaf: [[88, 108, 54], [122, 116, 56], [70, 96, 58], [146, 108, 52]],
    trunk: [82, 68, 58],
    fence: [[128, 112, 94], [150, 146, 138], [98, 88, 80]],
    pole: [[96, 92, 88], [122, 116, 106], [70, 68, 68]],
    sign: [[168, 62, 54], [56, 82, 128], [186, 160, 74]],
    car: [
      [132, 56, 50],
      [62, 80, 108],
      [184, 180, 172],
      [56, 54, 54],
      [116, 122, 112],
      [152, 130, 84],
    ],
    clothes: [[112, 62, 56], [56, 62, 84], [128, 118, 86], [60, 56, 56], [92, 102, 96]],
    skin: [[206, 168, 142], [162, 122, 96], [104, 74, 58]],
    spacing: { car: 9, lamp: 13, tree: 13, person: 8, sign: 13 },
    floors: [2, 5],
    flatRoofShare: 0.6,
    gardenShare: 0.38,
  },
};

/** Draws where the camera stands. The worn domain looks higher, lower and askew. */
export function sampleCameraPose(domain: EmbeddedDomain, random: Random): CameraPose {
  const uniformAround = (middle: number, width: number) =>
    middle + (random.uniform() - 0.5) * width;
  const isWorn = domain === "worn";
  return {
    focalLength: isWorn ? uniformAround(0.92, 0.3) : uniformAround(0.9, 0.08),
    horizon: isWorn ? uniformAround(0.47, 0.18) : uniformAround(0.49, 0.05),
    vanishingPoint: isWorn ? uniformAround(0.5, 0.3) : uniformAround(0.5, 0.12),
    height: isWorn ? uniformAround(1.8, 0.9) : uniformAround(1.5, 0.2),
    x: isWorn ? uniformAround(0.6, 3.2) : uniformAround(1, 1.2),
    roll: isWorn ? uniformAround(0, 0.13) : 0,
  };
}

/**
 * One of several colors, each equally likely, a little lighter or darker, warmer or colder
 * each time: if every wall had one of six exact colors, a network could learn them by heart.
 */
export function sampleColor(random: Random, colors: readonly Rgb[]): Rgb {
  const [red, green, blue] = colors[random.integer(colors.length)] ?? [128, 128, 128];
  const light = 1 + (random.uniform() - 0.5) * 0.3;
  const warmth = (random.uniform() - 0.5) * 24;
  const tint = (random.uniform() - 0.5) * 12;
  return [red * light + warmth, green * light + tint, blue * light - warmth];
}

/**
 * The embedded data set: small street scenes, drawn and not stored, so that everything can
 * be tried without a download. In two domains: "clean", flat and sharp, to be learned from
 * with labels, and "worn", textured, noisy, hazy and seen from odd angles, to be learned
 * from without.
 *
 * @module
 */

import { createRandom } from "../core/random.ts";
import type { DataSet, Sample } from "./data_set.ts";
import { type Canvas, createCanvas } from "./embedded/canvas.ts";
import { EMBEDDED_CLASSES } from "./embedded/classes.ts";
import { paintStreetScene } from "./embedded/street_scene.ts";
import { type Domain, STYLES } from "./embedded/style.ts";
import { wear } from "./embedded/wear.ts";
import type { Size } from "./resize.ts";

export { EMBEDDED_CLASSES };

/** Describes a part of the embedded data set. */
export interface EmbeddedSpec {
  readonly kind: "embedded";
  readonly domain: Domain;
  /** How many scenes. */
  readonly images: number;
  /** Which scene is the first, so that training and evaluation need not share any; 0 if left out. */
  readonly first?: number;
  /** The size of a scene in pixels; 96×128 if left out. */
  readonly size?: Size;
  /** Other seeds are other streets; 0 if left out. */
  readonly seed?: number;
  /** Whether samples have labels. */
  readonly labelled: boolean;
}

/** The size of a scene unless told otherwise, in pixels. */
export const EMBEDDED_SIZE: Size = { height: 96, width: 128 };

/** To be raised when scenes change, so that cached statistics are computed anew. */
const EDITION = 1;

/** The smallest and largest side of a scene, in pixels. */
const SIDES = [32, 2048] as const;

/**
 * Opens a part of the embedded data set.
 *
 * @throws {RangeError} If the domain is unknown, or the number or the size is out of range.
 */
export function openEmbedded(spec: EmbeddedSpec): DataSet {
  const { domain, images, first = 0, size = EMBEDDED_SIZE, seed = 0, labelled } = spec;
  if (!Object.hasOwn(STYLES, domain)) {
    throw new RangeError(
      `Cannot open the embedded data set: "domain" is "${domain}": use one of ` +
        Object.keys(STYLES).map((name) => `"${name}"`).join(", "),
    );
  }
  for (
    const [name, value, least] of [["images", images, 1], ["first", first, 0]] as const
  ) {
    if (Number.isInteger(value) && value >= least) continue;
    throw new RangeError(
      `Cannot open the embedded data set: "${name}" must be a whole number from ${least}: ` +
        `received ${value}`,
    );
  }
  for (const side of ["height", "width"] as const) {
    if (
      Number.isInteger(size[side]) && size[side] >= SIDES[0] && size[side] <= SIDES[1]
    ) {
      continue;
    }
    throw new RangeError(
      `Cannot open the embedded data set: "size.${side}" must be a whole number of ` +
        `${SIDES[0]} … ${SIDES[1]} pixels: received ${size[side]}`,
    );
  }

  const names = Array.from(
    { length: images },
    (_, i) => `${domain}_${String(first + i).padStart(5, "0")}`,
  );
  const nameOf = (index: number) => {
    const name = names[index];
    if (name !== undefined) return name;
    throw new RangeError(
      `Cannot draw scene ${index} of the embedded data set: there are ${images}`,
    );
  };
  // Equal arguments give equal scenes.
  const paint = (index: number): Canvas => {
    const canvas = createCanvas(size);
    const stream = `embedded/${domain}`;
    paintStreetScene(canvas, domain, createRandom(seed, stream, first + index));
    return canvas;
  };
  const draw = (index: number): Sample => {
    const name = nameOf(index);
    const canvas = paint(index);
    if (domain === "worn") {
      wear(canvas, createRandom(seed, "embedded/wear", first + index));
    }
    const { height, width, color, label } = canvas;
    const image = new Uint8Array(color.buffer, color.byteOffset, color.length);
    return { name, height, width, image, label: labelled ? label : null };
  };

  return {
    name: `embedded ${domain} scenes`,
    classes: EMBEDDED_CLASSES,
    names,
    labelled,
    folder: null,
    read: (index) => Promise.resolve().then(() => draw(index)),
    readLabel: (index) =>
      Promise.resolve().then(() => {
        nameOf(index);
        const scene = paint(index);
        return { width: scene.width, height: scene.height, data: scene.label };
      }),
    fingerprint: () =>
      Promise.resolve(JSON.stringify([EDITION, domain, images, first, size, seed])),
  };
}

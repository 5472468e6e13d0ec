/**
 * The embedded data set: small street scenes that are rendered and not stored in files, so
 * that everything can be tried without a download. Of its two domains, "clean" is flat and
 * sharp, to learn from with labels; "worn" has texture, noise, haze and odd angles, to learn
 * from without.
 *
 * @module
 */

import type { Size } from "../../core/host_batch.ts";
import { createRandom } from "../../core/random.ts";
import type { EmbeddedSpec } from "../data_spec.ts";
import type { DataSet, Sample } from "../data_set.ts";
import { hashLines } from "../data_identity.ts";
import { type Canvas, createCanvas } from "./canvas.ts";
import { EMBEDDED_CLASSES } from "./classes.ts";
import { DOMAIN_STYLES } from "./domain_style.ts";
import { paintStreetScene } from "./street_scene.ts";
import { applyWear } from "./wear.ts";

/** The size of a scene unless the description says otherwise, in pixels. */
const DEFAULT_SCENE_SIZE: Size = { height: 96, width: 128 };

/** To be raised when scenes change, so that cached statistics are computed again. */
const SCENE_VERSION = 1;

/** The smallest and largest side of a scene, in pixels. */
const SIDE_RANGE = [32, 2048] as const;

/** Scenes of one part of the data set are kept while they fit into this many bytes. */
const KEPT_BYTES = 2 ** 25;

/** Red, green, blue and the class id of a pixel. */
const BYTES_PER_PIXEL = 4;

/**
 * Opens a part of the embedded data set.
 *
 * @throws {RangeError} If the domain is unknown, or a number is out of range.
 */
export function openEmbedded(spec: EmbeddedSpec): DataSet {
  const { domain, images, firstScene = 0, size = DEFAULT_SCENE_SIZE, seed = 0, labeled } =
    spec;
  if (!Object.hasOwn(DOMAIN_STYLES, domain)) {
    throw new RangeError(
      `Cannot open the embedded data set: "domain" is "${domain}": use one of ` +
        Object.keys(DOMAIN_STYLES).map((name) => `"${name}"`).join(", "),
    );
  }
  assertWholeNumber("images", images, 1);
  assertWholeNumber("firstScene", firstScene, 0);
  assertWholeNumber("size.height", size.height, ...SIDE_RANGE);
  assertWholeNumber("size.width", size.width, ...SIDE_RANGE);

  const names = Array.from(
    { length: images },
    (_, i) => `${domain}_${String(firstScene + i).padStart(5, "0")}`,
  );
  const nameOf = (index: number) => {
    const name = names[index];
    if (name !== undefined) return name;
    throw new RangeError(
      `Cannot render scene ${index} of the embedded data set: there are ${images}`,
    );
  };
  // Equal arguments give equal scenes.
  const renderScene = (index: number): Canvas => {
    const canvas = createCanvas(size);
    const stream = `embedded/${domain}`;
    paintStreetScene(canvas, domain, createRandom(seed, stream, firstScene + index));
    return canvas;
  };
  const renderSample = (index: number): Sample => {
    const name = nameOf(index);
    const canvas = renderScene(index);
    if (domain === "worn") {
      applyWear(canvas, createRandom(seed, "embedded/wear", firstScene + index));
    }
    const { height, width, color, label } = canvas;
    const image = new Uint8Array(color.buffer, color.byteOffset, color.length);
    return { name, height, width, channels: 3, image, label: labeled ? label : null };
  };

  // A run reads each scene many times, and drawing one takes longer than copying it.
  const kept = new Map<number, Sample>();
  const mostKept = Math.floor(KEPT_BYTES / (size.height * size.width * BYTES_PER_PIXEL));
  const readSample = (index: number): Sample => {
    const sample = kept.get(index) ?? renderSample(index);
    if (kept.size < mostKept) kept.set(index, sample);
    return {
      ...sample,
      image: sample.image.slice(),
      label: sample.label?.slice() ?? null,
    };
  };

  const description = JSON.stringify([
    SCENE_VERSION,
    domain,
    images,
    firstScene,
    size,
    seed,
  ]);
  return {
    name: `embedded ${domain} scenes`,
    classes: EMBEDDED_CLASSES,
    names,
    labeled,
    statisticsFolder: null,
    read: (index) => Promise.resolve().then(() => readSample(index)),
    readLabel: (index) =>
      Promise.resolve().then(() => {
        nameOf(index);
        const { width, height, label } = renderScene(index);
        return { width, height, data: label };
      }),
    fingerprint: () => Promise.resolve(description),
    identity: () =>
      Promise.resolve({
        images,
        names: hashLines(names),
        sizes: hashLines([description]),
        contents: null,
      }),
  };
}

function assertWholeNumber(name: string, value: number, min: number, max = Infinity) {
  if (Number.isInteger(value) && value >= min && value <= max) return;
  throw new RangeError(
    `Cannot open the embedded data set: "${name}" must be a whole number ` +
      `${
        max === Infinity ? `from ${min}` : `of ${min} … ${max} pixels`
      }: received ${value}`,
  );
}

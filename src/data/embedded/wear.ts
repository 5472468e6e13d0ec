/**
 * What years, weather and a cheap camera do to a flat image: blotches and grain, haze
 * that grows with distance, a color cast, soft edges and noise. Classes stay as they are.
 *
 * @module
 */

import type { Random } from "../../core/random.ts";
import type { Canvas, Rgb } from "./canvas.ts";
import {
  EMBEDDED_CLASS_IDS,
  EMBEDDED_CLASSES,
  type EmbeddedClassName,
} from "./classes.ts";

/** How strongly each class is blotched and grained, in steps of 0 … 255. */
const TEXTURE_STRENGTH: Readonly<Record<EmbeddedClassName, readonly [number, number]>> = {
  road: [14, 9],
  pavement: [14, 10],
  building: [18, 9],
  fence: [20, 16],
  pole: [14, 10],
  sign: [18, 10],
  vegetation: [20, 20],
  sky: [10, 3],
  person: [12, 10],
  car: [14, 7],
};

const STRENGTH_BY_CLASS = EMBEDDED_CLASSES.map(({ name }) => TEXTURE_STRENGTH[name]);

/** Wears an image out. */
export function applyWear(canvas: Canvas, random: Random): void {
  const { height, width, color, label, distance } = canvas;
  const uniformIn = (low: number, high: number) => low + (high - low) * random.uniform();
  const visibility = uniformIn(60, 200);
  const fog: Rgb = [uniformIn(180, 214), uniformIn(180, 208), uniformIn(176, 212)];
  const cast: Rgb = [uniformIn(0.92, 1.08), uniformIn(0.92, 1.04), uniformIn(0.84, 1.06)];
  const gamma = uniformIn(0.8, 1.2);
  const vignette = uniformIn(0, 0.25);
  const noise = uniformIn(2, 6);
  const blur = uniformIn(0, 0.5);
  const seed = random.bits();

  const curve = Float32Array.from(
    { length: 256 },
    (_, value) => 255 * (value / 255) ** gamma,
  );
  const blotches = createBlotchMap(height, width, seed);
  const float = new Float32Array(color.length);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const at = row * width + column;
      const id = label[at] ?? 0;
      const [blotch, grain] = STRENGTH_BY_CLASS[id] ?? [0, 0];
      // A shift per class, so that blotches end where a thing ends.
      const shifted = ((row + id * 5) % height) * width + (column + id * 11) % width;
      const texture = blotch * (blotches[shifted] ?? 0) +
        grain * latticeNoise(column, row, seed + 7);
      const transmission = id === EMBEDDED_CLASS_IDS.sky
        ? 0.75
        : Math.exp(-(distance[at] ?? 0) / visibility);
      const dx = column / width - 0.5;
      const dy = row / height - 0.5;
      const light = 1 - vignette * 2 * (dx * dx + dy * dy);
      for (let c = 0; c < 3; c++) {
        const rgb = Math.min(Math.max((color[at * 3 + c] ?? 0) + texture, 0), 255);
        const hazy = (fog[c] ?? 0) + (rgb - (fog[c] ?? 0)) * transmission;
        float[at * 3 + c] = (curve[Math.round(hazy)] ?? 0) * (cast[c] ?? 1) * light +
          noise * latticeNoise(column * 3 + c, row, seed + 13);
      }
    }
  }
  mixWithNeighbors(float, color, height, width, blur);
}

// Mixes each pixel with the mean of its four neighbors.
function mixWithNeighbors(
  from: Float32Array,
  to: Uint8ClampedArray,
  height: number,
  width: number,
  share: number,
): void {
  for (let row = 0; row < height; row++) {
    const up = (row > 0 ? -1 : 0) * width * 3;
    const down = (row < height - 1 ? 1 : 0) * width * 3;
    for (let column = 0; column < width; column++) {
      const left = column > 0 ? -3 : 0;
      const right = column < width - 1 ? 3 : 0;
      for (let c = 0; c < 3; c++) {
        const at = (row * width + column) * 3 + c;
        const mean = ((from[at + up] ?? 0) + (from[at + down] ?? 0) +
          (from[at + left] ?? 0) + (from[at + right] ?? 0)) / 4;
        const value = from[at] ?? 0;
        to[at] = value + (mean - value) * share;
      }
    }
  }
}

// Two octaves of smooth noise; the larger blotches measure an eighth of the height.
function createBlotchMap(height: number, width: number, seed: number): Float32Array {
  const cell = height / 8;
  const blotches = new Float32Array(height * width);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      blotches[row * width + column] = smoothNoise(column / cell, row / cell, seed) +
        0.5 * smoothNoise(column * 2.7 / cell, row * 2.7 / cell, seed + 77);
    }
  }
  return blotches;
}

// Noise in −1 … 1 with a value per lattice point, smooth in between.
function smoothNoise(x: number, y: number, seed: number): number {
  const x0 = Math.floor(x);
  const y0 = Math.floor(y);
  const fx = x - x0;
  const fy = y - y0;
  const sx = fx * fx * (3 - 2 * fx);
  const sy = fy * fy * (3 - 2 * fy);
  const top = latticeNoise(x0, y0, seed) * (1 - sx) + latticeNoise(x0 + 1, y0, seed) * sx;
  const low = latticeNoise(x0, y0 + 1, seed) * (1 - sx) +
    latticeNoise(x0 + 1, y0 + 1, seed) * sx;
  return top * (1 - sy) + low * sy;
}

// A number in −1 … 1 for each lattice point (the finaliser of MurmurHash3).
function latticeNoise(x: number, y: number, seed: number): number {
  let hash = Math.imul(x, 0x9e3779b1) ^ Math.imul(y, 0x85ebca6b) ^ seed;
  hash = Math.imul(hash ^ hash >>> 16, 0x85ebca6b);
  hash = Math.imul(hash ^ hash >>> 13, 0xc2b2ae35);
  return ((hash ^ hash >>> 16) >>> 0) / 0x7fffffff - 1;
}

/**
 * What years, weather and a cheap camera do to a flat picture: blotches and grain, haze
 * that grows with distance, a colour cast, soft edges and noise. Classes stay as they are.
 *
 * @module
 */

import type { Random } from "../../core/random.ts";
import type { Canvas, Rgb } from "./canvas.ts";
import { EMBEDDED_CLASSES, ID } from "./classes.ts";

/** How strongly each class is blotched and grained, in steps of 0 … 255. */
const ROUGHNESS: Readonly<Record<keyof typeof ID, readonly [number, number]>> = {
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

const BY_ID = EMBEDDED_CLASSES.map(({ name }) =>
  ROUGHNESS[name as keyof typeof ROUGHNESS]
);

/** Wears a picture out. */
export function wear(canvas: Canvas, random: Random): void {
  const { height, width, color, label, distance } = canvas;
  const between = (low: number, high: number) => low + (high - low) * random.uniform();
  const visibility = between(60, 200);
  const fog: Rgb = [between(180, 214), between(180, 208), between(176, 212)];
  const cast: Rgb = [between(0.92, 1.08), between(0.92, 1.04), between(0.84, 1.06)];
  const gamma = between(0.8, 1.2);
  const vignette = between(0, 0.25);
  const noise = between(2, 6);
  const blur = between(0, 0.5);
  const seed = random.bits();

  const curve = Float32Array.from(
    { length: 256 },
    (_, value) => 255 * (value / 255) ** gamma,
  );
  const blotches = drawBlotches(height, width, seed);
  const work = new Float32Array(color.length);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const at = row * width + column;
      const id = label[at] ?? 0;
      const [blotch, grain] = BY_ID[id] ?? [0, 0];
      // A shift per class, so that blotches end where a thing ends.
      const shifted = ((row + id * 5) % height) * width + (column + id * 11) % width;
      const rough = blotch * (blotches[shifted] ?? 0) +
        grain * lattice(column, row, seed + 7);
      const clear = id === ID.sky ? 0.75 : Math.exp(-(distance[at] ?? 0) / visibility);
      const dx = column / width - 0.5;
      const dy = row / height - 0.5;
      const light = 1 - vignette * 2 * (dx * dx + dy * dy);
      for (let c = 0; c < 3; c++) {
        const rgb = Math.min(Math.max((color[at * 3 + c] ?? 0) + rough, 0), 255);
        const hazy = (fog[c] ?? 0) + (rgb - (fog[c] ?? 0)) * clear;
        work[at * 3 + c] = (curve[Math.round(hazy)] ?? 0) * (cast[c] ?? 1) * light +
          noise * lattice(column * 3 + c, row, seed + 13);
      }
    }
  }
  soften(work, color, height, width, blur);
}

// Mixes each pixel with the mean of its four neighbours.
function soften(
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
        const own = from[at] ?? 0;
        to[at] = own + (mean - own) * share;
      }
    }
  }
}

// Two octaves of smooth noise; the larger blotches measure an eighth of the height.
function drawBlotches(height: number, width: number, seed: number): Float32Array {
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
  const top = lattice(x0, y0, seed) * (1 - sx) + lattice(x0 + 1, y0, seed) * sx;
  const low = lattice(x0, y0 + 1, seed) * (1 - sx) + lattice(x0 + 1, y0 + 1, seed) * sx;
  return top * (1 - sy) + low * sy;
}

// A number in −1 … 1 for each lattice point (the finaliser of MurmurHash3).
function lattice(x: number, y: number, seed: number): number {
  let hash = Math.imul(x, 0x9e3779b1) ^ Math.imul(y, 0x85ebca6b) ^ seed;
  hash = Math.imul(hash ^ hash >>> 16, 0x85ebca6b);
  hash = Math.imul(hash ^ hash >>> 13, 0xc2b2ae35);
  return ((hash ^ hash >>> 16) >>> 0) / 0x7fffffff - 1;
}

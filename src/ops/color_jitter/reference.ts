// deno-lint-ignore-file no-non-null-assertion -- indices are in bounds by construction
import type { Arrays, TypedArray, UniformsOf } from "../../gpu/kernel.ts";

/** Pixels of an image, and mean and deviation per channel on the 0 … 255 scale. */
export const COLOR_UNIFORMS = {
  pixels: "u32",
  meanRed: "f32",
  meanGreen: "f32",
  meanBlue: "f32",
  stdRed: "f32",
  stdGreen: "f32",
  stdBlue: "f32",
} as const;

type Triple = [number, number, number];

/** y = x after the four steps of its sample; see the shader for the formulas. */
export function colorJitterReference(
  { x, settings, y }: Arrays<"x" | "settings" | "y">,
  uniforms: UniformsOf<typeof COLOR_UNIFORMS>,
): void {
  const { pixels, meanRed, meanGreen, meanBlue, stdRed, stdGreen, stdBlue } = uniforms;
  const mean: Triple = [meanRed, meanGreen, meanBlue];
  const std: Triple = [stdRed, stdGreen, stdBlue];
  for (let i = 0; i < x.length / 3; i++) {
    const settingsStart = Math.floor(i / pixels) * 8;
    if (isIdentity(settings, settingsStart)) {
      for (let c = 0; c < 3; c++) y[3 * i + c] = x[3 * i + c]!;
      continue;
    }
    let rgb: Triple = [0, 0, 0];
    for (let c = 0; c < 3; c++) {
      rgb[c] = (x[3 * i + c]! * std[c]! + mean[c]!) / 255;
    }
    for (let step = 0; step < 4; step++) {
      const kind = settings[settingsStart + 4 + step]!;
      if (kind < 4) rgb = jitter(rgb, kind, settings[settingsStart + kind]!);
    }
    for (let c = 0; c < 3; c++) {
      y[3 * i + c] = (rgb[c]! * 255 - mean[c]!) / std[c]!;
    }
  }
}

// Without a step the sample is copied.
function isIdentity(settings: TypedArray, settingsStart: number): boolean {
  for (let step = 4; step < 8; step++) {
    if (settings[settingsStart + step]! < 4) return false;
  }
  return true;
}

function jitter([r, g, b]: Triple, kind: number, factor: number): Triple {
  if (kind === 0) {
    return [clamp(r + factor - 1), clamp(g + factor - 1), clamp(b + factor - 1)];
  }
  if (kind === 1) return [clamp(r * factor), clamp(g * factor), clamp(b * factor)];
  const [hue, saturation, value] = toHsv(r, g, b);
  if (kind === 2) return toRgb(hue, clamp(saturation * factor), value);
  return toRgb((hue + factor) % 1, saturation, value);
}

// Hue in turns (0 … 1), saturation, value.
function toHsv(r: number, g: number, b: number): Triple {
  const value = Math.max(r, g, b);
  const spread = value - Math.min(r, g, b);
  const divisor = spread === 0 ? 1 : spread;
  const hue = r === value
    ? g - b
    : g === value
    ? 2 * divisor + b - r
    : 4 * divisor + r - g;
  const turns = hue / divisor / 6;
  return [turns - Math.floor(turns), spread / (value + 1e-6), value];
}

function toRgb(hue: number, saturation: number, v: number): Triple {
  const whole = Math.floor(hue * 6);
  const f = hue * 6 - whole;
  const p = v * (1 - saturation);
  const q = v * (1 - f * saturation);
  const t = v * (1 - (1 - f) * saturation);
  // Negative hues wrap around.
  switch ((whole % 6 + 6) % 6) {
    case 0:
      return [v, t, p];
    case 1:
      return [q, v, p];
    case 2:
      return [p, v, t];
    case 3:
      return [p, q, v];
    case 4:
      return [t, p, v];
    default:
      return [v, p, q];
  }
}

function clamp(value: number): number {
  return Math.min(Math.max(value, 0), 1);
}

/** Brightness, contrast, saturation and hue of normalized RGB images. */
import { FLOAT, ITEM_ELEMENTS } from "./vectors";

/** Floats of a sample's settings: four factors, then the steps in their order. */
const SETTINGS: i32 = 8;

/** A step that does nothing; 0 … 3 are brightness, contrast, saturation, hue. */
const NO_STEP: f32 = 4;

/** The pixel at hand. */
let red: f64 = 0;
let green: f64 = 0;
let blue: f64 = 0;

/** The same pixel; hue in turns, 0 … 1. */
let hue: f64 = 0;
let saturation: f64 = 0;
let value: f64 = 0;

/**
 * y = x after the four steps of its sample; see `ops/color_jitter/color_jitter.wgsl`.
 *
 * Items: 4096 pixels. The means and deviations are of the 0 … 255 scale.
 *
 * @param pixels Of an image.
 * @param count Of all images.
 */
export function colorJitter(
  x: usize,
  settings: usize,
  pixels: i32,
  meanRed: f64,
  meanGreen: f64,
  meanBlue: f64,
  stdRed: f64,
  stdGreen: f64,
  stdBlue: f64,
  y: usize,
  count: i32,
  begin: i32,
  end: i32,
): void {
  for (let i = begin * ITEM_ELEMENTS; i < min(end * ITEM_ELEMENTS, count); i++) {
    const ofSample = settings + FLOAT * <usize> (i / pixels * SETTINGS);
    const from = x + 3 * FLOAT * <usize> i, to = y + 3 * FLOAT * <usize> i;
    if (isIdentity(ofSample)) {
      memory.copy(to, from, 3 * FLOAT);
      continue;
    }
    red = (load<f32>(from) * stdRed + meanRed) / 255;
    green = (load<f32>(from, 4) * stdGreen + meanGreen) / 255;
    blue = (load<f32>(from, 8) * stdBlue + meanBlue) / 255;
    for (let step = ofSample + 16; step < ofSample + 32; step += FLOAT) {
      const kind = load<f32>(step);
      if (kind < NO_STEP) jitter(<i32> kind, load<f32>(ofSample + FLOAT * <usize> kind));
    }
    store<f32>(to, <f32> ((red * 255 - meanRed) / stdRed));
    store<f32>(to, <f32> ((green * 255 - meanGreen) / stdGreen), 4);
    store<f32>(to, <f32> ((blue * 255 - meanBlue) / stdBlue), 8);
  }
}

// Without a step the sample is copied.
function isIdentity(settings: usize): bool {
  for (let step: usize = 16; step < 32; step += FLOAT) {
    if (load<f32>(settings + step) < NO_STEP) return false;
  }
  return true;
}

function jitter(kind: i32, factor: f64): void {
  if (kind === 0) return scaleAndShift(1, factor - 1);
  if (kind === 1) return scaleAndShift(factor, 0);
  findHsv();
  if (kind === 2) {
    saturation = clamp(saturation * factor);
  } else {
    const turns = hue + factor;
    hue = turns - trunc(turns);
  }
  findRgb();
}

function scaleAndShift(factor: f64, shift: f64): void {
  red = clamp(red * factor + shift);
  green = clamp(green * factor + shift);
  blue = clamp(blue * factor + shift);
}

function clamp(x: f64): f64 {
  return min(max(x, 0), 1);
}

function findHsv(): void {
  value = max(max(red, green), blue);
  const spread = value - min(min(red, green), blue);
  const divisor = spread === 0 ? 1 : spread;
  let sixths = 4 * divisor + red - green;
  if (red === value) sixths = green - blue;
  else if (green === value) sixths = 2 * divisor + blue - red;
  const turns = sixths / divisor / 6;
  hue = turns - floor(turns);
  saturation = spread / (value + 1e-6);
}

function findRgb(): void {
  const whole = floor(hue * 6);
  const f = hue * 6 - whole;
  const p = value * (1 - saturation);
  const q = value * (1 - f * saturation);
  const t = value * (1 - (1 - f) * saturation);
  const sector = (<i32> whole % 6 + 6) % 6; // negative hues wrap around
  if (sector === 0) setRgb(value, t, p);
  else if (sector === 1) setRgb(q, value, p);
  else if (sector === 2) setRgb(p, value, t);
  else if (sector === 3) setRgb(p, q, value);
  else if (sector === 4) setRgb(t, p, value);
  else setRgb(value, p, q);
}

function setRgb(r: f64, g: f64, b: f64): void {
  red = r;
  green = g;
  blue = b;
}

/** Cars, along the street and across it, and people on foot. @module */

import {
  type Camera,
  paintBillboard,
  paintEllipse,
  paintPolygon,
  type Point3,
  shadeGround,
} from "./camera.ts";
import { type Paint, paintOf, type Rgb, scaleColor } from "./canvas.ts";
import { sampleColor, type SceneContext } from "./domain_style.ts";

/** Half a car's width, in metres. */
const CAR_HALF_WIDTH = 0.9;
/** A car's length, in metres. */
const CAR_LENGTH = 4.2;
const TIRE_COLOR: Rgb = [28, 28, 30];
const GLASS_COLOR: Rgb = [62, 78, 92];

/**
 * Paints a car on the street.
 *
 * @param x The middle of the car.
 * @param z Its near end.
 * @param showsRear Whether the camera sees its rear, and not its front.
 */
export function paintCar(
  { camera, style, random }: SceneContext,
  x: number,
  z: number,
  showsRear: boolean,
): void {
  const color = sampleColor(random, style.car);
  const van = random.uniform() < 0.2;
  const belt = van ? 1.1 : 0.88;
  const roof = van ? 2.1 : 1.45;
  const paint = (tone: Rgb, distance = z) => paintOf("car", tone, distance);
  const far = z + CAR_LENGTH;
  // The side that faces the camera.
  const flank = x > camera.x ? x - CAR_HALF_WIDTH : x + CAR_HALF_WIDTH;
  const inward = x > camera.x ? 0.12 : -0.12;

  shadeGround(camera, x, CAR_HALF_WIDTH + 0.15, [z - 0.2, far], 0.55);

  const cabin: readonly [number, number, number, number] = van
    ? [0.1, 0.2, 3.1, 3.7]
    : showsRear
    ? [0.3, 0.9, 2.5, 3.2]
    : [1, 1.7, 3.3, 3.9];
  const [sill1, top1, top2, sill2] = cabin;
  const mid = z + CAR_LENGTH / 2;
  paintPolygon(camera, [
    [flank, 0.28, z],
    [flank, 0.28, far],
    [flank, belt, far],
    [flank, belt, z],
  ], paint(scaleColor(color, 0.78), mid));
  const side = (low: number, high: number, inset: number): Point3[] => [
    [flank, low, z + sill1 + inset],
    [flank, low, z + sill2 - inset],
    [flank + inward, high, z + top2 - inset],
    [flank + inward, high, z + top1 + inset],
  ];
  paintPolygon(camera, side(belt, roof, 0), paint(scaleColor(color, 0.78), mid));
  paintPolygon(camera, side(belt + 0.05, roof - 0.1, 0.2), paint(GLASS_COLOR, mid));
  for (const wheel of [z + 0.8, z + CAR_LENGTH - 0.9]) {
    paintWheel(camera, flank, wheel, paint(TIRE_COLOR, wheel));
  }

  // The end that faces the camera.
  for (const wheel of [x - CAR_HALF_WIDTH + 0.16, x + CAR_HALF_WIDTH - 0.16]) {
    paintBillboard(camera, [wheel, 0, z], 0.26, 0.5, paint(TIRE_COLOR));
  }
  const end = z + sill1;
  paintPolygon(camera, [
    [x - CAR_HALF_WIDTH + 0.04, belt, end],
    [x + CAR_HALF_WIDTH - 0.04, belt, end],
    [x + CAR_HALF_WIDTH - 0.16, roof, z + top1],
    [x - CAR_HALF_WIDTH + 0.16, roof, z + top1],
  ], paint(color));
  paintPolygon(camera, [
    [x - CAR_HALF_WIDTH + 0.18, belt + 0.04, end],
    [x + CAR_HALF_WIDTH - 0.18, belt + 0.04, end],
    [x + CAR_HALF_WIDTH - 0.26, roof - 0.1, z + top1],
    [x - CAR_HALF_WIDTH + 0.26, roof - 0.1, z + top1],
  ], paint(scaleColor(GLASS_COLOR, 1.1)));
  // Bonnet or boot.
  paintPolygon(camera, [
    [x - CAR_HALF_WIDTH, belt, z],
    [x + CAR_HALF_WIDTH, belt, z],
    [x + CAR_HALF_WIDTH - 0.04, belt, end],
    [x - CAR_HALF_WIDTH + 0.04, belt, end],
  ], paint(scaleColor(color, 1.12)));
  paintBillboard(camera, [x, 0.28, z], 2 * CAR_HALF_WIDTH, belt - 0.28, paint(color));
  const bumper = paint(scaleColor(color, 0.6));
  paintBillboard(camera, [x, 0.28, z], 2 * CAR_HALF_WIDTH, 0.16, bumper);
  const light: Rgb = showsRear ? [190, 24, 24] : [250, 244, 214];
  for (const lamp of [x - CAR_HALF_WIDTH + 0.22, x + CAR_HALF_WIDTH - 0.22]) {
    paintBillboard(camera, [lamp, belt - 0.32, z], 0.3, 0.18, paint(light));
  }
  paintBillboard(camera, [x, 0.46, z], 0.5, 0.14, paint([226, 226, 214]));
}

/** Paints a car that crosses the street, its middle at `x`, `z`; nose to the right or left. */
export function paintCrossingCar(
  { camera, style, random }: SceneContext,
  x: number,
  z: number,
  rightward: boolean,
): void {
  const color = sampleColor(random, style.car);
  const paint = (tone: Rgb) => paintOf("car", tone, z);
  const flip = rightward ? 1 : -1;
  const outline = (points: readonly (readonly [number, number])[]): Point3[] =>
    points.map(([along, up]) => [x + flip * along, up, z]);
  shadeGround(camera, x, 2.2, [z - 0.2, z + 1.4], 0.55);
  paintPolygon(
    camera,
    outline([
      [-2.1, 0.3],
      [2.1, 0.3],
      [2.1, 0.75],
      [1.2, 0.92],
      [0.5, 1.45],
      [-1.1, 1.45],
      [-1.8, 0.95],
      [-2.1, 0.9],
    ]),
    paint(color),
  );
  const front = outline([[1, 0.92], [0.42, 1.36], [-0.2, 1.36], [-0.2, 0.92]]);
  const rear = outline([[-0.3, 0.92], [-0.3, 1.36], [-1.05, 1.36], [-1.5, 0.96]]);
  paintPolygon(camera, front, paint(GLASS_COLOR));
  paintPolygon(camera, rear, paint(GLASS_COLOR));
  for (const wheel of [-1.3, 1.3]) {
    paintEllipse(camera, [x + wheel, 0.33, z], 0.36, 0.36, paint(TIRE_COLOR));
    paintEllipse(camera, [x + wheel, 0.33, z], 0.16, 0.16, paint([150, 152, 156]));
  }
}

// A wheel seen from the street: round in the plane of the car's side.
function paintWheel(camera: Camera, x: number, z: number, paint: Paint): void {
  const places = Array.from({ length: 10 }, (_, i): Point3 => {
    const angle = 2 * Math.PI * i / 10;
    return [x, 0.33 + 0.34 * Math.sin(angle), z + 0.34 * Math.cos(angle)];
  });
  paintPolygon(camera, places, paint);
}

/** Paints a person who stands or walks at `base`. */
export function paintPerson(
  { camera, style, random }: SceneContext,
  [x, y, z]: Point3,
): void {
  const height = 1.5 + random.uniform() * 0.4;
  const stride = (random.uniform() - 0.5) * 0.5;
  const paint = (color: Rgb) => paintOf("person", color, z);
  const coat = sampleColor(random, style.clothes);
  const trousers = scaleColor(sampleColor(random, style.clothes), 0.7);
  const skin = sampleColor(random, style.skin);
  const hip = y + height * 0.47;
  const neck = y + height * 0.84;
  const thin = Math.max(0.16, z / camera.scale);

  shadeGround(camera, x, 0.3, [z - 0.15, z + 0.25], 0.7);
  for (const side of [-1, 1]) {
    const foot = x + side * 0.09 + side * stride;
    const top = x + side * 0.1;
    paintPolygon(camera, [
      [foot - thin / 2, y, z],
      [foot + thin / 2, y, z],
      [top + thin / 2, hip + 0.05, z],
      [top - thin / 2, hip + 0.05, z],
    ], paint(trousers));
    const shoulder = x + side * 0.26;
    const hand = shoulder + side * 0.06 - stride * 0.4;
    paintPolygon(camera, [
      [hand - 0.06, hip, z],
      [hand + 0.06, hip, z],
      [shoulder + 0.06, neck - 0.04, z],
      [shoulder - 0.06, neck - 0.04, z],
    ], paint(scaleColor(coat, 0.85)));
  }
  paintBillboard(camera, [x, hip, z], 0.46, neck - hip, paint(coat), 1.8);
  const radius = Math.max(0.13, 0.8 * z / camera.scale);
  const head = neck + radius * 0.9;
  paintEllipse(camera, [x, head, z], radius * 0.9, radius * 1.15, paint(skin));
  paintPolygon(camera, [
    [x - radius * 0.85, head + radius * 0.3, z],
    [x + radius * 0.85, head + radius * 0.3, z],
    [x + radius * 0.5, head + radius * 1.15, z],
    [x - radius * 0.5, head + radius * 1.15, z],
  ], paint([54, 42, 36]));
}

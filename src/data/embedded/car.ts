/** Cars, along the street and across it. @module */

import type { Random } from "../../core/random.ts";
import {
  type Camera,
  paintEllipse,
  paintPlane,
  paintUpright,
  type Place,
  shadePlane,
} from "./camera.ts";
import { type Paint, type Rgb, scaled } from "./canvas.ts";
import { ID } from "./classes.ts";
import { pick, type Style } from "./style.ts";

/** Half a car's width, in metres. */
const HALF = 0.9;
/** A car's length, in metres. */
const LENGTH = 4.2;
const TYRE: Rgb = [28, 28, 30];
const GLASS: Rgb = [62, 78, 92];

/**
 * Paints a car on the street.
 *
 * @param x The middle of the car.
 * @param z Its near end.
 * @param ahead Whether it shows its tail, not its face.
 */
export function paintCar(
  camera: Camera,
  x: number,
  z: number,
  ahead: boolean,
  style: Style,
  random: Random,
): void {
  const color = pick(random, style.car);
  const van = random.uniform() < 0.2;
  const belt = van ? 1.1 : 0.88;
  const roof = van ? 2.1 : 1.45;
  const paint = (tone: Rgb, distance = z): Paint => ({
    id: ID.car,
    color: tone,
    distance,
  });
  const far = z + LENGTH;
  // The side that faces the camera.
  const flank = x > camera.x ? x - HALF : x + HALF;
  const inward = x > camera.x ? 0.12 : -0.12;

  shadePlane(camera, [
    [x - HALF - 0.15, 0, z - 0.2],
    [x + HALF + 0.15, 0, z - 0.2],
    [x + HALF + 0.15, 0, far],
    [x - HALF - 0.15, 0, far],
  ], 0.55);

  const cabin: readonly [number, number, number, number] = van
    ? [0.1, 0.2, 3.1, 3.7]
    : ahead
    ? [0.3, 0.9, 2.5, 3.2]
    : [1, 1.7, 3.3, 3.9];
  const [sill1, top1, top2, sill2] = cabin;
  const mid = z + LENGTH / 2;
  paintPlane(camera, [
    [flank, 0.28, z],
    [flank, 0.28, far],
    [flank, belt, far],
    [flank, belt, z],
  ], paint(scaled(color, 0.78), mid));
  const side = (low: number, high: number, inset: number): Place[] => [
    [flank, low, z + sill1 + inset],
    [flank, low, z + sill2 - inset],
    [flank + inward, high, z + top2 - inset],
    [flank + inward, high, z + top1 + inset],
  ];
  paintPlane(camera, side(belt, roof, 0), paint(scaled(color, 0.78), mid));
  paintPlane(camera, side(belt + 0.05, roof - 0.1, 0.2), paint(GLASS, mid));
  for (const wheel of [z + 0.8, z + LENGTH - 0.9]) {
    paintWheel(camera, flank, wheel, paint(TYRE, wheel));
  }

  // The end that faces the camera.
  for (const wheel of [x - HALF + 0.16, x + HALF - 0.16]) {
    paintUpright(camera, [wheel, 0, z], 0.26, 0.5, paint(TYRE));
  }
  const end = z + sill1;
  paintPlane(camera, [
    [x - HALF + 0.04, belt, end],
    [x + HALF - 0.04, belt, end],
    [x + HALF - 0.16, roof, z + top1],
    [x - HALF + 0.16, roof, z + top1],
  ], paint(color));
  paintPlane(camera, [
    [x - HALF + 0.18, belt + 0.04, end],
    [x + HALF - 0.18, belt + 0.04, end],
    [x + HALF - 0.26, roof - 0.1, z + top1],
    [x - HALF + 0.26, roof - 0.1, z + top1],
  ], paint(scaled(GLASS, 1.1)));
  // Bonnet or boot.
  paintPlane(camera, [
    [x - HALF, belt, z],
    [x + HALF, belt, z],
    [x + HALF - 0.04, belt, end],
    [x - HALF + 0.04, belt, end],
  ], paint(scaled(color, 1.12)));
  paintUpright(camera, [x, 0.28, z], 2 * HALF, belt - 0.28, paint(color));
  paintUpright(camera, [x, 0.28, z], 2 * HALF, 0.16, paint(scaled(color, 0.6)));
  const light: Rgb = ahead ? [190, 24, 24] : [250, 244, 214];
  for (const lamp of [x - HALF + 0.22, x + HALF - 0.22]) {
    paintUpright(camera, [lamp, belt - 0.32, z], 0.3, 0.18, paint(light));
  }
  paintUpright(camera, [x, 0.46, z], 0.5, 0.14, paint([226, 226, 214]));
}

/** Paints a car that crosses the street, its middle at `x`, `z`; nose to the right or left. */
export function paintCrossingCar(
  camera: Camera,
  x: number,
  z: number,
  rightward: boolean,
  style: Style,
  random: Random,
): void {
  const color = pick(random, style.car);
  const paint = (tone: Rgb): Paint => ({ id: ID.car, color: tone, distance: z });
  const flip = rightward ? 1 : -1;
  const outline = (points: readonly (readonly [number, number])[]): Place[] =>
    points.map(([along, up]) => [x + flip * along, up, z]);
  shadePlane(camera, [
    [x - 2.2, 0, z - 0.2],
    [x + 2.2, 0, z - 0.2],
    [x + 2.2, 0, z + 1.4],
    [x - 2.2, 0, z + 1.4],
  ], 0.55);
  paintPlane(
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
  paintPlane(camera, outline([[1, 0.92], [0.42, 1.36], [-0.2, 1.36], [-0.2, 0.92]]), {
    ...paint(GLASS),
  });
  paintPlane(camera, outline([[-0.3, 0.92], [-0.3, 1.36], [-1.05, 1.36], [-1.5, 0.96]]), {
    ...paint(GLASS),
  });
  for (const wheel of [-1.3, 1.3]) {
    paintEllipse(camera, [x + wheel, 0.33, z], 0.36, 0.36, paint(TYRE));
    paintEllipse(camera, [x + wheel, 0.33, z], 0.16, 0.16, paint([150, 152, 156]));
  }
}

// A wheel seen from the street: round in the plane of the car's side.
function paintWheel(camera: Camera, x: number, z: number, paint: Paint): void {
  const places = Array.from({ length: 10 }, (_, i): Place => {
    const angle = 2 * Math.PI * i / 10;
    return [x, 0.33 + 0.34 * Math.sin(angle), z + 0.34 * Math.cos(angle)];
  });
  paintPlane(camera, places, paint);
}

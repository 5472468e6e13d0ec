/**
 * A pinhole camera in a street. The world is measured in metres: x to the right from the
 * middle of the road, y up from the ground, z ahead.
 *
 * @module
 */

import type { Size } from "../resize.ts";
import {
  type Canvas,
  fillPolygon,
  type Paint,
  type Point,
  shadePolygon,
} from "./canvas.ts";

/** Where a camera stands and how it looks; independent of the picture's size. */
export interface View {
  /** Focal length, in heights of the picture. */
  readonly focal: number;
  /** Row of the horizon in the middle of the picture, in heights from the top. */
  readonly horizon: number;
  /** Column where the street vanishes, in widths from the left. */
  readonly vanishing: number;
  /** Metres above the ground. */
  readonly eye: number;
  /** Metres right of the middle of the road. */
  readonly x: number;
  /** Tilt to the right, in radians. */
  readonly roll: number;
}

/** A place in the world: x, y, z in metres. */
export type Place = readonly [number, number, number];

/** A view of a canvas. */
export interface Camera extends View {
  readonly canvas: Canvas;
  /** Pixels per metre at a distance of one metre. */
  readonly scale: number;
}

/** Nothing nearer is drawn, in metres. */
export const NEAREST = 0.8;

/** Points a camera at a canvas. */
export function createCamera(view: View, canvas: Canvas): Camera {
  return { ...view, canvas, scale: view.focal * canvas.height };
}

/** Where a place appears. */
export function project(camera: Camera, [x, y, z]: Place): Point {
  const { canvas, scale } = camera;
  const near = Math.max(z, NEAREST);
  return turned(camera, [
    camera.vanishing * canvas.width + scale * (x - camera.x) / near,
    camera.horizon * canvas.height + scale * (camera.eye - y) / near,
  ], camera.roll);
}

/** Visits every pixel below the horizon: its number, and where its ground is. */
export function forEachGround(
  camera: Camera,
  visit: (at: number, x: number, z: number) => void,
): void {
  const { canvas, scale } = camera;
  const { height, width } = canvas;
  // The inverse of `turned`, written out: it runs once per pixel.
  const cos = Math.cos(camera.roll);
  const sin = Math.sin(camera.roll);
  for (let row = 0; row < height; row++) {
    const dy = row + 0.5 - height / 2;
    for (let column = 0; column < width; column++) {
      const dx = column + 0.5 - width / 2;
      const drop = (0.5 - camera.horizon) * height - sin * dx + cos * dy;
      if (drop <= 0) continue;
      const z = scale * camera.eye / drop;
      const aside = (0.5 - camera.vanishing) * width + cos * dx + sin * dy;
      visit(row * width + column, camera.x + aside * z / scale, z);
    }
  }
}

/** Paints a polygon of the world. */
export function paintPlane(camera: Camera, places: readonly Place[], paint: Paint): void {
  fillPolygon(camera.canvas, places.map((place) => project(camera, place)), paint);
}

/** Darkens a polygon of the world. */
export function shadePlane(
  camera: Camera,
  places: readonly Place[],
  factor: number,
): void {
  shadePolygon(camera.canvas, places.map((place) => project(camera, place)), factor);
}

/**
 * Paints an upright rectangle that faces the camera, at least as wide as needed to be seen.
 *
 * @param base The middle of its lower edge.
 * @param width In metres.
 * @param pixels The least width on the canvas.
 */
export function paintUpright(
  camera: Camera,
  base: Place,
  width: number,
  height: number,
  paint: Paint,
  pixels = 0,
): void {
  const [x, y, z] = base;
  const half = Math.max(width, pixels * z / camera.scale) / 2;
  paintPlane(camera, [
    [x - half, y, z],
    [x + half, y, z],
    [x + half, y + height, z],
    [x - half, y + height, z],
  ], paint);
}

/** Corners of the polygon that stands for a circle. */
const CORNERS = 14;

/** Paints an ellipse that faces the camera. */
export function paintEllipse(
  camera: Camera,
  [x, y, z]: Place,
  radiusX: number,
  radiusY: number,
  paint: Paint,
): void {
  const places = Array.from({ length: CORNERS }, (_, i): Place => {
    const angle = 2 * Math.PI * i / CORNERS;
    return [x + radiusX * Math.cos(angle), y + radiusY * Math.sin(angle), z];
  });
  paintPlane(camera, places, paint);
}

// Turns a point around the middle of the picture.
function turned({ canvas }: { canvas: Size }, [x, y]: Point, angle: number): Point {
  if (angle === 0) return [x, y];
  const dx = x - canvas.width / 2;
  const dy = y - canvas.height / 2;
  const cos = Math.cos(angle);
  const sin = Math.sin(angle);
  return [
    canvas.width / 2 + cos * dx - sin * dy,
    canvas.height / 2 + sin * dx + cos * dy,
  ];
}

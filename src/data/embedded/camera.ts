/**
 * A pinhole camera in a street. The world is measured in metres: x to the right from the
 * middle of the road, y up from the ground, z ahead.
 *
 * @module
 */

import type { Size } from "../../core/host_batch.ts";
import {
  type Canvas,
  fillPolygon,
  type Paint,
  type Point2,
  shadePolygon,
} from "./canvas.ts";

/** Where a camera stands and how it looks; independent of the image's size. */
export interface CameraPose {
  /** Focal length, in heights of the image. */
  readonly focalLength: number;
  /** Row of the horizon in the middle of the image, in heights from the top. */
  readonly horizon: number;
  /** Column where the street vanishes, in widths from the left. */
  readonly vanishingPoint: number;
  /** Metres above the ground. */
  readonly height: number;
  /** Metres right of the middle of the road. */
  readonly x: number;
  /** Tilt to the right, in radians. */
  readonly roll: number;
}

/** A place in the world: x, y, z in metres. */
export type Point3 = readonly [number, number, number];

/** A view of a canvas. */
export interface Camera extends CameraPose {
  readonly canvas: Canvas;
  /** Pixels per metre at a distance of one metre. */
  readonly scale: number;
}

/** Nothing nearer is drawn, in metres. */
export const NEAR_PLANE = 0.8;

/** Points a camera at a canvas. */
export function createCamera(view: CameraPose, canvas: Canvas): Camera {
  return { ...view, canvas, scale: view.focalLength * canvas.height };
}

/** Where a place appears. */
export function project(camera: Camera, [x, y, z]: Point3): Point2 {
  const { canvas, scale } = camera;
  const near = Math.max(z, NEAR_PLANE);
  return rotatePoint(camera, [
    camera.vanishingPoint * canvas.width + scale * (x - camera.x) / near,
    camera.horizon * canvas.height + scale * (camera.height - y) / near,
  ], camera.roll);
}

/** Visits every pixel below the horizon: its number, and where its ground is. */
export function forEachGroundPixel(
  camera: Camera,
  visit: (at: number, x: number, z: number) => void,
): void {
  const { canvas, scale } = camera;
  const { height, width } = canvas;
  // The inverse of `rotatePoint`, written out: it runs once per pixel.
  const cos = Math.cos(camera.roll);
  const sin = Math.sin(camera.roll);
  for (let row = 0; row < height; row++) {
    const dy = row + 0.5 - height / 2;
    for (let column = 0; column < width; column++) {
      const dx = column + 0.5 - width / 2;
      const drop = (0.5 - camera.horizon) * height - sin * dx + cos * dy;
      if (drop <= 0) continue;
      const z = scale * camera.height / drop;
      const lateral = (0.5 - camera.vanishingPoint) * width + cos * dx + sin * dy;
      visit(row * width + column, camera.x + lateral * z / scale, z);
    }
  }
}

/** Paints a polygon of the world. */
export function paintPolygon(
  camera: Camera,
  places: readonly Point3[],
  paint: Paint,
): void {
  fillPolygon(camera.canvas, places.map((place) => project(camera, place)), paint);
}

/** Darkens a polygon of the world. */
export function shadeWorldPolygon(
  camera: Camera,
  places: readonly Point3[],
  factor: number,
): void {
  shadePolygon(camera.canvas, places.map((place) => project(camera, place)), factor);
}

/** Darkens the ground below a thing that reaches `half` metres to both sides of `x`. */
export function shadeGround(
  camera: Camera,
  x: number,
  half: number,
  [near, far]: readonly [number, number],
  factor: number,
): void {
  shadeWorldPolygon(camera, [
    [x - half, 0, near],
    [x + half, 0, near],
    [x + half, 0, far],
    [x - half, 0, far],
  ], factor);
}

/**
 * Paints an upright rectangle that faces the camera, at least as wide as needed to be seen.
 *
 * @param base The middle of its lower edge.
 * @param width In metres.
 * @param minPixels The least width on the canvas.
 */
export function paintBillboard(
  camera: Camera,
  base: Point3,
  width: number,
  height: number,
  paint: Paint,
  minPixels = 0,
): void {
  const [x, y, z] = base;
  const half = Math.max(width, minPixels * z / camera.scale) / 2;
  paintPolygon(camera, [
    [x - half, y, z],
    [x + half, y, z],
    [x + half, y + height, z],
    [x - half, y + height, z],
  ], paint);
}

/** Corners of the polygon that stands for a circle. */
const ELLIPSE_CORNERS = 14;

/** Paints an ellipse that faces the camera. */
export function paintEllipse(
  camera: Camera,
  [x, y, z]: Point3,
  radiusX: number,
  radiusY: number,
  paint: Paint,
): void {
  const places = Array.from({ length: ELLIPSE_CORNERS }, (_, i): Point3 => {
    const angle = 2 * Math.PI * i / ELLIPSE_CORNERS;
    return [x + radiusX * Math.cos(angle), y + radiusY * Math.sin(angle), z];
  });
  paintPolygon(camera, places, paint);
}

// Turns a point around the middle of the image.
function rotatePoint(
  { canvas }: { canvas: Size },
  [x, y]: Point2,
  angle: number,
): Point2 {
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

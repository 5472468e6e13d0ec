/** A sheet of samples beside their labels, with the colours of the classes. @module */

import type { ClassInfo } from "../core/host_batch.ts";
import { colorize, overlay } from "./label_picture.ts";
import { type Cell, drawSheet } from "./picture.ts";

/** Small pictures of a split; see the engine's `PartPictures`. */
interface Pictures {
  readonly part: string;
  readonly classes: readonly ClassInfo[];
  readonly thumbnails: readonly {
    readonly name: string;
    readonly width: number;
    readonly height: number;
    /** [H, W, 3] */
    readonly rgb: Uint8Array;
    /** [H, W] */
    readonly labels: Uint8Array;
  }[];
}

/** Samples in a row of the sheet. */
const IN_A_ROW = 4;

/** How much of a label's colour is laid over its picture. */
const OPACITY = 0.7;

/** Of a class in the legend, in pixels. */
const SWATCH = { width: 64, height: 14 };

/**
 * Draws each sample beside itself under the colours of its label; pixels without a class
 * stay as they are. Below, every class that occurs in them with its colour.
 *
 * @returns A PNG file.
 * @throws {RangeError} If there is no sample.
 */
export function contactSheet(parts: readonly Pictures[]): Uint8Array {
  const pairs = parts.flatMap(({ part, classes, thumbnails }) =>
    thumbnails.map((one): Cell[] => {
      const { width, height, rgb, labels } = one;
      const laid = overlay(rgb, labels, classes, OPACITY);
      return [
        { title: one.name, width, height, rgb },
        { title: part, width, height, rgb: laid },
      ];
    })
  );
  if (pairs.length === 0) {
    throw new RangeError(
      "Cannot draw a sheet: no picture with a label can be read; what is wrong is listed",
    );
  }
  return drawSheet([
    ...inRows(pairs, IN_A_ROW).map((row) => row.flat()),
    ...legend(parts),
  ]);
}

function legend(parts: readonly Pictures[]): Cell[][] {
  const seen = new Map<string, Cell>();
  for (const { classes, thumbnails } of parts) {
    const present = new Set(thumbnails.flatMap(({ labels }) => [...new Set(labels)]));
    for (const [id, { name }] of classes.entries()) {
      if (!present.has(id)) continue;
      const pixels = new Uint8Array(SWATCH.width * SWATCH.height).fill(id);
      seen.set(name, { title: name, ...SWATCH, rgb: colorize(pixels, classes) });
    }
  }
  return inRows([...seen.values()], 2 * IN_A_ROW);
}

function inRows<One>(all: readonly One[], length: number): One[][] {
  return Array.from(
    { length: Math.ceil(all.length / length) },
    (_, row) => all.slice(row * length, (row + 1) * length),
  );
}

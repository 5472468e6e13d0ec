/**
 * The table of biases per relative position inside a square window, and its index.
 *
 * Source: Liu et al., "Swin Transformer" (ICCV 2021), https://arxiv.org/abs/2103.14030,
 * section 3.2.
 *
 * @module
 */
import type { Constant, Parameter } from "../core/network.ts";
import { parameter } from "./parameter.ts";
import { resizePositionTable } from "./resize_position_table.ts";

/** Positions that two pixels of a window can have to each other, per axis. */
export const positionsPerAxis = (window: number) => 2 * window - 1;

/**
 * Declares the table; one of another window is resized to fit.
 *
 * @param name Of the module; the parameter is `<name>.relative_position_bias_table`
 * [(2·window − 1)², heads].
 */
export function relativePositionTable(
  name: string,
  window: number,
  heads: number,
): Parameter {
  const side = positionsPerAxis(window);
  const table = parameter(
    `${name}.relative_position_bias_table`,
    [side ** 2, heads],
    "plain",
    { kind: "truncated-normal", deviation: 0.02 },
  );
  return { ...table, fit: (value) => resizePositionTable(value, side, heads) };
}

/**
 * Declares what PyTorch keeps beside it: the entry of every pair of pixels,
 * index[p, q] = (py − qy + w − 1)·(2w − 1) + (px − qx + w − 1).
 *
 * @param name Of the module; the constant is `<name>.relative_position_index`
 * [window², window²].
 */
export function relativePositionIndex(name: string, window: number): Constant {
  return {
    name: `${name}.relative_position_index`,
    value() {
      const pixels = window ** 2;
      const side = positionsPerAxis(window);
      // An entry is linear in the place of p minus that of q.
      const place = (p: number) => Math.floor(p / window) * side + p % window;
      const centre = (window - 1) * (side + 1);
      const index = BigInt64Array.from(
        { length: pixels ** 2 },
        (_, k) => BigInt(place(Math.floor(k / pixels)) - place(k % pixels) + centre),
      );
      return {
        dtype: "I64",
        shape: [pixels, pixels],
        bytes: new Uint8Array(index.buffer),
      };
    },
  };
}

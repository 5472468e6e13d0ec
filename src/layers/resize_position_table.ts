import type { HostTensor } from "../core/host_tensor.ts";

// Keys' kernel with the parameter that PyTorch and OpenCV use.
const A = -0.75;

/** The four source pixels of a target pixel, and their weights. */
type Taps = readonly (readonly [source: number, weight: number])[];

/**
 * Resizes a table of relative positions to that of another window, each head on its own.
 *
 * Bicubic as PyTorch's `interpolate(mode="bicubic", align_corners=False)`: centre of the
 * source pixel = (target + ½)·in/out − ½, Keys' kernel with A = −0.75, indices clamped to
 * the border, no antialiasing; computed in float64.
 *
 * Source: mmsegmentation, `mmseg/models/backbones/swin.py`, where pretrained weights are
 * loaded.
 *
 * @param value Float32. [S², heads]
 * @param side S′, positions per axis of the result.
 * @param heads As many as the table must have.
 * @returns [S′², heads], or null if the value is no such table.
 */
export function resizePositionTable(
  value: HostTensor,
  side: number,
  heads: number,
): HostTensor | null {
  const [entries = 0, columns] = value.shape;
  const from = Math.sqrt(entries);
  const table = value.shape.length === 2 && entries > 0 && Number.isInteger(from);
  if (value.dtype !== "F32" || !table || columns !== heads) return null;
  const cells = new Float32Array(value.bytes.slice().buffer);
  const resized = new Float32Array(side ** 2 * heads);
  const taps = Array.from({ length: side }, (_, target) => tapsOf(target, from, side));
  let at = 0;
  for (const rows of taps) {
    for (const cols of taps) {
      for (let head = 0; head < heads; head++) {
        let sum = 0;
        for (const [row, down] of rows) {
          for (const [col, right] of cols) {
            sum += down * right * (cells[(row * from + col) * heads + head] ?? NaN);
          }
        }
        resized[at++] = sum;
      }
    }
  }
  return {
    dtype: "F32",
    shape: [side ** 2, heads],
    bytes: new Uint8Array(resized.buffer),
  };
}

function tapsOf(target: number, from: number, to: number): Taps {
  const centre = (target + 0.5) * from / to - 0.5;
  const first = Math.floor(centre) - 1;
  return Array.from({ length: 4 }, (_, i) => {
    const source = Math.min(Math.max(first + i, 0), from - 1);
    return [source, keys(centre - first - i)] as const;
  });
}

// The weight of a pixel at some distance.
function keys(distance: number): number {
  const d = Math.abs(distance);
  if (d <= 1) return ((A + 2) * d - (A + 3)) * d * d + 1;
  return d < 2 ? ((A * d - 5 * A) * d + 8 * A) * d - 4 * A : 0;
}

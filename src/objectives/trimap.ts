/**
 * The band along the boundaries of a label map, where predictions are hardest.
 *
 * A pixel belongs to it if another label, ignored pixels included, occurs among the
 * (2·radius + 1)² pixels around it. Pixels beyond the border of the map are no label.
 *
 * Source: Kohli et al., "Robust Higher Order Potentials for Enforcing Label Consistency"
 * (IJCV 2009), section 6; on PASCAL VOC, boundaries are the ignored outlines of objects.
 *
 * @module
 */

/** Sums over rectangles that begin at the top left corner, with a row and column of 0. */
function summedAreaTable(
  height: number,
  width: number,
  at: (y: number, x: number) => boolean,
): Uint32Array {
  const sums = new Uint32Array((height + 1) * (width + 1));
  for (let y = 0; y < height; y++) {
    let row = 0;
    for (let x = 0; x < width; x++) {
      if (at(y, x)) row++;
      sums[(y + 1) * (width + 1) + x + 1] = (sums[y * (width + 1) + x + 1] ?? 0) + row;
    }
  }
  return sums;
}

/**
 * Marks the band.
 *
 * @param labels Class ids, 255 ignored. [H, W]
 * @param radius In pixels, 1 or more.
 * @returns 1 in the band, 0 elsewhere. [H, W]
 */
export function trimapMask(
  labels: ArrayLike<number>,
  { height, width }: { readonly height: number; readonly width: number },
  radius: number,
): Uint8Array {
  // A window holds one label exactly if no two neighbors in it differ.
  const differs = (step: number) => (y: number, x: number) =>
    labels[y * width + x] !== labels[y * width + x + step];
  const across = summedAreaTable(height, Math.max(0, width - 1), differs(1));
  const down = summedAreaTable(Math.max(0, height - 1), width, differs(width));
  const count = (
    sums: Uint32Array,
    columns: number,
    [top, left, bottom, right]: readonly [number, number, number, number],
  ) => {
    const at = (y: number, x: number) => sums[y * (columns + 1) + x] ?? 0;
    return at(bottom, right) - at(top, right) - at(bottom, left) + at(top, left);
  };
  const band = new Uint8Array(height * width);
  for (let y = 0; y < height; y++) {
    const top = Math.max(0, y - radius);
    const bottom = Math.min(height, y + radius + 1);
    for (let x = 0; x < width; x++) {
      const left = Math.max(0, x - radius);
      const right = Math.min(width, x + radius + 1);
      const changes =
        count(across, Math.max(0, width - 1), [top, left, bottom, right - 1]) +
        count(down, width, [top, left, bottom - 1, right]);
      band[y * width + x] = changes > 0 ? 1 : 0;
    }
  }
  return band;
}

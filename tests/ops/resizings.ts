/** Sizes of maps of logits and of what they are resized to. @module */

/**
 * Upsampling by whole and by odd factors, to one side only, not at all, from and to one
 * pixel, and shrinking.
 */
export const RESIZINGS:
  readonly (readonly [from: [number, number], to: [number, number]])[] = [
    [[3, 4], [12, 16]],
    [[3, 2], [7, 13]],
    [[4, 4], [4, 9]],
    [[5, 3], [5, 3]],
    [[1, 1], [6, 5]],
    [[1, 3], [9, 1]],
    [[9, 7], [4, 2]],
  ];

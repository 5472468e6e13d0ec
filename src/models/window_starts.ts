/** Where windows begin; the last one is shifted back to end with the picture, in pixels. */
export function windowStarts(length: number, window: number, stride: number): number[] {
  const count = Math.floor((Math.max(length - window, 0) + stride - 1) / stride) + 1;
  return Array.from(
    { length: count },
    (_, i) => Math.max(0, Math.min(i * stride, length - window)),
  );
}

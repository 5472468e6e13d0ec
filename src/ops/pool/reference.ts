// deno-lint-ignore-file no-non-null-assertion -- indices are in bounds by construction
import type { Arrays, UniformsOf } from "../../gpu/kernel.ts";
import { MAP_UNIFORMS } from "../map_sizes.ts";

/** Uniforms of an average pool; `window` 0 means adaptive bins. */
export const AVERAGE_POOL_UNIFORMS = {
  ...MAP_UNIFORMS,
  window: "u32",
  stride: "u32",
} as const;

/** Sizes of one average pool of NHWC maps. */
export type AveragePoolSizes = UniformsOf<typeof AVERAGE_POOL_UNIFORMS>;

/** y = mean of each bin of x. */
export function averagePoolReference(
  { x, y }: Arrays<"x" | "y">,
  sizes: AveragePoolSizes,
): void {
  y.fill(0);
  forEachPixel(sizes, x.length, (at, output, weight, C) => {
    for (let c = 0; c < C; c++) y[output + c]! += x[at + c]! * weight;
  });
}

/** dx = what each input pixel gave to the means. */
export function averagePoolGradientReference(
  { dy, dx }: Arrays<"dy" | "dx">,
  sizes: AveragePoolSizes,
): void {
  dx.fill(0);
  forEachPixel(sizes, dx.length, (at, output, weight, C) => {
    for (let c = 0; c < C; c++) dx[at + c]! += dy[output + c]! * weight;
  });
}

// Visits every pixel of every bin: the offsets of its channels and its weight in the mean.
function forEachPixel(
  { height, width, channels: C, outHeight, outWidth, window, stride }: AveragePoolSizes,
  length: number,
  visit: (at: number, output: number, weight: number, C: number) => void,
): void {
  const images = length / (height * width * C);
  const bin = (i: number, inputs: number, outputs: number) =>
    window === 0
      ? [Math.floor(i * inputs / outputs), Math.ceil((i + 1) * inputs / outputs)] as const
      : [i * stride, i * stride + window] as const;
  let output = 0;
  for (let b = 0; b < images; b++) {
    for (let ty = 0; ty < outHeight; ty++) {
      const [top, bottom] = bin(ty, height, outHeight);
      for (let tx = 0; tx < outWidth; tx++, output += C) {
        const [left, right] = bin(tx, width, outWidth);
        const weight = 1 / ((bottom - top) * (right - left));
        for (let row = top; row < bottom; row++) {
          for (let col = left; col < right; col++) {
            visit(((b * height + row) * width + col) * C, output, weight, C);
          }
        }
      }
    }
  }
}

/** Uniforms of a max pool. */
export const MAX_POOL_UNIFORMS = {
  ...MAP_UNIFORMS,
  window: "u32",
  stride: "u32",
  padding: "u32",
} as const;

/** Sizes of one max pool of NHWC maps; `window` is the side of the window. */
export type MaxPoolSizes = UniformsOf<typeof MAX_POOL_UNIFORMS>;

/** y = maximum of each window; indices = row · W + column of the first such pixel. */
export function maxPoolReference(
  { x, y, indices }: Arrays<"x" | "y" | "indices">,
  sizes: MaxPoolSizes,
): void {
  const { width, channels: C } = sizes;
  let i = 0;
  forEachWindow(sizes, x.length, ({ image, top, bottom, left, right }) => {
    for (let c = 0; c < C; c++, i++) {
      let index = top * width + left;
      let best = x[(image + index) * C + c]!;
      for (let row = top; row < bottom; row++) {
        for (let col = left; col < right; col++) {
          const value = x[(image + row * width + col) * C + c]!;
          if (value > best) {
            best = value;
            index = row * width + col;
          }
        }
      }
      y[i] = best;
      indices[i] = index;
    }
  });
}

/** dx = the gradient of every window, at the pixel that was its maximum. */
export function maxPoolGradientReference(
  { dy, indices, dx }: Arrays<"dy" | "indices" | "dx">,
  { height, width, channels: C, outHeight, outWidth }: MaxPoolSizes,
): void {
  dx.fill(0);
  const perImage = outHeight * outWidth * C;
  for (let i = 0; i < dy.length; i++) {
    const image = Math.floor(i / perImage) * height * width;
    dx[(image + indices[i]!) * C + i % C]! += dy[i]!;
  }
}

/** A window without its padding; `image` is the first pixel of its image. */
type PoolingWindow = Readonly<
  Record<"image" | "top" | "bottom" | "left" | "right", number>
>;

// Visits the windows of all images in row-major order.
function forEachWindow(
  { height, width, channels, outHeight, outWidth, window, stride, padding }: MaxPoolSizes,
  length: number,
  visit: (window: PoolingWindow) => void,
): void {
  for (let image = 0; image < length / channels; image += height * width) {
    for (let ty = 0; ty < outHeight; ty++) {
      const top = Math.max(ty * stride - padding, 0);
      const bottom = Math.min(ty * stride - padding + window, height);
      for (let tx = 0; tx < outWidth; tx++) {
        const left = Math.max(tx * stride - padding, 0);
        const right = Math.min(tx * stride - padding + window, width);
        visit({ image, top, bottom, left, right });
      }
    }
  }
}

/** Kernels that bring NHWC maps to another size, and their gradients. @module */
import type * as tf from "../core/tf.ts";
import { type Cells, type Kernel, launchOne } from "./kernel.ts";

/** The sizes that every such kernel has, in the order of the shaders' structs. */
export interface MapSizes {
  /** H */
  readonly height: number;
  /** W */
  readonly width: number;
  /** C */
  readonly channels: number;
  /** OH */
  readonly outHeight: number;
  /** OW */
  readonly outWidth: number;
}

/** A forward pass and its gradient, each with one invocation per element of its result. */
export interface Resampling<S extends MapSizes> {
  /** @returns x at the other size. [B, OH, OW, C] */
  forward(x: tf.Tensor, sizes: S): tf.Tensor;
  /** @returns d(loss)/dx. [B, H, W, C] */
  gradient(dy: tf.Tensor, sizes: S): tf.Tensor;
}

/** One of the two directions, written twice. */
export interface Direction<S> {
  readonly shader: string;
  twin(input: Cells, output: Cells, sizes: S): void;
}

/**
 * Makes the two kernels.
 *
 * @param extra Uniforms beyond {@linkcode MapSizes}, all u32, in the order of the structs.
 */
export function resampling<S extends MapSizes>(
  name: string,
  extra: readonly Exclude<keyof S & string, keyof MapSizes>[],
  forward: Direction<S>,
  gradient: Direction<S>,
): Resampling<S> {
  const fields = [
    "count",
    "height",
    "width",
    "channels",
    "outHeight",
    "outWidth",
    ...extra,
  ];
  const uniforms = Object.fromEntries(fields.map((field) => [field, "u32" as const]));
  const kernel = (name: string, { shader, twin }: Direction<S>): Kernel => ({
    name,
    shader,
    uniforms,
    twin(sizes, inputs, outputs) {
      const [input] = inputs as [Cells];
      const [output] = outputs as [Cells];
      // These are the sizes that run() was given.
      twin(input, output, sizes as unknown as S);
    },
  });
  const run = (
    one: Kernel,
    input: tf.Tensor,
    sizes: S,
    height: number,
    width: number,
  ) => {
    const shape = [input.shape[0] ?? 0, height, width, sizes.channels];
    const count = shape.reduce((all, side) => all * side, 1);
    return launchOne(one, {
      // An interface has no index signature; its fields are numbers all the same.
      uniforms: { count, ...sizes as unknown as Record<string, number> },
      inputs: [input],
      outputs: [{ shape }],
      invocations: count,
    });
  };
  const ahead = kernel(name, forward);
  const back = kernel(`${name}Gradient`, gradient);
  return {
    forward: (x, sizes) => run(ahead, x, sizes, sizes.outHeight, sizes.outWidth),
    gradient: (dy, sizes) => run(back, dy, sizes, sizes.height, sizes.width),
  };
}

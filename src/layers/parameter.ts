/** Declaring the parameters of layers. @module */
import type { DerivedBuffer, Initializer, Layout, Parameter } from "../core/network.ts";

/** Declares a trained tensor. */
export function parameter(
  name: string,
  shape: readonly number[],
  layout: Layout,
  initializer: Initializer,
): Parameter {
  return { name, shape, layout, initializer, trainable: true };
}

/** Declares a trained vector that starts at one value. */
export function vectorParameter(name: string, size: number, value: number): Parameter {
  return parameter(name, [size], "plain", { kind: "constant", value });
}

/** Declares a buffer: a tensor that training updates without a gradient. */
export function buffer(
  name: string,
  shape: readonly number[],
  layout: Layout,
  value: number,
): Parameter {
  const initializer = { kind: "constant", value } as const;
  return { name, shape, layout, initializer, trainable: false };
}

/** The parameters of several layers, in order. */
export function parametersOf(
  ...layers: readonly { readonly parameters: readonly Parameter[] }[]
): readonly Parameter[] {
  return layers.flatMap(({ parameters }) => parameters);
}

/** The derived buffers of several layers, in order. */
export function derivedBuffersOf(
  ...layers: readonly { readonly derivedBuffers?: readonly DerivedBuffer[] }[]
): readonly DerivedBuffer[] {
  return layers.flatMap(({ derivedBuffers = [] }) => derivedBuffers);
}

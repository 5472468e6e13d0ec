/** Declaring the parameters of layers. @module */
import type { Constant, Initial, Layout, Parameter } from "../core/network.ts";

/** Declares a tensor that learns. */
export function parameter(
  name: string,
  shape: readonly number[],
  layout: Layout,
  initial: Initial,
): Parameter {
  return { name, shape, layout, initial, trained: true };
}

/** Declares a vector that learns and starts at one value. */
export function vector(name: string, size: number, value: number): Parameter {
  return parameter(name, [size], "plain", { kind: "constant", value });
}

/** Declares a tensor that is counted along, not learned. */
export function buffer(
  name: string,
  shape: readonly number[],
  layout: Layout,
  value: number,
): Parameter {
  const initial = { kind: "constant", value } as const;
  return { name, shape, layout, initial, trained: false };
}

/** The parameters of several layers, in order. */
export function parametersOf(
  ...layers: readonly { readonly parameters: readonly Parameter[] }[]
): readonly Parameter[] {
  return layers.flatMap(({ parameters }) => parameters);
}

/** The constants of several layers, in order. */
export function constantsOf(
  ...layers: readonly { readonly constants?: readonly Constant[] }[]
): readonly Constant[] {
  return layers.flatMap(({ constants = [] }) => constants);
}

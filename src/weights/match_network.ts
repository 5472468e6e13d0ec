/** The weights of a file for a network: exactly, or not at all. @module */

import type { HostTensor } from "../core/host_tensor.ts";
import type { Constant, Parameter } from "../core/network.ts";
import { pytorchShape } from "../core/weights.ts";
import { sameIntegers, toFloat32, toInt64 } from "./cast.ts";
import {
  type MatchedWeights,
  matchWeights,
  sameShape,
  type Tolerated,
} from "./mismatch.ts";

/** A network, or a part of one. */
export interface Wanted {
  readonly parameters: readonly Parameter[];
  /** @default {[]} */
  readonly constants?: readonly Constant[];
}

/** What was loaded, and what was done so that it fits: each worth a line of the log. */
export interface NetworkWeights extends MatchedWeights {
  /** Parameters that were brought to the network's shape. */
  readonly fitted: readonly string[];
  /** Parameters that were no float32 numbers. */
  readonly cast: readonly string[];
  /**
   * Counters of batches that the file lacks and that begin with 0: PyTorch has them since
   * 0.4.1.
   */
  readonly assumed: readonly string[];
}

const COUNTER = /num_batches_tracked$/;

/** The file's tensors but for the constants, which are asserted. */
function withoutConstants(
  found: ReadonlyMap<string, HostTensor>,
  constants: readonly Constant[],
  file: string,
): Map<string, HostTensor> {
  const rest = new Map(found);
  for (const { name, value } of constants) {
    const there = found.get(name);
    if (there === undefined) continue;
    rest.delete(name);
    const here = value();
    // Of another shape: it is for another window, for which its table is fitted too.
    if (sameShape(there.shape, here.shape) && !sameIntegers(there, here)) {
      throw new RangeError(
        `Cannot load "${file}": its "${name}" is another one than follows from its shape, ` +
          "so that its table has another order",
      );
    }
  }
  return rest;
}

/**
 * Takes from a file exactly what a network asks for.
 *
 * Numbers in other floating-point formats become float32; a value of another shape is
 * fitted where its parameter can do so; counters of batches may be missing beside the
 * statistics that they count for; constants may be missing, but not differ.
 *
 * @param found The file's tensors under our names, see `names/schemes.ts`.
 * @param file For messages.
 * @throws {WeightsMismatchError} If anything is missing, unexpected or of another shape
 * and not tolerated.
 * @throws {TypeError} If a weight has integers.
 * @throws {RangeError} If a weight is too large for float32, or a constant differs.
 */
export function matchNetwork(
  { parameters, constants = [] }: Wanted,
  found: ReadonlyMap<string, HostTensor>,
  file: string,
  tolerated: Tolerated = {},
): NetworkWeights {
  const adapted = withoutConstants(found, constants, file);
  const expected = new Map<string, readonly number[]>();
  const fitted: string[] = [];
  const cast: string[] = [];
  const assumed: string[] = [];
  for (const parameter of parameters) {
    const { name, layout, fit } = parameter;
    const shape = pytorchShape(parameter);
    expected.set(name, shape);
    const value = adapted.get(name);
    if (layout === "counter") {
      if (value !== undefined) adapted.set(name, toInt64(value));
      else if (adapted.has(name.replace(COUNTER, "running_mean"))) {
        adapted.set(name, { dtype: "I64", shape: [], bytes: new Uint8Array(8) });
        assumed.push(name);
      }
      continue;
    }
    if (value === undefined) continue;
    const float = toFloat32(value, name);
    if (float !== value) cast.push(name);
    const fits = sameShape(float.shape, shape) ? null : fit?.(float) ?? null;
    if (fits !== null) fitted.push(name);
    adapted.set(name, fits ?? float);
  }
  return { ...matchWeights(expected, adapted, file, tolerated), fitted, cast, assumed };
}

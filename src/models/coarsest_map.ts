import type * as tf from "../core/tf.ts";

/**
 * The last of an encoder's maps.
 *
 * @param widths Channels of the maps the head was built for, from fine to coarse.
 * @throws {RangeError} If there are more or fewer maps than that.
 */
export function coarsestOf(
  maps: readonly tf.Tensor4D[],
  widths: readonly number[],
): tf.Tensor4D {
  const coarsest = maps.at(-1);
  if (coarsest === undefined || maps.length !== widths.length) {
    throw new RangeError(
      `Cannot decode ${maps.length} maps: the head was built for ${widths.length}`,
    );
  }
  return coarsest;
}

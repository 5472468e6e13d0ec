import type * as tf from "../core/tf.ts";

/**
 * One of an encoder's maps.
 *
 * @param widths Channels of the maps the head was built for, from fine to coarse.
 * @param level Counted from 0 for the finest, or from −1 for the coarsest.
 * @throws {RangeError} If there are more or fewer maps than that, or none of that level.
 */
export function mapAt(
  maps: readonly tf.Tensor4D[],
  widths: readonly number[],
  level: number,
): tf.Tensor4D {
  const map = maps.at(level);
  if (map === undefined || maps.length !== widths.length) {
    throw new RangeError(
      `Cannot decode ${maps.length} maps: the head was built for ${widths.length}`,
    );
  }
  return map;
}

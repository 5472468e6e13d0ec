import type * as tf from "../core/tf.ts";
import { mapAt } from "./map_at.ts";

/**
 * The last of an encoder's maps.
 *
 * @param widths Channels of the maps the head was built for, from fine to coarse.
 * @throws {RangeError} If there are more or fewer maps than that.
 */
export const coarsestOf = (
  maps: readonly tf.Tensor4D[],
  widths: readonly number[],
): tf.Tensor4D => mapAt(maps, widths, -1);

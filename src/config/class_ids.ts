/** Classes by name or id. @module */

import type { ClassInfo } from "../core/host_batch.ts";
import { suggestion } from "./nearest.ts";

/**
 * Resolves classes that are given by name or by id.
 *
 * @param wanted Names and ids, in any order.
 * @param classes The classes of the data set, in the order of their ids.
 * @returns Their ids, each once, in the order given.
 * @throws {RangeError} If one is not a class of the data set.
 */
export function classIds(
  wanted: readonly (string | number)[],
  classes: readonly Pick<ClassInfo, "name">[],
): number[] {
  const names = classes.map(({ name }) => name);
  const ids = wanted.map((one) => {
    const id = typeof one === "number" ? one : names.indexOf(one);
    if (id >= 0 && id < names.length) return id;
    throw new RangeError(
      typeof one === "number"
        ? `Unknown class ${one}: ids are 0 … ${names.length - 1}`
        : `Unknown class "${one}"${suggestion(one, names)}`,
    );
  });
  return [...new Set(ids)];
}

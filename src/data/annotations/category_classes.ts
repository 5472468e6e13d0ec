/** From the names of annotated objects to classes. @module */

import { type ClassInfo, IGNORE_INDEX } from "../../core/host_batch.ts";
import type { CategoryMeaning } from "../data_spec.ts";
import { quoteNames } from "../source/file_source.ts";

/** What names stand for in a data set. */
export interface CategoryLookup {
  /** Class id, 255 to ignore, or undefined for a name that stands for nothing. */
  readonly idOf: (category: string) => number | undefined;
  /** Class id of pixels without an annotation, or 255. */
  readonly backgroundId: number;
  /**
   * Says that categories stand for nothing, and what to do.
   *
   * @param file In which they are.
   * @param counts How many objects each of them has; not empty.
   */
  readonly describeUnknown: (file: string, counts: ReadonlyMap<string, number>) => string;
}

/** The key of `categoryMap` for every name that is no other key, and no class. */
const ANY_OTHER = "*";

/** @throws {RangeError} If the map or the background names no class. */
export function createCategoryLookup(
  classes: readonly ClassInfo[],
  { categoryMap = null, background }: CategoryMeaning,
): CategoryLookup {
  const idsByName = new Map(classes.map(({ name }, id) => [name, id]));
  const classId = (name: string | null, key: string): number => {
    if (name === null) return IGNORE_INDEX;
    const id = idsByName.get(name);
    if (id !== undefined) return id;
    throw new RangeError(
      `Cannot use "${key}": "${name}" is none of the classes, ${
        quoteNames([...idsByName.keys()])
      }: name one of them, or null to ignore`,
    );
  };
  const ids = new Map(
    Object.entries(categoryMap ?? {}).map(([category, name]) => [
      category,
      classId(name, `categoryMap.${category}`),
    ]),
  );
  const ofOthers = ids.get(ANY_OTHER);
  return {
    idOf: (category) => ids.get(category) ?? idsByName.get(category) ?? ofOthers,
    backgroundId: classId(background, "background"),
    describeUnknown: (file, counts) => describeUnknown(file, counts, classes),
  };
}

function describeUnknown(
  file: string,
  counts: ReadonlyMap<string, number>,
  classes: readonly ClassInfo[],
): string {
  const named = [...counts].map(([name, count]) => `"${name}" (${count})`).join(", ");
  const [first = ""] = counts.keys();
  return `Cannot use "${file}": it has objects of ${named}, ` +
    `${counts.size === 1 ? "which is no class" : "which are no classes"} (known: ${
      quoteNames(classes.map(({ name }) => name))
    }): add what is missing to "classes", or map it in "categoryMap", as in ` +
    `{${JSON.stringify(first)}: class name, or null to ignore}`;
}

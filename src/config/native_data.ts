/** Data sets as they were downloaded, each with a folder of its own. @module */

import { NATIVE_CLASSES, NATIVE_SETS, type NativeSet } from "../core/known_classes.ts";
import { z } from "../core/zod.ts";
import { type CropConfig, cropFields, evaluationsOf } from "./crops.ts";

/** Images of one data set, all of its split unless `include` or `list` say otherwise. */
export interface NativeSplit {
  /** Which data set. */
  readonly set: NativeSet;
  /**
   * Its folder, which may hold the archives of the download; an archive; or an address of
   * one. `{000000..000012}` stands for several archives, `{split}` for the split's name.
   * Null: see {@linkcode nativeRoot}.
   */
  readonly root: string | null;
  /** As the data set names it; null where it has none, or a list says all. */
  readonly split: string | null;
  /** Stems to use, with `*` for any text. */
  readonly include: readonly string[];
  /**
   * A text file with one stem or path per line, from here, the configuration's folder or
   * the data set's, or one of `configs/splits`; null: no list.
   */
  readonly list: string | null;
  /**
   * "voc" only: the folder or archive of SBD, whose labels stand in where the data set has
   * none; null: where it lies in or beside the root.
   */
  readonly sbd: string | null;
}

/** Data sets in their native layouts; their classes follow from the sets. */
export interface NativeData extends CropConfig {
  /** Images and labels in files, as they were downloaded. */
  readonly kind: "native";
  /** A folder with one folder per data set, of its name; null: each has its own root. */
  readonly root: string | null;
  /** Images with labels. */
  readonly source: NativeSplit;
  /** Images without labels; null: the method needs none. */
  readonly target: NativeSplit | null;
  /** By name; the first one decides which checkpoint is the best. */
  readonly evaluations: Readonly<Record<string, NativeSplit>>;
}

const text = z.string().min(1).nullable().default(null);

const nativeSplit = z.strictObject({
  set: z.enum(NATIVE_SETS),
  root: text,
  split: text,
  include: z.array(z.string().min(1)).min(1).default(["*"]),
  list: text,
  sbd: text,
});

/** Limits and defaults of {@linkcode NativeData}. */
export const NativeSchema = z.strictObject({
  kind: z.literal("native"),
  root: text,
  source: nativeSplit,
  target: nativeSplit.nullable().default(null),
  evaluations: evaluationsOf(nativeSplit),
  ...cropFields,
}).superRefine((data, context) => {
  const { source } = data;
  for (const [path, { set, sbd }] of parts(data)) {
    if (sbd !== null && set !== "voc") {
      context.addIssue({
        code: "custom",
        path: [...path, "sbd"],
        message: `SBD has labels for "voc", and none for "${set}": leave it out`,
      });
    }
    if (NATIVE_CLASSES[set] === NATIVE_CLASSES[source.set]) continue;
    context.addIssue({
      code: "custom",
      path: [...path, "set"],
      message:
        `"${set}" has other classes than the source, "${source.set}": they cannot ` +
        "be joined",
    });
  }
});

type Parts = Pick<NativeData, "source" | "target" | "evaluations">;

/** Every data set of a run with the path of its key. */
function parts({ source, target, evaluations }: Parts): [string[], NativeSplit][] {
  return [
    [["source"], source],
    ...(target === null ? [] : [[["target"], target]] as [string[], NativeSplit][]),
    ...Object.entries(evaluations).map(([name, one]): [string[], NativeSplit] => [
      ["evaluations", name],
      one,
    ]),
  ];
}

/**
 * Where a data set of a run is: at its own `root`, else where another part of the run has
 * the same set, else in the folder of its name below `data.root`.
 *
 * @throws {RangeError} If the configuration and its overrides leave it open.
 */
export function nativeRoot(
  data: Parts & Pick<NativeData, "root">,
  of: NativeSplit,
): string {
  const all = parts(data);
  const same = all.find(([, { set, root }]) => set === of.set && root !== null);
  const root = of.root ?? same?.[1].root ?? null;
  if (root !== null) return root;
  if (data.root !== null) return `${data.root.replace(/[\\/]+$/, "")}/${of.set}`;
  const path = all.find(([, { set }]) => set === of.set)?.[0] ?? ["source"];
  const key = ["data", ...path, "root"].join(".");
  throw new RangeError(
    `Cannot read the data set "${of.set}": "${key}" is not given: name its folder with ` +
      `--set ${key}=FOLDER, or with --set data.root=FOLDER one that holds "${of.set}"`,
  );
}

/** Where SBD is for a data set of a run: its own `sbd`, else that of another part. */
export function nativeSbd(data: Parts, of: NativeSplit): string | null {
  const same = parts(data).find(([, { set, sbd }]) => set === of.set && sbd !== null);
  return of.sbd ?? same?.[1].sbd ?? null;
}

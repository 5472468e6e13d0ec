/** What is known about a published file of weights. @module */

/** The program whose names the tensors of a file have. */
export type NamingScheme = "mmsegmentation" | "official" | "transformers";

/** A file as its publisher made it, and what there is to check it with. */
export interface PublishedFile {
  /** Its name on disk; an address never decides it. */
  readonly file: string;
  /** Exact size; null: not known. */
  readonly bytes: number | null;
  /** All 64 hexadecimal digits; null: not known. */
  readonly sha256: string | null;
  /** The first digits, where only the file's name tells them; null: not known. */
  readonly sha256Prefix: string | null;
  /** Whose names its tensors have; null: not known. */
  readonly names: NamingScheme | null;
}

/** A place that a program can fetch from. */
export interface UrlSource {
  /** http or https. */
  readonly url: string;
  /** The file there, where it holds the same weights in another form. */
  readonly as?: PublishedFile;
}

/** A place that wants a person and a browser. */
export interface ManualSource {
  /** The page to open. */
  readonly page: string;
  /** What to do there: an instruction without full stop. */
  readonly manual: string;
}

/** Where a file may be had. */
export type WeightsSource = UrlSource | ManualSource;

/** Published weights; the file is that of every source that names no other. */
export interface WeightsEntry extends PublishedFile {
  /** As it is typed, for example `mit-b5`. */
  readonly name: string;
  /** One line. */
  readonly what: string;
  /** Of the weights, whoever converted them. */
  readonly licence: string;
  /** Roughly how large, in units of 10⁶ bytes, for people; null: not known. */
  readonly megabytes: number | null;
  /** In the order in which they are tried. */
  readonly sources: readonly WeightsSource[];
}

/** The different files that hold an entry's weights, the preferred one first. */
export function filesOf(entry: WeightsEntry): PublishedFile[] {
  const { file, bytes, sha256, sha256Prefix, names, sources } = entry;
  const others = sources.flatMap((source) =>
    "url" in source && source.as !== undefined ? [source.as] : []
  );
  return [{ file, bytes, sha256, sha256Prefix, names }, ...others];
}

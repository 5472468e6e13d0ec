/** Descriptions of data sets that can be written to a file or sent to a worker: plain JSON. @module */

import type { ClassInfo, PixelFormat, Size } from "../core/host_batch.ts";
import type { NativeDataSet } from "./native_classes.ts";

/** Which images of a folder to use. A value of null does not restrict. */
export interface SampleSelection {
  /** Patterns for the stem, in which * stands for any characters; one has to fit. */
  readonly include?: readonly string[] | null;
  /**
   * A file with a stem or a path per line: its path from here, from `listFolder` or from the
   * data set's folder; or one of this project's `configs/splits`, as `pascal/662/labeled`.
   */
  readonly list?: string | null;
  /** A folder in which the list may lie. */
  readonly listFolder?: string | null;
}

/** Where the files of a data set are, and what its images hold. */
export interface SourceLocation {
  /**
   * A folder, which may hold archives; an archive; or the address of one. A range such as
   * `{000000..000012}` stands for several archives, and `{split}` for the split's name.
   */
  readonly root: string;
  /** Where the tables of contents of archives are cached; null or left out for nowhere. */
  readonly cacheFolder?: string | null;
  /** Channels and bits of the images; RGB of 8 bits if left out. */
  readonly pixelFormat?: PixelFormat;
}

/** What the files of a folder data set are called. */
export interface FilePattern {
  /** The folder of the images; `{split}` stands for the split's name. */
  readonly images: string;
  /** The folder of the labels, likewise. */
  readonly labels: string;
  /** Between an image's stem and its ending. */
  readonly imageSuffix: string;
  /** Between a label's stem and its ending. */
  readonly labelSuffix: string;
}

/** Describes a folder data set. */
export interface FolderSpec extends SampleSelection, SourceLocation {
  readonly kind: "folder";
  /** The folder below those of the images and of the labels. */
  readonly split: string;
  /** What files are called; `images/{split}` and `labels/{split}` if left out. */
  readonly files?: FilePattern;
  /** Index = class id. */
  readonly classes: readonly ClassInfo[];
  /** From file value to class id or 255; null or left out if values are class ids. */
  readonly labelMap?: Readonly<Record<string, number>> | null;
  /** Whether labels may have the colors of the classes; true if left out. */
  readonly hasClassColors?: boolean;
  /** Whether labels are needed; if not, they are neither looked for nor read. */
  readonly labeled: boolean;
}

/** What the files of an annotated data set are called. */
export interface AnnotationPattern {
  /** The folder of the images; `{split}` stands for the split's name. */
  readonly images: string;
  /** The file of COCO's annotations, or the folder of labelme's, likewise. */
  readonly annotations: string;
}

/** What the names of annotated objects stand for. */
export interface CategoryMeaning {
  /**
   * From the name of a category to that of a class, or null to ignore it; "*" is every
   * other name. One that is not in it is the class of its name.
   */
  readonly categoryMap?: Readonly<Record<string, string | null>> | null;
  /** The class of pixels without an annotation; null: they are ignored. */
  readonly background: string | null;
}

/** What data sets with annotations in JSON have in common. */
interface AnnotatedSpec extends SampleSelection, SourceLocation, CategoryMeaning {
  /** What stands for `{split}`. */
  readonly split: string;
  /** What files are called; as the tool itself calls them if left out. */
  readonly files?: AnnotationPattern;
  /** Index = class id. */
  readonly classes: readonly ClassInfo[];
  /** Whether labels are needed; if not, they are neither looked for nor read. */
  readonly labeled: boolean;
}

/** Describes a data set with one COCO JSON per split. */
export interface CocoSpec extends AnnotatedSpec {
  readonly kind: "coco";
  /** Regions with `iscrowd` have the class of their category, or are ignored. */
  readonly crowd?: "class" | "ignore";
}

/** Describes a data set with one labelme JSON per image. */
export interface LabelmeSpec extends AnnotatedSpec {
  readonly kind: "labelme";
}

/** Describes a data set in its native layout. */
export interface NativeSpec extends SampleSelection, SourceLocation {
  readonly kind: "native";
  /** Which data set it is. */
  readonly set: NativeDataSet;
  /** Null for a set without splits, or where a list chooses all images. */
  readonly split?: string | null;
  /**
   * A folder, an archive or an address of labels that were published apart, of "voc": SBD;
   * null or left out: where they lie in or beside the root.
   */
  readonly sbd?: string | null;
  /** Whether labels are needed; if not, they are neither looked for nor read. */
  readonly labeled: boolean;
}

/** The domains of the embedded set: clean is flat and sharp; worn has texture, noise and haze. */
export type EmbeddedDomain = "clean" | "worn";

/** Describes a part of the embedded data set. */
export interface EmbeddedSpec {
  readonly kind: "embedded";
  readonly domain: EmbeddedDomain;
  /** How many scenes. */
  readonly images: number;
  /** The number of the first scene, so that training and evaluation share none; 0 if left out. */
  readonly firstScene?: number;
  /** The size of a scene in pixels; 96×128 if left out. */
  readonly size?: Size;
  /** Other seeds are other streets; 0 if left out. */
  readonly seed?: number;
  /** Whether samples have labels. */
  readonly labeled: boolean;
}

/** Describes a data set in files. */
export type FileDataSpec = FolderSpec | CocoSpec | LabelmeSpec | NativeSpec;

/** Describes a data set. */
export type DataSpec = FileDataSpec | EmbeddedSpec;

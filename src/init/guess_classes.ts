/** From the values or colors in labels to the classes of a configuration. @module */

import { type ClassInfo, IGNORE_INDEX } from "../core/host_batch.ts";
import { type Color, packRgb, vocColor } from "../data/label_colors.ts";
import {
  CAMVID_CLASSES,
  CITYSCAPES_CLASSES,
  VOC_CLASSES,
} from "../data/native_classes.ts";
import type { ClassFile, NamedClass } from "./class_files.ts";
import type { LabelSummary } from "./label_contents.ts";

/** What labels mean, as far as it can be known. */
export interface GuessedClasses {
  readonly classes: readonly ClassInfo[];
  /** Class id, or 255, of every value; null: values are ids, or labels are colors. */
  readonly labelMap: ReadonlyMap<number, number> | null;
  /** Class id, or 255, of what a label holds: a value or a packed color. */
  readonly idOf: (valueOrColor: number) => number;
  /** What the guesses rest on, a sentence each. */
  readonly reasons: readonly string[];
}

/** Colors that are easily told apart, for classes that have none; then those of VOC. */
const COLORS: readonly Color[] = [
  ...[[230, 25, 75], [60, 180, 75], [255, 225, 25], [0, 130, 200]] as const,
  ...[[245, 130, 48], [145, 30, 180], [70, 240, 240], [240, 50, 230]] as const,
  ...[[210, 245, 60], [250, 190, 212], [0, 128, 128], [220, 190, 255]] as const,
  ...[[170, 110, 40], [255, 250, 200], [128, 0, 0], [170, 255, 195]] as const,
  ...[[128, 128, 0], [255, 215, 180], [0, 0, 128], [128, 128, 128]] as const,
];

/** A readable color for a class; the first of a background is dark. */
export const defaultColor = (id: number, hasBackground: boolean): Color =>
  hasBackground && id === 0
    ? [0, 0, 0]
    : COLORS[hasBackground ? id - 1 : id] ?? vocColor(id + 1);

/** Data sets that are known by the names of their images. */
const KNOWN_NAMES = [
  {
    title: "CamVid",
    names: /(^|\/)(0001TP|0006R0|0016E5|Seq05VD)_/,
    classes: CAMVID_CLASSES,
  },
  {
    title: "Cityscapes",
    names: /(^|\/)[a-z-]+_\d{6}_\d{6}/,
    classes: CITYSCAPES_CLASSES,
  },
  { title: "PASCAL VOC", names: /(^|\/)20(0[7-9]|1[0-2])_\d{6}$/, classes: VOC_CLASSES },
];

/**
 * Guesses names and colors of classes, and which values they have.
 *
 * @param names Of the images.
 * @throws {RangeError} If labels hold a single value, or too many for classes.
 */
export function guessClasses(
  summary: LabelSummary,
  classFile: ClassFile | null,
  names: readonly string[],
): GuessedClasses {
  return summary.form === "colors"
    ? guessFromColors(summary, classFile)
    : guessFromValues(summary, classFile, names);
}

const list = (values: readonly number[]): string =>
  values.length > 12
    ? `${values.slice(0, 6).join(", ")}, … ${values.at(-1)} (${values.length} of them)`
    : values.join(", ");

function guessFromValues(
  { totals, palette }: LabelSummary,
  classFile: ClassFile | null,
  names: readonly string[],
): GuessedClasses {
  const values = [...totals.keys()].sort((a, b) => a - b);
  const [first = 0] = values;
  const withoutIgnored = values.filter((value) => value !== IGNORE_INDEX);
  const last = withoutIgnored.at(-1) ?? 0;
  if (values.length < 2) {
    throw new RangeError(
      `Cannot make a configuration: the labels hold the value ${first} alone, and there ` +
        "are two classes at least: are these the labels?",
    );
  }
  if (last > IGNORE_INDEX) {
    throw new RangeError(
      `Cannot use the labels: they hold the values ${
        list(values)
      }, and 255 is the largest ` +
        "of a label: save them with 8 bits, with one value for each class",
    );
  }
  if (palette === null && areSmooth(values)) {
    throw smoothError(`the values ${list(values)}`);
  }
  if (classFile?.classes.some(({ value }) => value !== null)) {
    return fromNamedValues(values, classFile, palette);
  }
  const colorsOf = (ids: readonly number[], hasBackground: boolean) =>
    colorsOfPalette(palette, ids) ?? ids.map((_, id) => defaultColor(id, hasBackground));
  const paletteReason = (ids: readonly number[]) =>
    colorsOfPalette(palette, ids) === null
      ? []
      : ["colors are those of the labels' palette"];

  const isMask = values.length === 2 &&
    (values.includes(IGNORE_INDEX) || (first === 0 && last > 1));
  if (isMask) {
    const [background = 0, foreground = IGNORE_INDEX] = values;
    const names = namesFor(2, classFile, ["background", "foreground"]);
    return withMap(
      names.names.map((name, id) => ({
        name,
        color: id === 0 ? [0, 0, 0] : [255, 255, 255],
      })),
      new Map([[background, 0], [foreground, 1]]),
      [`masks hold ${background} and ${foreground}`, ...names.reasons],
    );
  }
  const isBinary = values.length <= 3 && last === 1 && first === 0;

  const known = KNOWN_NAMES.find(({ names: pattern, classes }) =>
    names.length > 0 && names.every((name) => pattern.test(name)) &&
    last <= classes.length && last >= classes.length / 2 && first === 0
  );
  if (classFile === null && known !== undefined) {
    const { title, classes } = known;
    const isVoid = last === classes.length; // CamVid's 11
    return {
      classes,
      labelMap: isVoid
        ? new Map([
          ...classes.map((_, id): [number, number] => [id, id]),
          [last, IGNORE_INDEX],
        ])
        : null,
      idOf: (value) => value < classes.length ? value : IGNORE_INDEX,
      reasons: [
        `images are called as those of ${title}: names and colors are its classes'` +
        (isVoid ? `, and ${last} is ignored` : ""),
      ],
    };
  }

  const nameCount = classFile === null ? 0 : namesOf(classFile).length;
  // Grays that are spread over 0 … 255, the last of which is 255, are classes all of them.
  const isSpread = values.length > 2 && values.includes(IGNORE_INDEX) &&
    withoutIgnored.length <= 16 && areEvenlySpread(values);
  if (isSpread || (isSparse(withoutIgnored) && nameCount <= last)) {
    const used = isSpread ? values : withoutIgnored;
    const { names, reasons } = namesFor(used.length, classFile, null, used);
    const colors = colorsOf(used, used[0] === 0);
    return withMap(
      names.map((name, id) => ({ name, color: colors[id] ?? [0, 0, 0] })),
      new Map([
        ...used.map((value, id): [number, number] => [value, id]),
        ...(isSpread ? [] : [[IGNORE_INDEX, IGNORE_INDEX] as [number, number]]),
      ]),
      [`labels hold the values ${list(values)}: each is a class`, ...reasons],
    );
  }

  const startsAtOne = first === 1 && nameCount <= last;
  const count = startsAtOne ? last : Math.max(last + 1, nameCount);
  const ids = Array.from({ length: count }, (_, id) => startsAtOne ? id + 1 : id);
  const usual = isBinary ? ["background", "foreground"] : null;
  const named = namesFor(count, classFile, usual, ids);
  const isBackground = isBinary || /^_?background_?$/i.test(named.names[0] ?? "");
  const colors = colorsOf(ids, isBackground);
  const classes = named.names.map((name, id): ClassInfo => ({
    name,
    color: colors[id] ?? [0, 0, 0],
  }));
  const absent = ids.filter((value) => !totals.has(value));
  const reasons = [
    `labels hold the values ${list(values)}` +
    (values.includes(IGNORE_INDEX) ? `; ${IGNORE_INDEX} is ignored` : "") +
    (absent.length === 0
      ? ""
      : `; ${list(absent)} never ${absent.length === 1 ? "occurs" : "occur"}`),
    ...named.reasons,
    ...paletteReason(ids),
  ];
  if (!startsAtOne) {
    const idOf = (value: number) => value < count ? value : IGNORE_INDEX;
    return { classes, labelMap: null, idOf, reasons };
  }
  const map = new Map(ids.map((value, id): [number, number] => [value, id]));
  map.set(0, IGNORE_INDEX);
  return withMap(classes, map, [...reasons, "values begin at 1: 0 would be ignored"]);
}

const withMap = (
  classes: readonly ClassInfo[],
  labelMap: ReadonlyMap<number, number>,
  reasons: readonly string[],
): GuessedClasses => ({
  classes,
  labelMap,
  idOf: (value) => labelMap.get(value) ?? IGNORE_INDEX,
  reasons,
});

// The values of the file become ids in their order; one beyond them is a class, too.
function fromNamedValues(
  values: readonly number[],
  { path, classes: named }: ClassFile,
  palette: LabelSummary["palette"],
): GuessedClasses {
  const nameOf = new Map(named.map(({ name, value }) => [value, name]));
  const all = [...new Set([...nameOf.keys(), ...values])]
    .filter((value) => value !== null && value !== IGNORE_INDEX)
    .map(Number).sort((a, b) => a - b);
  const colors = colorsOfPalette(palette, all) ??
    all.map((_, id) => defaultColor(id, all[0] === 0));
  const classes = all.map((value, id): ClassInfo => ({
    name: nameOf.get(value) ?? `class_${value}`,
    color: colors[id] ?? [0, 0, 0],
  }));
  const reasons = [`names and values are those of "${path}"`];
  const isIds = all.every((value, id) => value === id);
  if (isIds) {
    const idOf = (value: number) => value < all.length ? value : IGNORE_INDEX;
    return { classes, labelMap: null, idOf, reasons };
  }
  const map = new Map(all.map((value, id): [number, number] => [value, id]));
  return withMap(classes, map, reasons);
}

/** Known sets of colors, by which RGB labels tell their classes. */
const KNOWN_COLORS = [
  { title: "Cityscapes", classes: CITYSCAPES_CLASSES },
  { title: "CamVid", classes: CAMVID_CLASSES },
];

function guessFromColors(
  { totals }: LabelSummary,
  classFile: ClassFile | null,
): GuessedClasses {
  const present = [...totals.keys()].sort((a, b) => a - b);
  if (present.length < 2) {
    const [only = 0] = present;
    throw new RangeError(
      `Cannot make a configuration: the labels hold the color ${
        unpackRgb(only).join(", ")
      } alone, and there are two classes at least: are these the labels?`,
    );
  }
  const packed = ({ color }: { readonly color: Color | null }) =>
    color === null ? -1 : packRgb(...color);
  const ofFile = (classFile?.classes ?? []).filter(({ color }) => color !== null);
  const known = KNOWN_COLORS.find(({ classes }) => {
    const colors = new Set(classes.map(packed));
    return present.filter((color) => colors.has(color)).length >= 3 &&
      present.every((color) => colors.has(color) || color === 0);
  });
  const named: readonly NamedClass[] = ofFile.length > 0
    ? ofFile
    : known?.classes.map(({ name, color }) => ({ name, color, value: null })) ?? [];
  const namedColors = new Set(named.map(packed));
  const others = present.filter((color) => !namedColors.has(color));
  if (named.length === 0 && areSmoothColors(totals)) {
    throw smoothError(`${present.length} colors, most of them of hardly a pixel`);
  }
  const isMask = present.length === 2 && present[0] === 0 && named.length === 0;
  const byOrder = named.length === 0 && classFile?.classes.length === present.length
    ? classFile.classes.map(({ name }) => name)
    : null;
  const classes: ClassInfo[] = [
    ...named.map(({ name, color }): ClassInfo => ({ name, color: color ?? [0, 0, 0] })),
    ...others.map((color, i): ClassInfo => ({
      name: byOrder?.[i] ??
        (isMask
          ? ["background", "foreground"][i] ?? ""
          : named.length === 0
          ? `class_${i}`
          : color === 0
          ? "unlabeled"
          : `class_${named.length + i}`),
      color: unpackRgb(color),
    })),
  ];
  const ids = new Map(classes.map((one, id) => [packed(one), id]));
  const from = ofFile.length > 0
    ? `names are those of "${classFile?.path}"`
    : known !== undefined
    ? `names are those of ${known.title}, whose colors these are`
    : byOrder !== null
    ? `names are those of "${classFile?.path}", in the order of the colors: check them`
    : isMask
    ? "masks are black and one other color"
    : "names are not known: change them here";
  return {
    classes: withOwnNames(classes),
    labelMap: null,
    idOf: (color) => ids.get(color) ?? IGNORE_INDEX,
    reasons: [
      `labels are RGB with ${present.length} colors, one for each class`,
      from,
      ...(others.length > 0 && named.length > 0
        ? [`${others.length} colors of the labels have no name there`]
        : []),
    ],
  };
}

const unpackRgb = (color: number): [number, number, number] => [
  color >> 16,
  (color >> 8) & 255,
  color & 255,
];

/** Names for classes 0 … count − 1: those of a file, those given, or numbers. */
function namesFor(
  count: number,
  classFile: ClassFile | null,
  usual: readonly string[] | null,
  values: readonly number[] = [],
): { readonly names: string[]; readonly reasons: string[] } {
  const ofFile = classFile === null ? [] : namesOf(classFile);
  const fits = ofFile.length > 0 && ofFile.length <= count;
  const names = Array.from(
    { length: count },
    (_, id) =>
      (fits ? ofFile[id] : undefined) ?? usual?.[id] ?? `class_${values[id] ?? id}`,
  );
  const reason = fits
    ? `names are those of "${classFile?.path}"` +
      (ofFile.length < count ? `, which has ${ofFile.length} of the ${count}` : "")
    : ofFile.length > 0
    ? `"${classFile?.path}" has ${ofFile.length} names for ${count} classes and is left ` +
      "aside: change the names here"
    : usual === null
    ? "names are not known: change them here"
    : null;
  return { names: uniqueNames(names), reasons: reason === null ? [] : [reason] };
}

// labelme's converters begin with a name for what is ignored.
const namesOf = ({ classes }: ClassFile): string[] =>
  classes.map(({ name }) => name).filter((name) => name !== "__ignore__");

const withOwnNames = (classes: readonly ClassInfo[]): ClassInfo[] => {
  const names = uniqueNames(classes.map(({ name }) => name));
  return classes.map(({ color }, id) => ({ name: names[id] ?? "", color }));
};

// A second class of one name gets its id behind it.
const uniqueNames = (names: readonly string[]): string[] =>
  names.map((name, id) => names.indexOf(name) === id ? name : `${name}_${id}`);

/** The colors of some values in a palette; null: it has none, or not one for each. */
function colorsOfPalette(
  palette: LabelSummary["palette"],
  values: readonly number[],
): Color[] | null {
  const colors = values.map((value): Color | null => {
    const [r, g, b] = palette?.[value] ?? [];
    return r === undefined || g === undefined || b === undefined ? null : [r, g, b];
  });
  const given = colors.filter((color) => color !== null);
  const distinct = new Set(given.map((color) => packRgb(...color)));
  // A ramp of grays says nothing, and can hardly be told apart.
  const isGray = given.every(([r, g, b]) => r === g && g === b);
  return given.length === values.length && distinct.size === values.length && !isGray
    ? given
    : null;
}

function areEvenlySpread(values: readonly number[]): boolean {
  const steps = values.slice(1).map((value, i) => value - (values[i] ?? 0));
  return Math.min(...steps) > 1 && Math.max(...steps) - Math.min(...steps) <= 1;
}

// Values that leave more than half of 0 … last out are no ids.
const isSparse = (values: readonly number[]): boolean =>
  (values.at(-1) ?? 0) + 1 > 2 * values.length;

/** Values with gaps between them that classes have, at most. */
const MAX_SPARSE = 16;

/** Near 255, masks have no second value. */
const NEAR_WHITE = 240;

/**
 * Whether values are those between two others that smooth scaling or JPEG has made, and no
 * classes.
 */
const areSmooth = (values: readonly number[]): boolean =>
  (isSparse(values) && values.length > MAX_SPARSE) ||
  values.filter((value) => value >= NEAR_WHITE).length > 1;

/** Of smoothed colors, most are of few pixels. */
const RARE_COLORS = { least: 8, pixels: 0.005 };

// Half of the colors, the rarer ones, have hardly a pixel.
function areSmoothColors(totals: ReadonlyMap<number, number>): boolean {
  const counts = [...totals.values()].sort((a, b) => a - b);
  const sum = (some: readonly number[]) => some.reduce((a, b) => a + b, 0);
  const rare = sum(counts.slice(0, Math.ceil(counts.length / 2)));
  return counts.length > RARE_COLORS.least && rare < RARE_COLORS.pixels * sum(counts);
}

const smoothError = (what: string): RangeError =>
  new RangeError(
    `Cannot use the labels: they hold ${what}, as after JPEG or smooth scaling: save them ` +
      "without either, with one value for each class",
  );

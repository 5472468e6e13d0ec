/**
 * What the colors in label files say: those of RGB labels, and those of a palette, which
 * may contradict its indices.
 *
 * @module
 */

import { type ClassInfo, IGNORE_INDEX } from "../core/host_batch.ts";

/** Red, green, blue in 0 … 255. */
export type Color = readonly [number, number, number];

/** A color as one number. */
export const packRgb = (red: number, green: number, blue: number): number =>
  (red << 16) | (green << 8) | blue;

/** What colors stand for in the labels of a data set. */
export interface LabelColors {
  /** Class id, or 255 for none, by packed color. */
  readonly ids: ReadonlyMap<number, number>;
  /** The color that each file value should have in a palette; null: any. */
  readonly ofValues: readonly (Color | undefined)[] | null;
  /** A value that is ignored whatever its color; null: none. */
  readonly ignoredValue: number | null;
  /**
   * The end of a sentence about another color of an RGB label, with what to do; null: RGB
   * labels are not read.
   */
  readonly describeUnknown: ((color: Color) => string) | null;
  /** What a class id is called in messages. */
  readonly nameOf: (id: number) => string;
}

/**
 * The colors of the classes of a configuration.
 *
 * @param hasClassIds Whether file values are class ids: a palette may then contradict them.
 */
export function classColors(
  classes: readonly ClassInfo[],
  hasClassIds: boolean,
): LabelColors {
  const ids = new Map<number, number>();
  const shared = new Set<number>();
  for (const [id, { color }] of classes.entries()) {
    const packed = packRgb(...color);
    if (ids.has(packed)) shared.add(packed);
    ids.set(packed, id);
  }
  for (const color of shared) ids.delete(color);
  const nameOf = (id: number) => `"${classes[id]?.name ?? id}"`;
  return {
    ids,
    ofValues: hasClassIds ? classes.map(({ color }) => color) : null,
    ignoredValue: IGNORE_INDEX,
    nameOf,
    describeUnknown([red, green, blue]) {
      const owners = classes.filter(({ color: [r, g, b] }) =>
        r === red && g === green && b === blue
      ).map(({ name }) => `"${name}"`);
      if (owners.length > 0) {
        return `which is that of ${
          owners.join(" and ")
        }: give each class a color of its own`;
      }
      return "which is that of no class: " +
        (red === green && green === blue
          ? "if it is a gray label that was saved as RGB, save it with one channel; else "
          : "") +
        'correct the colors in "classes", or convert it to an 8-bit gray PNG of class ids, ' +
        `${IGNORE_INDEX} for what is ignored`;
    },
  };
}

/** How the pixels of a palette label are read. */
export type PaletteMeaning = "index" | "color" | "contradiction";

/**
 * Decides whether indices or colors of a palette label tell its classes. Indices do, unless
 * the palette is one of the data set's own colors and has some of them at other indices.
 *
 * @param data The indices of the pixels.
 * @returns "color" if every index in use has the color of one class; "contradiction" if
 * only some of them do.
 */
export function meaningOfPalette(
  palette: readonly (readonly number[])[],
  data: ArrayLike<number>,
  colors: LabelColors,
): PaletteMeaning {
  const { used, unused } = entriesOf(palette, data, colors);
  const foreign = used.filter((entry) => entry.isForeign);
  if (foreign.length === 0 || isGeneric(palette, used)) return "index";
  const all = [...used, ...unused];
  // Of arbitrary colors, one or another is that of a class by accident.
  const areMostlyOwn = (entries: readonly PaletteEntry[]) => {
    const distinct = new Map(entries.map(({ color, id }) => [color, id]));
    const own = [...distinct.values()].filter((id) => id !== undefined).length;
    return 2 * own > distinct.size;
  };
  const isOwnPalette = areMostlyOwn(all) || (foreign.length > 1 && areMostlyOwn(used));
  if (!isOwnPalette) return "index";
  return used.every(({ id }) => id !== undefined) ? "color" : "contradiction";
}

/** Says what a palette contradicts, in a part of a sentence. */
export function contradictionOf(
  palette: readonly (readonly number[])[],
  data: ArrayLike<number>,
  colors: LabelColors,
): string {
  const { used } = entriesOf(palette, data, colors);
  const foreign = used.find(({ isForeign }) => isForeign);
  const unknown = used.find(({ id }) => id === undefined);
  const unknownColor = palette[unknown?.value ?? 0]?.join(", ") ?? "none";
  return `the colors of its palette contradict its indices: index ${foreign?.value} has the ` +
    `color of ${
      colors.nameOf(foreign?.id ?? 0)
    }, and ${unknownColor}, the color of index ` +
    `${unknown?.value}, is that of no class`;
}

/** An index of a palette that says something. */
interface PaletteEntry {
  readonly value: number;
  /** Packed. */
  readonly color: number;
  /** What the color stands for; undefined: nothing. */
  readonly id: number | undefined;
  /** Whether the color stands for something, and not for this value. */
  readonly isForeign: boolean;
}

// Black after the first, and the gray of its own index, are what palettes are filled up with.
function entriesOf(
  palette: readonly (readonly number[])[],
  data: ArrayLike<number>,
  { ids, ofValues, ignoredValue }: LabelColors,
): { readonly used: PaletteEntry[]; readonly unused: PaletteEntry[] } {
  const isUsed = new Uint8Array(256);
  for (let i = 0; i < data.length; i++) isUsed[data[i] ?? 0] = 1;
  const packed = palette.map(packColor);
  const firstBlack = packed.indexOf(0);
  const [used, unused]: [PaletteEntry[], PaletteEntry[]] = [[], []];
  for (const [value, color] of packed.entries()) {
    if (value === ignoredValue || ofValues === null) continue;
    const expected = ofValues[value];
    const agrees = expected !== undefined && packRgb(...expected) === color;
    const isFilling = !agrees && color === 0 && value !== firstBlack;
    const id = isFilling ? undefined : ids.get(color);
    const entry = { value, color, id, isForeign: !agrees && id !== undefined };
    if (isUsed[value] === 1) used.push(entry);
    else if (color !== 0 && color !== packColor([value, value, value])) {
      unused.push(entry);
    }
  }
  return { used, unused };
}

// One color, a gray ramp, or the color map of PASCAL VOC: tools use them for any classes.
function isGeneric(
  palette: readonly (readonly number[])[],
  used: readonly PaletteEntry[],
): boolean {
  if (palette.length > 1 && new Set(palette.map(packColor)).size === 1) return true;
  const isUsed = new Set(used.map(({ value }) => value));
  const entries = palette.map((color, value) => ({ color: packColor(color), value }))
    .filter(({ color, value }) => color !== 0 || isUsed.has(value));
  const last = Math.max(1, ...entries.map(({ value }) => value));
  const areAll = (colorOf: (value: number) => readonly number[]) =>
    entries.every(({ color, value }) => color === packColor(colorOf(value)));
  const ramp =
    (step: number) => (value: number) => [value * step, value * step, value * step];
  // Few colors may be those of a ramp or a map by accident; 1, 1, 1 is no color of a class.
  return (entries.length >= 2 && areAll(ramp(1))) ||
    (entries.length >= 3 && (areAll(ramp(Math.floor(255 / last))) || areAll(vocColor)));
}

const packColor = ([red = 0, green = 0, blue = 0]: readonly number[]): number =>
  packRgb(red, green, blue);

/** The color of a value in the color map of PASCAL VOC. */
export function vocColor(value: number): [number, number, number] {
  const color: [number, number, number] = [0, 0, 0];
  for (let bit = 0; bit < 8; bit++) {
    const channel = bit % 3;
    color[channel] = (color[channel] ?? 0) |
      ((value >> bit & 1) << (7 - Math.floor(bit / 3)));
  }
  return color;
}

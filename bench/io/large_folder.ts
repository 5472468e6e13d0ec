/** A folder data set of very many, very small files. @module */
import { join } from "node:path";
import { encodePng } from "../../src/formats/png.ts";
import type { FolderSpec } from "../../src/data/data_spec.ts";

const SIDE = 16;
const CLASSES = 8;

/** Files that share their bytes; file systems allow some ten thousand names of one file. */
const NAMES_PER_FILE = 10_000;

/** Describes what {@linkcode writeLargeFolder} makes. */
export const largeDataSetSpec = (root: string): FolderSpec => ({
  kind: "folder",
  root,
  split: "train",
  labeled: true,
  classes: Array.from({ length: CLASSES }, (_, id) => ({
    name: `class ${id}`,
    color: [30 * id, 255 - 30 * id, 128],
  })),
});

/** Makes `count` pairs of an image and a label of 16×16 pixels. */
export function writeLargeFolder(root: string, count: number): void {
  for (const kind of ["images", "labels"]) {
    const folder = join(root, kind, "train");
    Deno.mkdirSync(folder, { recursive: true });
    for (let i = 0; i < count; i++) {
      const first = i - i % NAMES_PER_FILE;
      const file = join(folder, `${nameOf(i)}.png`);
      if (i === first) Deno.writeFileSync(file, draw(kind, i / NAMES_PER_FILE));
      else Deno.linkSync(join(folder, `${nameOf(first)}.png`), file);
    }
  }
}

const nameOf = (i: number) => `picture_${String(i).padStart(7, "0")}`;

function draw(kind: string, seed: number): Uint8Array {
  const channels = kind === "images" ? 3 : 1;
  const value = (i: number) =>
    kind === "images" ? (i * 7 + seed) % 256 : (i + seed) % CLASSES;
  const data = Uint8Array.from({ length: SIDE * SIDE * channels }, (_, i) => value(i));
  return encodePng({ width: SIDE, height: SIDE, channels, data });
}

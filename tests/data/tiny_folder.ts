/** Folder data sets of a few small files, for tests. @module */

import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { ClassInfo } from "../../src/core/host_batch.ts";
import { encodePng } from "../../src/formats/png.ts";
import type { FolderSpec } from "../../src/data/data_spec.ts";

/** Three classes. */
export const CLASSES: readonly ClassInfo[] = [
  { name: "road", color: [128, 64, 128] },
  { name: "sky", color: [70, 130, 180] },
  { name: "car", color: [0, 0, 142] },
];

/** Width and height of the tiny images. */
export const WIDTH = 8;
export const HEIGHT = 6;

/** The bytes of a tiny RGB image that differs from others by `shade`. */
export function tinyImage(shade: number, width = WIDTH, height = HEIGHT): Uint8Array {
  const data = Uint8Array.from(
    { length: width * height * 3 },
    (_, i) => (i * 7 + shade) % 256,
  );
  return encodePng({ width, height, channels: 3, data });
}

/** The bytes of a tiny gray label; `value` gives the value of pixel i. */
export function tinyLabel(
  value: (i: number) => number,
  width = WIDTH,
  height = HEIGHT,
): Uint8Array {
  const data = Uint8Array.from({ length: width * height }, (_, i) => value(i));
  return encodePng({ width, height, channels: 1, data });
}

/** Writes files, by path below a new folder; gives the folder to `use` and removes it. */
export async function withFiles(
  files: Readonly<Record<string, Uint8Array | string>>,
  use: (root: string) => Promise<void>,
): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), "fst_data_"));
  try {
    for (const [path, content] of Object.entries(files)) {
      await mkdir(dirname(join(root, path)), { recursive: true });
      await writeFile(join(root, path), content);
    }
    await use(root);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

/** Files of a sound data set with the given stems in "train". */
export function tinyFiles(stems: readonly string[]): Record<string, Uint8Array> {
  const files: Record<string, Uint8Array> = {};
  for (const [n, stem] of stems.entries()) {
    files[`images/train/${stem}.png`] = tinyImage(n * 31);
    files[`labels/train/${stem}.png`] = tinyLabel((i) => i % 5 === 4 ? 255 : (i + n) % 3);
  }
  return files;
}

/** The description of the "train" split of a folder. */
export function tinySpec(root: string, rest: Partial<FolderSpec> = {}): FolderSpec {
  return {
    kind: "folder",
    root,
    split: "train",
    classes: CLASSES,
    labeled: true,
    ...rest,
  };
}

/** Pictures with masks to begin with, where somebody has none at hand. @module */

import { join } from "node:path";
import type { EmbeddedSpec } from "../data/data_spec.ts";
import { openEmbedded } from "../data/embedded/embedded.ts";
import { encodePng } from "../formats/png.ts";
import { statOrNull } from "../io/file_errors.ts";
import { writeOutputFile } from "../io/output_file.ts";

/** Scenes of the embedded data set, enough for a first run of minutes. */
const SCENES: EmbeddedSpec = {
  kind: "embedded",
  domain: "clean",
  images: 60,
  size: { height: 96, width: 128 },
  labeled: true,
};

/**
 * Writes drawn street scenes as people have their data: `images/`, `masks/`, and the names
 * of the classes in `classes.txt`.
 *
 * @param folder A new one.
 * @returns How many there are.
 * @throws {RangeError} If there is such a folder.
 */
export async function writeExample(folder: string): Promise<number> {
  if (await statOrNull(folder) !== null) {
    throw new RangeError(
      `Cannot write the example into "${folder}": it is there, and nothing is overwritten: ` +
        "name a new folder",
    );
  }
  const scenes = openEmbedded(SCENES);
  const palette = scenes.classes.map(({ color }) => color);
  for (const index of scenes.names.keys()) {
    const { width, height, image, label } = await scenes.read(index);
    const name = `street_${String(index + 1).padStart(2, "0")}.png`;
    const write = async (kind: string, png: Uint8Array) =>
      await writeOutputFile(join(folder, kind, name), png);
    if (label === null || !(image instanceof Uint8Array)) continue; // drawn with both
    await write("images", encodePng({ width, height, channels: 3, data: image }));
    const mask = { width, height, channels: 1, data: label, palette };
    await write("masks", encodePng(mask));
  }
  const names = scenes.classes.map(({ name }) => `${name}\n`).join("");
  await writeOutputFile(join(folder, "classes.txt"), new TextEncoder().encode(names));
  return scenes.names.length;
}

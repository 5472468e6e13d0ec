/** The smallest configurations that say something about each method. */

import { parseConfig } from "../../src/config/read.ts";
import type { RunConfig } from "../../src/config/schema.ts";

/** A complete text with nothing but what has no default. */
export const EXAMPLE = `
model:
  encoder: { name: mit-b0 }
data:
  kind: embedded
  cropSize: { height: 64, width: 64 }
  target: { domain: worn, images: 20 }
  evaluations: { worn: { domain: worn, images: 5 } }
method:
  name: self-training
  lookAhead: {}
`;

/** The same for images in a folder. */
export const FOLDER_EXAMPLE = `
model:
  encoder: { name: mit, embedDims: [16, 32, 64, 96], depths: [1, 1, 2, 1], numHeads: [1, 2, 4, 6] }
data:
  kind: folder
  classes:
    - { name: road, color: [128, 64, 128] }
    - { name: sky, color: [70, 130, 180] }
  source: { split: train }
  evaluations: { val: { split: val } }
  cropSize: { height: 64, width: 64 }
method:
  name: supervised
`;

/** Reads {@linkcode EXAMPLE} with overrides. */
export function example(...overrides: string[]): RunConfig {
  return parseConfig(EXAMPLE, "example.yaml", overrides);
}

/** Reads {@linkcode FOLDER_EXAMPLE} with overrides. */
export function folderExample(...overrides: string[]): RunConfig {
  return parseConfig(FOLDER_EXAMPLE, "folder.yaml", overrides);
}

const refusedBy = (file: string) => (...problems: string[]) => ({
  name: "SyntaxError",
  message: [`Cannot use "${file}":`, ...problems].join("\n  "),
});

/** The error of {@linkcode example} that lists these problems. */
export const problems = refusedBy("example.yaml");

/** The error of {@linkcode folderExample} that lists these problems. */
export const folderProblems = refusedBy("folder.yaml");

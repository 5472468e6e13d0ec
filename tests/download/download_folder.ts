/** Downloads into a folder of their own. */

import assert from "node:assert/strict";
import { basename, join } from "node:path";
import {
  download,
  type DownloadEvent,
  type DownloadOptions,
  type DownloadResult,
} from "../../src/download/download.ts";
import type { WeightsEntry } from "../../src/download/registry.ts";

/** Weights of one file in some places, of which nothing else is known. */
export function entry(
  urls: readonly string[],
  known: Partial<WeightsEntry> = {},
): WeightsEntry {
  return {
    name: "net",
    description: "a network",
    license: "MIT",
    megabytes: null,
    fileName: "net.pth",
    bytes: null,
    sha256: null,
    sha256Prefix: null,
    sources: urls.map((url) => ({ url })),
    ...known,
  };
}

/** A folder and what happened in it. */
export interface Place {
  readonly folder: string;
  readonly path: string;
  readonly events: DownloadEvent[];
  get(
    what: Parameters<typeof download>[0],
    options?: DownloadOptions,
  ): Promise<DownloadResult>;
  names(): Promise<string[]>;
}

/** Gives a new folder to `use`, and removes it. Pauses between tries are short. */
export async function inPlace(use: (place: Place) => Promise<void>): Promise<void> {
  const root = await Deno.makeTempDir({ prefix: "fst_" });
  const folder = join(root, "weights");
  const events: DownloadEvent[] = [];
  try {
    await use({
      folder,
      path: join(folder, "net.pth"),
      events,
      get: (what, options) =>
        download(what, {
          folder: folder,
          retryDelays: [0.01, 0.01, 0.01, 0.01],
          onProgress: (event) => events.push(event),
          ...options,
        }),
      async names() {
        const all = await Array.fromAsync(Deno.readDir(folder), ({ name }) => name);
        return all.sort();
      },
    });
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

/** Asserts that the file has these bytes and that nothing but its record is beside it. */
export async function assertArrived(
  { path, names }: Pick<Place, "path" | "names">,
  bytes: Uint8Array,
): Promise<void> {
  assert.deepEqual(await Deno.readFile(path), bytes);
  assert.deepEqual(await names(), [basename(path), "checksums.json"].sort());
}

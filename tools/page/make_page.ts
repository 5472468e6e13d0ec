/** A folder that any static server turns into a page that segments pictures. @module */
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseConfig } from "../../src/config/read.ts";
import type { RunConfig } from "../../src/config/schema.ts";
import { checkpointNetwork } from "../../src/evaluate/checkpoint_network.ts";
import { assertWritableFolder, writeOutputFile } from "../../src/io/output_file.ts";
import {
  type Checkpoint,
  checkpointChunks,
  joinSections,
  matchSection,
} from "../../src/weights/checkpoint.ts";
import { loadCheckpoint } from "../../src/weights/checkpoint_file.ts";
import { bundleLibrary } from "./bundle.ts";

/** The files of the page that are the same for every network. */
const SITE = fileURLToPath(new URL("./site/", import.meta.url));
const SITE_FILES = ["index.html", "style.css", "page.js", "worker.js"];

/** A file of a page. */
export interface FileSize {
  readonly name: string;
  readonly bytes: number;
  /** Compressed by gzip. */
  readonly gzipBytes: number;
}

/** What was written. */
export interface DemoPage {
  readonly out: string;
  /** Whose weights the page has. */
  readonly role: "student" | "teacher";
  /** Names of classes, in the order of their ids. */
  readonly classes: readonly string[];
  readonly files: readonly FileSize[];
}

/**
 * Writes the page of a checkpoint.
 *
 * @param path A `.safetensors` file that a run has saved.
 * @param out The folder; files of an earlier page are replaced.
 * @param log Called with what was assumed about the checkpoint.
 * @throws {SyntaxError} If it is damaged, or no checkpoint.
 * @throws {WeightsMismatchError} If its weights do not fit its configuration.
 * @throws {Error} If the folder cannot be written to, or the library not be bundled.
 */
export async function makeDemoPage(
  path: string,
  out: string,
  log: (line: string) => void = () => {},
): Promise<DemoPage> {
  const checkpoint = await loadCheckpoint(path, log);
  const { classes } = checkpoint.metadata;
  const config = parseConfig(JSON.stringify(checkpoint.metadata.config), path, [], log);
  const { role, network, section } = checkpointNetwork(checkpoint, config, path);
  matchSection(network.parameters, section, path);
  await assertWritableFolder(out);
  const published: Checkpoint = {
    tensors: joinSections({ [role]: section }),
    metadata: { ...checkpoint.metadata, config: withoutFolders(config) },
  };
  const contents: [string, Uint8Array][] = [
    ["fst.js", await bundleLibrary()],
    ["network.safetensors", await joined(checkpointChunks(published))],
  ];
  for (const name of SITE_FILES) {
    contents.push([name, await Deno.readFile(join(SITE, name))]);
  }
  for (const [name, bytes] of contents) await writeOutputFile(join(out, name), bytes);
  return {
    out,
    role,
    classes: classes.map(({ name }) => name),
    files: await Promise.all(contents.map((file) => fileSize(...file))),
  };
}

/** Folders of the machine of the run are nobody else's business. */
function withoutFolders(config: RunConfig): RunConfig {
  return JSON.parse(JSON.stringify(config, (key, value) => {
    if (key === "root" || key === "listFolder") return null;
    return key === "pretrained" && value !== null ? basename(value) : value;
  }));
}

async function joined(chunks: readonly Uint8Array[]): Promise<Uint8Array> {
  return new Uint8Array(await blobOf(chunks).arrayBuffer());
}

/** The size of a file on disk, and on the way from a server that compresses. */
export async function fileSize(name: string, bytes: Uint8Array): Promise<FileSize> {
  const compressed = blobOf([bytes]).stream().pipeThrough(new CompressionStream("gzip"));
  const { size } = await new Response(compressed).blob();
  return { name, bytes: bytes.length, gzipBytes: size };
}

const blobOf = (chunks: readonly Uint8Array[]) =>
  new Blob(chunks as Uint8Array<ArrayBuffer>[]);

/** YAML text → a checked configuration, and back. @module */

import { basename, dirname, extname, join } from "node:path";
import { listPathsIn } from "../data/selection.ts";
import { fileReadError, isMissingPath } from "../io/file_errors.ts";
import { readWholeFile } from "../io/read_whole_file.ts";
import { Document, isScalar, visit } from "../core/yaml.ts";
import { checkConfig } from "./check_config.ts";
import { nearestWord } from "./did_you_mean.ts";
import { applyOverrides } from "./overrides.ts";
import { parsePlainYaml, YamlProblem } from "./plain_yaml.ts";
import { renameOldKeys } from "./renamed_keys.ts";
import { type RunConfig, RunSchema } from "./schema.ts";

/** @throws {SyntaxError} With the line of every mistake. */
function parseYaml(text: string, fileName: string): unknown {
  try {
    return parsePlainYaml(text);
  } catch (error) {
    if (!(error instanceof YamlProblem)) throw error;
    const lines = error.problems.map(({ line, reason }) =>
      line === null ? ` ${reason}` : `\n  line ${line}: ${reason}`
    );
    throw new SyntaxError(`Cannot read "${fileName}" as YAML:${lines.join("")}`, {
      cause: error,
    });
  }
}

/**
 * Reads a run's configuration and checks all of it.
 *
 * @param text YAML.
 * @param fileName For messages.
 * @param overrides Values that replace those of the file, as `path.to.key=value`.
 * @param log Called with a sentence each if the text or the overrides use keys of earlier
 * versions.
 * @returns The configuration with every default filled in.
 * @throws {SyntaxError} If the text is not YAML, or not a configuration: one line per
 * problem, each with its path.
 * @throws {RangeError} If an override leads nowhere.
 */
export function parseConfig(
  text: string,
  fileName: string,
  overrides: readonly string[] = [],
  log: (line: string) => void = () => {},
): RunConfig {
  const given = renameOldKeys(parseYaml(text, fileName), fileName);
  const complete = RunSchema.safeParse(given.root).data;
  const { root, notes } = applyOverrides(given.root, complete, overrides);
  for (const [origin, renamed] of [[fileName, given.notes], ["--set", notes]] as const) {
    if (renamed.length === 0) continue;
    log(
      `"${origin}" uses names of an earlier version: ${[...new Set(renamed)].join(", ")}`,
    );
  }
  if (root === null) {
    throw new SyntaxError(`Cannot use "${fileName}": the file is empty`);
  }
  return checkConfig(root, fileName);
}

async function similarFileHint(path: string): Promise<string> {
  try {
    const names: string[] = [];
    for await (const entry of Deno.readDir(dirname(path))) names.push(entry.name);
    const meant = nearestWord(basename(path), names.sort());
    return meant === null ? "" : `; did you mean "${meant}"?`;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}

/**
 * Reads and checks a configuration file. A `list` of images may lie beside it or, for the
 * configuration in a run's folder, in its folder `lists`.
 *
 * @param path A YAML file.
 * @param overrides As for {@linkcode parseConfig}.
 * @param log As for {@linkcode parseConfig}.
 * @throws {Deno.errors.NotFound} If there is no such file; names a similar one.
 * @throws {SyntaxError | RangeError} As {@linkcode parseConfig}.
 */
export async function loadConfig(
  path: string,
  overrides: readonly string[] = [],
  log: (line: string) => void = () => {},
): Promise<RunConfig> {
  let bytes: Uint8Array;
  try {
    bytes = await readWholeFile(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw fileReadError(path, error);
    throw new Deno.errors.NotFound(
      `Cannot read "${path}": there is no such file${await similarFileHint(path)}`,
    );
  }
  const config = parseConfig(decodeText(bytes, path), path, overrides, log);
  return await withListFolder(config, dirname(path), join(dirname(path), "lists"));
}

// Other encodings would change names of classes and folders without a word.
function decodeText(bytes: Uint8Array, path: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    const [first = 0, second = 0] = bytes;
    const isUtf16 = first + second === 0xff + 0xfe && Math.min(first, second) === 0xfe;
    const reason = bytes.includes(0) && !isUtf16
      ? "it is no text"
      : `it is encoded as ${
        isUtf16 ? "UTF-16" : "something else"
      } and not as UTF-8: save ` +
        "it as UTF-8";
    throw new SyntaxError(`Cannot read "${path}" as YAML: ${reason}`);
  }
}

/** The name of an experiment: its file's name without folder and ending. */
export function configName(path: string): string {
  return basename(path, extname(path));
}

/**
 * Writes a configuration in full, defaults included.
 *
 * @returns YAML that {@linkcode parseConfig} turns into an equal configuration.
 */
export function stringifyConfig(config: RunConfig): string {
  const document = new Document(config);
  visit(document, {
    // [1, 2, 3] on one line is easier to read than three lines.
    Seq(_, node) {
      node.flow = node.items.every(isScalar);
    },
  });
  return document.toString({ lineWidth: 0 });
}

/**
 * Sets `data.listFolder` to the first folder in which a list of the configuration lies: the
 * one that it names itself, or one of some others. Without any, it stays as it is.
 */
export async function withListFolder(
  config: RunConfig,
  ...others: readonly string[]
): Promise<RunConfig> {
  const { data } = config;
  if (data.kind === "embedded") return config;
  const { source, target, evaluations, listFolder } = data;
  const lists = [source, target, ...Object.values(evaluations)]
    .flatMap((split) => split?.list ?? []);
  for (const folder of listFolder === null ? others : [listFolder, ...others]) {
    for (const path of lists.flatMap((list) => listPathsIn(folder, list))) {
      if (await isFile(path)) return { ...config, data: { ...data, listFolder: folder } };
    }
  }
  return config;
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch (error) {
    // One that may not be looked up is a file until it is read, and the error says why.
    return !isMissingPath(error) && !(error instanceof Deno.errors.NotCapable);
  }
}

/** YAML text → a checked configuration, and back. @module */

import { basename, dirname, extname } from "node:path";
import { readError } from "../core/read_error.ts";
import { Document, isScalar, parseDocument, visit } from "../core/yaml.ts";
import { withLists } from "./lists.ts";
import { nearest } from "./nearest.ts";
import { applyOverrides } from "./overrides.ts";
import { problemLines } from "./problems.ts";
import { type RunConfig, RunSchema } from "./schema.ts";

/** @throws {SyntaxError} With the line of every mistake. */
function parseYaml(text: string, fileName: string): unknown {
  const document = parseDocument(text, { prettyErrors: true });
  const problems = document.errors.map(({ message, linePos }) => {
    const [reason = message] = message.split(/ at line \d+/);
    return `\n  line ${linePos?.[0].line ?? 1}: ${reason}`;
  });
  if (problems.length > 0) {
    throw new SyntaxError(`Cannot read "${fileName}" as YAML:${problems.join("")}`);
  }
  return document.toJS();
}

/**
 * Reads a run's configuration and checks all of it.
 *
 * @param text YAML.
 * @param fileName For messages.
 * @param overrides Values that replace those of the file, as `path.to.key=value`.
 * @returns The configuration with every default filled in.
 * @throws {SyntaxError} If the text is not YAML, or not a configuration: one line per
 * problem, each with its path.
 * @throws {RangeError} If an override leads nowhere.
 */
export function readConfig(
  text: string,
  fileName: string,
  overrides: readonly string[] = [],
): RunConfig {
  const given = parseYaml(text, fileName);
  const root = applyOverrides(given, RunSchema.safeParse(given).data, overrides);
  if (root === null) {
    throw new SyntaxError(`Cannot use "${fileName}": the file is empty`);
  }
  const result = RunSchema.safeParse(root);
  if (result.success) return result.data;
  const problems = problemLines(result.error, RunSchema, root);
  throw new SyntaxError(
    `Cannot use "${fileName}":\n${problems.map((line) => `  ${line}`).join("\n")}`,
  );
}

async function filesLike(path: string): Promise<string> {
  try {
    const names: string[] = [];
    for await (const entry of Deno.readDir(dirname(path))) names.push(entry.name);
    const meant = nearest(basename(path), names.sort());
    return meant === null ? "" : `; did you mean "${meant}"?`;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}

/**
 * Reads and checks a configuration file. A `list` of pictures may lie beside it.
 *
 * @param path A YAML file.
 * @param overrides As for {@linkcode readConfig}.
 * @throws {Deno.errors.NotFound} If there is no such file; names a similar one.
 * @throws {SyntaxError | RangeError} As {@linkcode readConfig}.
 */
export async function loadConfig(
  path: string,
  overrides: readonly string[] = [],
): Promise<RunConfig> {
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw readError(path, error);
    throw new Deno.errors.NotFound(
      `Cannot read "${path}": there is no such file${await filesLike(path)}`,
    );
  }
  return await withLists(readConfig(text, path, overrides), dirname(path));
}

/** The name of an experiment: its file's name without folder and ending. */
export function configName(path: string): string {
  return basename(path, extname(path));
}

/**
 * Writes a configuration in full, defaults included.
 *
 * @returns YAML that {@linkcode readConfig} turns into an equal configuration.
 */
export function writeConfig(config: RunConfig): string {
  const document = new Document(config);
  visit(document, {
    // [1, 2, 3] on one line is easier to read than three lines.
    Seq(_, node) {
      node.flow = node.items.every(isScalar);
    },
  });
  return document.toString({ lineWidth: 0 });
}

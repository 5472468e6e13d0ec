/**
 * The documents that are made from the code: the JSON schema of a configuration and, in
 * Markdown files, the parts between two marks.
 *
 * @module
 */
import { join } from "node:path";
import { configName } from "../../src/config/read.ts";
import { configReference } from "./config_reference.ts";
import { describedConfigSchema } from "./config_schema.ts";

const BEGIN = "<!-- deno-fmt-ignore-start -->\n";
const END = "\n<!-- deno-fmt-ignore-end -->";

/** The help of a command, by the name that follows `deno task`. */
export type HelpTexts = Readonly<Record<string, string>>;

/** A file as it should be. */
export interface GeneratedFile {
  /** From the repository's root. */
  readonly path: string;
  readonly text: string;
}

/**
 * Makes every generated document anew.
 *
 * @param root The repository.
 * @param help What the commands say of themselves.
 * @param comparisons The tables of `bench methods --track camvid`.
 * @throws {RangeError} If a setting has no doc comment, or a document lacks its marks.
 */
export async function generatedDocs(
  root: string,
  help: HelpTexts,
  comparisons: string,
): Promise<GeneratedFile[]> {
  const schema = await describedConfigSchema();
  const filled = async (path: string, parts: Readonly<Record<string, string>>) => {
    const document = await Deno.readTextFile(join(root, path));
    const text = Object.entries(parts).reduce(
      (document, [part, text]) => replacePart(document, path, part, text),
      document,
    );
    return { path, text };
  };
  return [
    { path: "configs/schema.json", text: `${JSON.stringify(schema, null, 1)}\n` },
    await filled("docs/configuration.md", { settings: configReference(schema) }),
    await filled("docs/commands.md", { commands: commandReference(help) }),
    await filled("docs/results.md", { comparisons, configs: await configResults(root) }),
  ];
}

/**
 * Replaces what stands between the marks of a part: a comment with its name, then those
 * that keep the formatter away.
 */
function replacePart(document: string, path: string, part: string, text: string): string {
  const mark = `<!-- ${part}: made by "deno task docs" -->\n\n${BEGIN}`;
  const begin = document.indexOf(mark);
  const end = document.indexOf(END, begin);
  if (begin < 0 || end < 0) {
    throw new RangeError(
      `Cannot write the ${part} into "${path}": it needs the lines\n${mark}${END}`,
    );
  }
  return `${document.slice(0, begin)}${mark}\n${text}\n${document.slice(end)}`;
}

function commandReference(help: HelpTexts): string {
  return Object.entries(help).map(([name, text]) =>
    `## \`deno task ${name}\`\n\n\`\`\`text\n${text.trim()}\n\`\`\``
  ).join("\n\n");
}

/** What the header of every configuration says came out. */
async function configResults(root: string): Promise<string> {
  const names: string[] = [];
  for await (const { name } of Deno.readDir(join(root, "configs"))) {
    if (name.endsWith(".yaml")) names.push(name);
  }
  const lines = await Promise.all(
    names.sort().map(async (name) => {
      const text = await Deno.readTextFile(join(root, "configs", name));
      return `| [\`${configName(name)}\`](../configs/${name}) | ${headerResult(text)} |`;
    }),
  );
  return ["| configuration | result |", "| --- | --- |", ...lines].join("\n");
}

/** The paragraph after "result:" in the comment at the top of a configuration. */
function headerResult(text: string): string {
  const [header = ""] = text.split(/\n(?!#)/, 1);
  const lines = header.split("\n").map((line) => line.replace(/^#\s*/, ""));
  const first = lines.findIndex((line) => line.startsWith("result:"));
  return lines.slice(first).join(" ").replace(/^result:\s*/, "").replaceAll("|", "\\|");
}

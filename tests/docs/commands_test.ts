// Every command line in the documents must be one that works: its task exists, and its help
// knows the options.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { CommandMain } from "../../src/cli/command.ts";
import { call } from "../support/commands.ts";
import { codeBlocks, codeSpans, type Document, documents, ROOT } from "./documents.ts";

const { tasks } = JSON.parse(await Deno.readTextFile(join(ROOT, "deno.json")));
const schema = JSON.parse(await Deno.readTextFile(join(ROOT, "configs/schema.json")));

/** A command line of a document. */
interface CommandLine {
  /** The task, or the file that Deno runs. */
  readonly program: string;
  readonly words: readonly string[];
}

// What starts ranks may come first.
const LAUNCHER = /^(?:until )?(?:mpirun|srun) .*?(?=deno task )/;

const START =
  /^(?:npx -y deno@[\d.]+|deno) task (\S+)|^(?:npx -y deno@[\d.]+|deno) run -A (\S+\.ts)|^\S*pack\/run\.sh (\S+)/;

function parseCommandLine(text: string): CommandLine | null {
  const line = text.replace(LAUNCHER, "").replace(/^(deno task) --quiet/, "$1")
    .replace(/; do$/, "");
  const match = START.exec(line);
  const program = match?.[1] ?? match?.[2] ?? match?.[3];
  if (match === null || program === undefined) return null;
  const words = line.slice(match[0].length).split(/\s+/).filter(Boolean);
  return { program: program === "eval.ts" ? "eval" : program, words };
}

/** The command lines in blocks of a shell and between backticks. */
function commandLines(document: Document): CommandLine[] {
  const lines = codeBlocks(document)
    .filter(({ language }) => language === "sh")
    .flatMap(({ code }) => code.replaceAll(/\\\n\s*/g, "").split("\n"))
    .map((line) => line.replace(/\s+#.*$/, "").trim());
  return [...lines, ...codeSpans(document)].flatMap((line) =>
    parseCommandLine(line) ?? []
  );
}

const helpTexts = new Map<string, string>();

async function helpOf(task: string): Promise<string> {
  const known = helpTexts.get(task);
  if (known !== undefined) return known;
  // The same with one right more.
  const file = task.replace(/:net$/, "").replaceAll("-", "_");
  const { main } = await import(`../../tasks/${file}.ts`) as { main: CommandMain };
  const { out } = await call(main, "--help");
  helpTexts.set(task, out);
  return out;
}

/** Whether a path of keys is in a schema, in any of its variants. */
function hasKey(node: Record<string, unknown>, path: readonly string[]): boolean {
  const variants = [node["anyOf"], node["oneOf"]].flatMap((all) => all ?? []);
  if (variants.some((one) => hasKey(one as Record<string, unknown>, path))) return true;
  const [key, ...rest] = path;
  if (key === undefined) return true;
  const properties = (node["properties"] ?? {}) as Record<string, unknown>;
  const inner = properties[key] ?? node["additionalProperties"] ??
    (/^\d+$/.test(key) ? node["items"] : undefined);
  return typeof inner === "object" && inner !== null &&
    hasKey(inner as Record<string, unknown>, rest);
}

for (const document of await documents()) {
  const lines = commandLines(document);
  if (lines.length === 0) continue;
  Deno.test(`${document.path} shows commands and options that exist`, async () => {
    for (const { program, words } of lines) {
      const line = `${program} ${words.join(" ")}`;
      if (program.endsWith(".ts")) {
        assert.ok(existsSync(join(ROOT, program)), `${line}: there is no such file`);
        continue;
      }
      assert.ok(program in tasks, `${line}: deno.json has no such task`);
      const options = words.filter((word) => /^--[a-z]/.test(word));
      const help = options.length === 0 ? "" : await helpOf(program);
      for (const option of options) {
        const [name = ""] = option.split("=");
        assert.match(help, new RegExp(`${name}(?![\\w-])`), `${line}: no option ${name}`);
      }
      for (const word of words) {
        if (!/^configs\/\S+\.yaml$/.test(word)) continue;
        assert.ok(existsSync(join(ROOT, word)), `${line}: there is no ${word}`);
      }
      words.forEach((word, i) => {
        const [key = ""] = words[i - 1] === "--set" ? word.split("=") : [];
        assert.ok(
          key === "" || hasKey(schema, key.split(".")),
          `${line}: no setting ${key}`,
        );
      });
    }
  });
}

Deno.test("documents name the version of Deno that CI uses", async () => {
  const ci = await Deno.readTextFile(join(ROOT, ".ci/run"));
  const [, version] = /^readonly VERSION=(\S+)$/m.exec(ci) ?? [];
  for (const { path, text } of await documents()) {
    for (const [name] of text.matchAll(/deno@[\d.]+\d/g)) {
      assert.equal(name, `deno@${version}`, path);
    }
  }
});

/**
 * Writes the documents that are made from the code; see `deno task docs --help`.
 *
 * @module
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type CommandMain, defineCommand } from "../src/cli/command.ts";
import { evidenceMarkdown } from "../bench/evidence/markdown.ts";
import { readEvidence } from "../bench/evidence/report.ts";
import { option } from "../src/cli/option.ts";
import { generatedDocs } from "../tools/docs/generated_docs.ts";
import { main as bench } from "./bench.ts";
import { main as bundle } from "./bundle.ts";
import { main as convert } from "./convert.ts";
import { main as demoPage } from "./demo_page.ts";
import { main as doctor } from "./doctor.ts";
import { main as download } from "./download.ts";
import { main as evaluate } from "./eval.ts";
import { main as exportNetwork } from "./export.ts";
import { main as fuzz } from "./fuzz.ts";
import { main as init } from "./init.ts";
import { main as pack } from "./pack.ts";
import { main as predict } from "./predict.ts";
import { main as prepare } from "./prepare.ts";
import { main as train } from "./train.ts";
import { main as ui } from "./ui.ts";
import { main as verify } from "./verify.ts";
import { main as wasm } from "./wasm.ts";

const ROOT = fileURLToPath(import.meta.resolve("../"));

/** Every command by its task, in the order in which one meets them. */
const COMMANDS: Readonly<Record<string, CommandMain>> = {
  train,
  ui,
  eval: evaluate,
  predict,
  "demo-page": demoPage,
  bundle,
  init,
  prepare,
  download,
  convert,
  export: exportNetwork,
  doctor,
  verify,
  pack,
  bench,
  fuzz,
  wasm,
  docs: (args, terminal) => main(args, terminal),
};

/** What a command says of itself, without the paths of this machine. */
async function helpText(command: CommandMain): Promise<string> {
  let text = "";
  const write = (more: string) => {
    text += more;
  };
  await command(["--help"], {
    writeOut: write,
    writeErr: write,
    isOutTty: false,
    isErrTty: false,
    color: false,
    columns: 90,
  });
  return text.replaceAll(ROOT, "");
}

const readIfThere = (path: string) =>
  Deno.readTextFile(path).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  });

/** @returns The exit status: 0 done or up to date, 1 failed or outdated, 2 wrong usage. */
export const main: CommandMain = defineCommand({
  name: "deno task docs",
  description:
    "Write what is made from the code: configs/schema.json, and the parts of " +
    "docs/ that list settings, commands and results.",
  examples: ["deno task docs", "deno task docs --check"],
  arguments: {},
  options: {
    check: option.flag("write nothing; exit with 1 if a document is out of date"),
  },
  hasJson: true,
  async action({ options: { check }, print, log }) {
    const help: Record<string, string> = {};
    for (const [name, command] of Object.entries(COMMANDS)) {
      help[name] = await helpText(command);
    }
    const outdated: string[] = [];
    const evidence = await readEvidence(join(ROOT, "bench/results"));
    const comparisons = evidenceMarkdown(evidence);
    for (const { path, text } of await generatedDocs(ROOT, help, comparisons)) {
      if (await readIfThere(join(ROOT, path)) === text) continue;
      outdated.push(path);
      if (check) log(`${path} is out of date: run deno task docs`);
      else {
        await Deno.writeTextFile(join(ROOT, path), text);
        print(`written    ${path}`);
      }
    }
    if (outdated.length === 0) print("The documents are up to date");
    return { exitCode: check && outdated.length > 0 ? 1 : 0, json: { outdated } };
  },
});

if (import.meta.main) Deno.exit(await main(Deno.args));

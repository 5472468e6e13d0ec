// The code speaks the field's language: words of an earlier dialect must not come back.
import assert from "node:assert/strict";
import { join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const FOLDERS = ["src", "tools", "tasks", "bench", "examples", "tests"];
const FILES = ["mod.ts", "nn.ts", "weights.ts", "config.ts", "eval.ts"];

/** Words that may stand nowhere, with what to say instead. */
const NOWHERE: Readonly<Record<string, string>> = {
  opinion: "pseudo-label",
  belief: "argmax and confidence",
  portion: "micro-batch",
  unsure: "uncertain",
  foretell: "estimate",
  rehearse: "dry run",
  rehearsal: "dry run",
  twin: "CPU reference",
  frugal: "activation checkpointing",
  remembered: "cached",
};

/** Words that may be no part of a name, with what to say instead. */
const NO_NAME: Readonly<Record<string, string>> = {
  sure: "confident",
  surest: "least entropy",
  told: "given, labels, reported",
  judged: "primary",
  anchored: "featureDistance",
  auxor: "auxiliary",
  beside: "auxiliary, next to",
  sides: "auxiliaryLogits",
  cells: "array, typed array",
  several: "multiTensor",
  descend: "optimizerStep",
  descent: "optimizer",
  occasion: "stepKey",
  decided: "hostInput",
  chance: "rngKey",
  stock: "tfjs",
  survey: "scan",
  loose: "unpacked",
  sealed: "unsupportedArchive",
  spare: "orphan",
  slope: "gradient",
  seen: "inspected",
  trusted: "confident",
  wrote: "recorder hook",
  silent: "zeroInit",
  blend: "lerp",
  slots: "scratch parameter sets",
  recompute: "activation checkpointing",
};

/** Names that stay, with the reason. */
const EXCEPTIONS: readonly { name: RegExp; where: RegExp; why: string }[] = [
  {
    name: /^auxor$/,
    where: /src\/(evaluate|optim|weights)|tests|tools/,
    why: "the prefix of the published semi-supervised networks in their files",
  },
  {
    name: /[cC]ells$/,
    where: /src\/cli|src\/layers|src\/models|bench|tests\/cli|tools/,
    why: "cells of a table, of a grid of pictures or of a pooling grid",
  },
  {
    name: /^slopes?$/,
    where: /examples\/espnet|tests\/examples/,
    why: "the slope of PReLU",
  },
  { name: /^seen$/, where: /^tests/, why: "what a test observed" },
  { name: /^looseObject$/, where: /./, why: "a function of zod" },
  {
    name: /^judged$/,
    where: /src\/train\/run_folder\.ts/,
    why: "a key in the summary of older runs",
  },
];

const THIS = "tests/vocabulary_test.ts";

async function* sources(folder: string): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = join(folder, name);
    if (isDirectory) {
      if (name !== "golden") yield* sources(path);
    } else if (/\.(ts|wgsl)$/.test(name)) yield path;
  }
}

/** The words of a name: `rareClassSampling` → rare, class, sampling. */
const wordsOf = (name: string): string[] =>
  name.split(/_|(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])/).map((word) =>
    word.toLowerCase()
  );

/** A word of the dialect, also in the plural. */
function find(table: Readonly<Record<string, string>>, word: string): string | undefined {
  const singular = word.replace(/s$/, "");
  const key = [word, singular].find((one) => Object.hasOwn(table, one));
  return key === undefined ? undefined : `"${key}": say ${table[key]}`;
}

const files: string[] = FILES.map((name) => join(ROOT, name));
for (const folder of FOLDERS) {
  for await (const path of sources(join(ROOT, folder))) files.push(path);
}

Deno.test("names and prose use the words of the field", async () => {
  const found: string[] = [];
  for (const path of files) {
    const file = relative(ROOT, path).replaceAll(sep, "/");
    if (file === THIS || file.endsWith("config/renamed_keys.ts")) continue;
    const text = await Deno.readTextFile(path);
    text.split("\n").forEach((line, i) => {
      for (const [word] of line.matchAll(/[A-Za-z]+/g)) {
        for (const part of wordsOf(word)) {
          const wrong = find(NOWHERE, part);
          if (wrong) found.push(`${file}:${i + 1} ${wrong}`);
        }
      }
      const code = line.replace(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`/g, "")
        .replace(/^\s*(?:\*|\/\/|\/\*).*$|\/\/.*$/g, "");
      for (const [name] of code.matchAll(/[A-Za-z_$][\w$]*/g)) {
        for (const part of wordsOf(name)) {
          const wrong = find(NO_NAME, part);
          if (wrong === undefined) continue;
          if (EXCEPTIONS.some((one) => one.name.test(name) && one.where.test(file))) {
            continue;
          }
          found.push(`${file}:${i + 1} ${name} ${wrong}`);
        }
      }
    });
  }
  assert.deepEqual(found, [], `${found.length} places`);
});

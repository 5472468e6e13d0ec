// What the documents say must be true: links lead somewhere, files and functions that they
// name exist, settings are those of the schema, and pictures are small.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { Ajv } from "../support/ajv.ts";
import { parsePlainYaml } from "../../src/config/plain_yaml.ts";
import { main as docs } from "../../tasks/docs.ts";
import { call } from "../support/commands.ts";
import {
  anchors,
  codeBlocks,
  codeSpans,
  type Document,
  documents,
  links,
  resolveLink,
  ROOT,
} from "./documents.ts";

/** Bytes; a clone should stay small. */
const LARGEST_PICTURE = 150_000;

const all = await documents();
const schema = JSON.parse(await Deno.readTextFile(join(ROOT, "configs/schema.json")));

Deno.test("deno task docs --check finds the generated documents up to date", async () => {
  const { status, error } = await call(docs, "--check");
  assert.equal(status, 0, error);
});

for (const document of all) {
  Deno.test(`${document.path} links to what is there`, () => {
    for (const target of links(document)) {
      if (/^(https?|mailto):/.test(target)) continue;
      const [file = "", anchor = ""] = target.split("#");
      const path = file === "" ? document.path : resolveLink(document, file);
      assert.ok(existsSync(join(ROOT, path)), `${target}: there is no ${path}`);
      if (anchor === "") continue;
      const linked = all.find((one) => one.path === path);
      assert.ok(linked && anchors(linked).has(anchor), `${target}: no such heading`);
    }
  });

  Deno.test(`${document.path} names files that are there`, () => {
    for (
      const path of [...codeSpans(document), ...codeBlocks(document).map(pathsIn)].flat()
    ) {
      if (!/^(src|tests|tasks|tools|bench|configs|docs|examples)\/[\w./-]+$/.test(path)) {
        continue;
      }
      assert.ok(existsSync(join(ROOT, path)), `there is no ${path}`);
    }
  });

  Deno.test(`${document.path} names functions where they are`, async () => {
    for (const [name, path] of await functionsIn(document)) {
      const text = await Deno.readTextFile(join(ROOT, path));
      assert.match(
        text,
        new RegExp(
          `\\b(function\\*?|const|class|interface|type|let) ${name}\\b|\\b${name}[(:]`,
        ),
        `${path} has no ${name}`,
      );
    }
  });
}

/** Files in the arguments of a command. */
function pathsIn({ code }: { readonly code: string }): string[] {
  return code.split(/\s+/).filter((word) => /\.(yaml|ts|json)$/.test(word));
}

/** `name` (`src/…/file.ts`) in prose, as architecture.md has it. */
function functionsIn({ text }: Document): (readonly [string, string])[] {
  const pairs = text.matchAll(
    /`([A-Za-z]\w*)(?:\(\))?`\s+\(`((?:src|tools)\/[\w./-]+\.ts)`\)/g,
  );
  return [...pairs].map(([, name = "", path = ""]) => [name, path] as const);
}

Deno.test("docs/architecture.md names every room, and draws imports that there are", async () => {
  const text = all.find(({ path }) => path === "docs/architecture.md")?.text ?? "";
  const rooms = new Map<string, string>();
  for await (const { name, isDirectory } of Deno.readDir(join(ROOT, "src"))) {
    if (isDirectory) rooms.set(name, await textOf(join(ROOT, "src", name)));
  }
  for (const [room, code] of rooms) {
    if (code === "") continue; // an empty folder
    assert.ok(text.includes(`| \`src/${room}\``), `src/${room} has no row`);
  }
  const [, picture = ""] = /```mermaid\nflowchart TD\n([\s\S]*?)```/.exec(text) ?? [];
  const arrows = picture.replaceAll(/\["[^"]*"\]/g, "").split("\n").flatMap((line) => {
    const ranks = line.split("-->").map((side) => side.trim().split(/\s*&\s*/));
    return ranks.slice(1).flatMap((to, i) =>
      (ranks[i] ?? []).flatMap((from) => to.map((one) => [from, one] as const))
    );
  });
  assert.ok(arrows.length > 20);
  for (const [from, to] of arrows) {
    const code = rooms.get(from);
    if (code === undefined) continue; // tasks and entry points
    assert.match(code, new RegExp(`from "(\\.\\./)+${to}/`), `${from} imports no ${to}`);
  }
});

/** All TypeScript of a folder. */
async function textOf(folder: string): Promise<string> {
  let text = "";
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = join(folder, name);
    if (isDirectory) text += await textOf(path);
    else if (name.endsWith(".ts")) text += await Deno.readTextFile(path);
  }
  return text;
}

type Schema = { readonly [key: string]: unknown };

/** A schema that accepts parts of a value: nothing is required. */
function partial(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(partial);
  if (typeof node !== "object" || node === null) return node;
  const { required: _, oneOf, ...rest } = node as Schema;
  const entries = Object.entries({
    ...rest,
    ...oneOf === undefined ? {} : { anyOf: oneOf },
  });
  return Object.fromEntries(entries.map(([key, value]) => [key, partial(value)]));
}

const fitsPartly = new Ajv({ strict: false }).compile(partial(schema) as object);

for (const document of all) {
  const blocks = codeBlocks(document).filter(({ language }) => language === "yaml");
  if (blocks.length === 0) continue;
  Deno.test(`${document.path} shows settings that the schema knows`, () => {
    for (const { code } of blocks) {
      const value = parsePlainYaml(code);
      if (value === null) continue; // a comment
      assert.ok(
        fitsPartly(value),
        `${code}\n${JSON.stringify(fitsPartly.errors, null, 1)}`,
      );
    }
  });
}

Deno.test("pictures of the documents are small, and each is shown", async () => {
  const shown = new Set(
    all.flatMap((document) => links(document).map((link) => resolveLink(document, link))),
  );
  for await (const { name } of Deno.readDir(join(ROOT, "docs/images"))) {
    const path = `docs/images/${name}`;
    const { size } = await Deno.stat(join(ROOT, path));
    assert.ok(size <= LARGEST_PICTURE, `${path} has ${size} bytes`);
    assert.ok(shown.has(path), `no document shows ${path}`);
  }
});

Deno.test("README.md fits two screens", () => {
  const readme = all.find(({ path }) => path === "README.md");
  assert.ok((readme?.text.split("\n").length ?? Infinity) <= 140);
});

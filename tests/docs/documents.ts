/** The documents of the repository, and what stands in them. @module */
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository. */
export const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** A Markdown file. */
export interface Document {
  /** From the root, with slashes. */
  readonly path: string;
  readonly text: string;
}

/** A block between fences. */
export interface CodeBlock {
  /** What stands behind the fence, e.g. `ts ignore`. */
  readonly language: string;
  readonly code: string;
}

const FOLDERS = ["", "docs/", "bench/", "examples/espnet/", "configs/splits/"];

/** Every document. */
export async function documents(): Promise<Document[]> {
  const found: Document[] = [];
  for (const folder of FOLDERS) {
    for await (const { name, isFile } of Deno.readDir(join(ROOT, folder))) {
      if (!isFile || !name.endsWith(".md")) continue;
      const path = folder + name;
      found.push({ path, text: await Deno.readTextFile(join(ROOT, path)) });
    }
  }
  return found.sort((a, b) => a.path < b.path ? -1 : 1);
}

/** The blocks of code of a document, without the indentation of a list. */
export function codeBlocks({ text }: Document): CodeBlock[] {
  const blocks = text.matchAll(/^( *)```([^\n]*)\n([\s\S]*?)^\1```/gm);
  return [...blocks].map(([, indent = "", language = "", code = ""]) => ({
    language: language.trim(),
    code: code.replaceAll(new RegExp(`^${indent}`, "gm"), ""),
  }));
}

/** A document without its blocks of code. */
export function prose({ text }: Document): string {
  return text.replace(/^( *)```[\s\S]*?^\1```/gm, "");
}

/** The spans between single backticks in the prose of a document. */
export function codeSpans(document: Document): string[] {
  const spans = prose(document).matchAll(/(?<!`)`([^`\n]+)`(?!`)/g);
  return [...spans].map(([, span = ""]) => span);
}

/** Where the links and pictures of a document lead, without its own anchors removed. */
export function links(document: Document): string[] {
  const text = prose(document).replaceAll(/(?<!`)`[^`\n]+`(?!`)/g, "code");
  const inline = [...text.matchAll(/\]\(([^)\s]+)\)/g)];
  const pictures = [...text.matchAll(/<img[^>]*\bsrc="([^"]+)"/g)];
  return [...inline, ...pictures].map(([, target = ""]) => target);
}

/** A path from the root for a relative link of a document. */
export function resolveLink({ path }: Document, target: string): string {
  return join(dirname(path), decodeURIComponent(target)).replaceAll("\\", "/");
}

/** The anchors that a renderer gives to the headings of a document. */
export function anchors(document: Document): Set<string> {
  const headings = [...prose(document).matchAll(/^#+ (.+)$/gm)];
  const seen = new Map<string, number>();
  return new Set(headings.map(([, heading = ""]) => {
    const slug = heading.toLowerCase()
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1")
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
      .trim()
      .replaceAll(/\s/g, "-");
    const before = seen.get(slug) ?? 0;
    seen.set(slug, before + 1);
    return before === 0 ? slug : `${slug}-${before}`;
  }));
}

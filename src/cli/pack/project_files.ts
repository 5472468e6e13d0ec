/** The project's own part of a pack. @module */
import { join } from "node:path";
import { filesIn, type PackedFile } from "./part.ts";

/** What a task may read; data, runs and packs that lie beside it stay behind. */
const PROJECT = new Set([
  "LICENSE",
  "README.md",
  "bench/",
  "configs/",
  "deno.json",
  "deno.lock",
  "eval.ts",
  "examples/",
  "mod.ts",
  "src/",
  "tasks/",
  "tests/",
]);

/**
 * Lists the files of the project.
 *
 * @param root The folder of deno.json.
 */
export async function projectFiles(root: string): Promise<PackedFile[]> {
  const paths = await filesIn(root, (path) => {
    const isTop = !path.slice(0, -1).includes("/");
    return isTop ? PROJECT.has(path) : !/\/(?:\.|node_modules\/$)/.test(path);
  });
  return paths.map((path) => ({ from: join(root, path), to: `fst/${path}` }));
}

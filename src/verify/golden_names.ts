/** From what a shell hands over to golden files. @module */
import { join } from "node:path";

const ENDING = /\.(json|safetensors)$/;

/**
 * Names every golden file once, by its `.safetensors`, in order.
 *
 * @param paths Either file of a pair, or folders that hold such pairs.
 * @throws {RangeError} If a path is neither, or a folder holds none.
 */
export async function goldenFiles(paths: readonly string[]): Promise<string[]> {
  const found = new Set<string>();
  for (const path of paths) {
    if (ENDING.test(path)) {
      found.add(path.replace(ENDING, ".safetensors"));
      continue;
    }
    const inside = await filesIn(path);
    if (inside === null) {
      throw new RangeError(
        `Cannot verify "${path}": give .safetensors or .json files, or folders with them`,
      );
    }
    const pairs = inside.filter((name) =>
      name.endsWith(".safetensors") && inside.includes(name.replace(ENDING, ".json"))
    );
    if (pairs.length === 0) {
      throw new RangeError(
        `Cannot verify "${path}": it holds no .safetensors with a .json beside it`,
      );
    }
    for (const name of pairs.sort()) found.add(join(path, name));
  }
  return [...found];
}

async function filesIn(path: string): Promise<string[] | null> {
  try {
    return await Array.fromAsync(Deno.readDir(path), ({ name }) => name);
  } catch {
    return null; // no folder
  }
}

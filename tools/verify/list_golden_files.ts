/** From what a shell hands over to golden files. @module */
import { join } from "node:path";

const GOLDEN_EXTENSION = /\.(json|safetensors)$/;

/**
 * Names every golden file once, by its `.safetensors`, in order.
 *
 * @param paths Either file of a pair, or folders that hold such pairs.
 * @throws {RangeError} If a path is neither, or a folder holds none.
 */
export async function listGoldenFiles(paths: readonly string[]): Promise<string[]> {
  const goldens = new Set<string>();
  for (const path of paths) {
    if (GOLDEN_EXTENSION.test(path)) {
      goldens.add(path.replace(GOLDEN_EXTENSION, ".safetensors"));
      continue;
    }
    const entries = await filesIn(path);
    if (entries === null) {
      throw new RangeError(
        `Cannot verify "${path}": give .safetensors or .json files, or folders with them`,
      );
    }
    const pairs = entries.filter((name) =>
      name.endsWith(".safetensors") &&
      entries.includes(name.replace(GOLDEN_EXTENSION, ".json"))
    );
    if (pairs.length === 0) {
      throw new RangeError(
        `Cannot verify "${path}": it holds no .safetensors with a .json beside it`,
      );
    }
    for (const name of pairs.sort()) goldens.add(join(path, name));
  }
  return [...goldens];
}

async function filesIn(path: string): Promise<string[] | null> {
  try {
    return await Array.fromAsync(Deno.readDir(path), ({ name }) => name);
  } catch {
    return null; // no folder
  }
}

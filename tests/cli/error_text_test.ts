// Sentences of this program reach its user as they are, and none looks like an engine's.
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { errorText } from "../../src/cli/error_text.ts";

const SOURCES = fileURLToPath(new URL("../../src/", import.meta.url));

Deno.test("errorText() takes no sentence in the sources for one of an engine", async () => {
  const taken: string[] = [];
  let count = 0;
  const visit = async (folder: string): Promise<void> => {
    for await (const { name, isDirectory } of Deno.readDir(folder)) {
      const path = join(folder, name);
      if (isDirectory) await visit(path);
      else if (name.endsWith(".ts")) {
        const text = await Deno.readTextFile(path);
        for (const [sentence] of text.matchAll(/(?<=[`"'])Cannot [^`\n]{3,40}/g)) {
          count++;
          if (errorText(new Error(sentence)) !== sentence) taken.push(sentence);
        }
      }
    }
  };
  await visit(SOURCES);
  assert.deepEqual(taken, []);
  assert.ok(count > 100, "the sentences were found");
});

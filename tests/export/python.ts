/** Python programs that open exported files. @module */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { succeeds } from "../support/files.ts";

const PROGRAM = fileURLToPath(new URL("./open_files.py", import.meta.url));

/** Whether Python has all of these modules. */
export const hasModules = (...names: string[]): Promise<boolean> =>
  succeeds("python3", "-B", "-c", `import ${names}`).catch(() => false);

/** Runs a task of `open_files.py`, which must succeed. @returns What it prints. */
export async function openWithPython(...args: string[]): Promise<string> {
  const command = new Deno.Command("python3", { args: ["-B", PROGRAM, ...args] });
  const { success, stdout, stderr } = await command.output();
  assert.ok(success, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

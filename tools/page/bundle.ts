/** The library as one file for pages. @module */
import { join } from "node:path";
import { statOrNull } from "../../src/io/file_errors.ts";

const ROOT = join(import.meta.dirname ?? "", "..", "..");

/** What a pack has in place of the bundler, which has to be fetched. */
export const SHIPPED_BUNDLE = "tools/page/fst.js";

/**
 * Bundles `browser.ts` and all that it reaches, or takes the bundle of a pack.
 *
 * In place of the umbrella package of TensorFlow.js stands its core: a page computes no
 * gradients (`browser_imports.json`).
 *
 * @returns A JavaScript module.
 * @throws {Error} If it cannot be bundled: the first time, Deno fetches the bundler,
 * esbuild, from npm.
 */
export async function bundleLibrary(): Promise<Uint8Array> {
  const shipped = join(ROOT, SHIPPED_BUNDLE);
  if (await statOrNull(shipped) !== null) return await Deno.readFile(shipped);
  const folder = await Deno.makeTempDir();
  try {
    const file = join(folder, "fst.js");
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        "bundle",
        "--quiet",
        "--platform=browser",
        "--minify",
        "--import-map=tools/page/browser_imports.json",
        `--output=${file}`,
        "browser.ts",
      ],
      cwd: ROOT,
      env: { NO_COLOR: "1" },
    }).output();
    if (success) return await Deno.readFile(file);
    throw new Error(`Cannot bundle "browser.ts": ${reasonOf(stderr)}`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

// Deno says what failed after "error:", and then goes into details.
function reasonOf(stderr: Uint8Array): string {
  const text = new TextDecoder().decode(stderr);
  const reason = (/^error: (.+)$/m.exec(text)?.[1] ?? text.trim()).replace(
    /[.:\s]+$/,
    "",
  );
  return /^Failed (?:loading|caching)/.test(reason)
    ? `${reason}: connect to npm's registry, once`
    : reason;
}

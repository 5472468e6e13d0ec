// Deno fetches every package of a lock file at the first run, whatever that imports.
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { sourcesBelow } from "./support/files.ts";

const ROOT = new URL("../", import.meta.url);
const PACKAGE = /["']npm:((?:@[^/@"']+\/)?[^/@"']+)@[^"']*["']/g;

async function packagesNamedBelow(folder: string): Promise<Set<string>> {
  const names = new Set<string>();
  for await (const path of sourcesBelow(fileURLToPath(new URL(folder, ROOT)))) {
    const text = await Deno.readTextFile(path);
    for (const [, name = ""] of text.matchAll(PACKAGE)) names.add(name);
  }
  return names;
}

async function lockedIn(file: string): Promise<string> {
  const lock = JSON.parse(await Deno.readTextFile(new URL(file, ROOT)));
  return JSON.stringify(Object.keys(lock.specifiers));
}

Deno.test("deno.lock has what users run, and tests/deno.lock what tests and tools need, too", async () => {
  const [users, all] = [await lockedIn("deno.lock"), await lockedIn("tests/deno.lock")];
  const isIn = (locked: string, name: string) => locked.includes(`"npm:${name}@`);
  for (const name of await packagesNamedBelow("src")) {
    assert(isIn(users, name) && isIn(all, name), `${name} is locked`);
  }
  for (const folder of ["tests/support", "tools/dawn", "tools/wasm", "bench/peers"]) {
    for (const name of await packagesNamedBelow(folder)) {
      assert(isIn(all, name), `${name} is locked for tests`);
      assert(
        !isIn(users, name),
        `${name} is not for users: run tests by "deno task test"`,
      );
    }
  }
});

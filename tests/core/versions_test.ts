import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { versions } from "../../src/core/versions.ts";
import { sourcesBelow } from "../support/files.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

Deno.test("versions() are those of deno.json, of Deno and of the imported packages", async () => {
  const config = JSON.parse(await Deno.readTextFile(join(ROOT, "deno.json")));
  const { fst, deno, tfjs, ...others } = versions();
  assert.deepEqual(others, {});
  assert.equal(fst, config.version);
  assert.equal(deno, Deno.version.deno);
  for await (const path of sourcesBelow(join(ROOT, "src"))) {
    const text = await Deno.readTextFile(path);
    for (const [, version] of text.matchAll(/"npm:@tensorflow\/tfjs[^@"]*@([^"/]+)/g)) {
      assert.equal(version, tfjs, path);
    }
  }
});

Deno.test("versions() are typed by hand nowhere in src/core", async () => {
  const text = await Deno.readTextFile(join(ROOT, "src/core/versions.ts"));
  assert.doesNotMatch(text, /\d+\.\d+\.\d+/);
});

Deno.test("every package is imported in one version", async () => {
  const found = new Map<string, string>();
  for await (const path of sourcesBelow(join(ROOT, "src"))) {
    const text = await Deno.readTextFile(path);
    const specifiers = text.matchAll(/\bfrom\s+"npm:((?:@[^/"]+\/)?[^@"/]+)@([^"/]+)/g);
    for (const [, name = "", version = ""] of specifiers) {
      assert.equal(found.get(name) ?? version, version, `${name} in ${path}`);
      found.set(name, version);
    }
  }
  assert.ok(found.size > 5, [...found.keys()].join());
});

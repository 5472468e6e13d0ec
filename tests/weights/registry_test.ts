import assert from "node:assert/strict";
import { filesOf } from "../../src/weights/published_weights.ts";
import { WEIGHTS, weightsNamed } from "../../src/weights/registry.ts";

Deno.test("the registry names each entry and each file once", () => {
  const unique = (all: readonly string[]) => assert.equal(new Set(all).size, all.length);
  unique(WEIGHTS.map(({ name }) => name));
  unique(WEIGHTS.flatMap(filesOf).map(({ file }) => file.toLowerCase()));
  for (const { name } of WEIGHTS) assert.match(name, /^[a-z0-9]+(-[a-z0-9]+)+$/);
});

Deno.test("the registry has two places for everything but a folder of one checkpoint", () => {
  for (const { name, sources } of WEIGHTS) {
    const least = name === "daformer-gta" ? 1 : 2;
    assert(sources.length >= least, `${name} has ${sources.length}`);
    for (const source of sources) {
      const { protocol, search } = new URL("url" in source ? source.url : source.page);
      assert.equal(protocol, "https:", name);
      if ("url" in source) assert.equal(search, "", `${name}: no address with a token`);
      else assert.doesNotMatch(source.manual, /\.$/, name);
    }
  }
});

Deno.test("checksums of the registry are whole and agree with names", () => {
  for (const { file, sha256, sha256Prefix, bytes } of WEIGHTS.flatMap(filesOf)) {
    assert.match(file, /^[A-Za-z0-9][A-Za-z0-9._-]*\.(pth|bin|tar\.gz)$/);
    if (sha256 !== null) assert.match(sha256, /^[0-9a-f]{64}$/, file);
    if (sha256Prefix !== null) {
      assert.match(file, new RegExp(`-${sha256Prefix}\\.pth$`));
      assert(sha256?.startsWith(sha256Prefix) ?? true, file);
    }
    assert(bytes === null || Number.isSafeInteger(bytes), file);
  }
});

Deno.test("the registry's first address ends in the name of the file", () => {
  for (const { name, file, sources: [first] } of WEIGHTS) {
    if (first !== undefined && "url" in first) {
      assert(first.url.endsWith(`/${file}`), name);
    }
  }
  assert.match(weightsNamed("mit-b5").licence, /non-commercial/);
});

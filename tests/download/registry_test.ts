import assert from "node:assert/strict";
import {
  findRegistryEntry,
  publishedFilesOf,
  WEIGHTS,
} from "../../src/download/registry.ts";

Deno.test("WEIGHTS name each entry and each file once", () => {
  const unique = (all: readonly string[]) => assert.equal(new Set(all).size, all.length);
  unique(WEIGHTS.map(({ name }) => name));
  unique(WEIGHTS.flatMap(publishedFilesOf).map(({ fileName }) => fileName.toLowerCase()));
  for (const { name } of WEIGHTS) assert.match(name, /^[a-z0-9]+(-[a-z0-9]+)+$/);
});

Deno.test("WEIGHTS have two sources each, but for a folder of one checkpoint and packages", () => {
  for (const { name, sources } of WEIGHTS) {
    const least = /^daformer-gta$|^efficientnet-/.test(name) ? 1 : 2;
    assert(sources.length >= least, `${name} has ${sources.length}`);
    for (const source of sources) {
      const { protocol, search } = new URL("url" in source ? source.url : source.page);
      assert.equal(protocol, "https:", name);
      if ("url" in source) assert.equal(search, "", `${name}: no address with a token`);
      else assert.doesNotMatch(source.instruction, /\.$/, name);
    }
  }
});

Deno.test("WEIGHTS have checksums that are whole and agree with the names", () => {
  for (
    const { fileName, sha256, sha256Prefix, bytes } of WEIGHTS.flatMap(publishedFilesOf)
  ) {
    assert.match(
      fileName,
      /^[A-Za-z0-9][A-Za-z0-9._-]*\.(pth|bin|safetensors|tar\.gz|whl)$/,
    );
    if (sha256 !== null) assert.match(sha256, /^[0-9a-f]{64}$/, fileName);
    if (sha256Prefix !== null) {
      assert.match(fileName, new RegExp(`-${sha256Prefix}\\.pth$`));
      assert(sha256?.startsWith(sha256Prefix) ?? true, fileName);
    }
    assert(bytes === null || Number.isSafeInteger(bytes), fileName);
  }
});

Deno.test("WEIGHTS have a first address that ends in the name of the file", () => {
  for (const { name, fileName, sources: [first] } of WEIGHTS) {
    if (first !== undefined && "url" in first) {
      assert(first.url.endsWith(`/${fileName}`), name);
    }
  }
  assert.match(findRegistryEntry("mit-b5").license, /non-commercial/);
});

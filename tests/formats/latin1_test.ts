import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { decodeLatin1 } from "../../src/formats/latin1.ts";
import { sourcesBelow } from "../support/files.ts";

Deno.test("decodeLatin1() makes every byte the character of its number", () => {
  const memory = Uint8Array.from({ length: 258 }, (_, i) => i - 1);
  const bytes = memory.subarray(1, 257);
  const text = decodeLatin1(bytes);
  assert.deepEqual(Array.from(text, (character) => character.codePointAt(0)), [...bytes]);
  assert.equal(decodeLatin1(new Uint8Array()), "");
});

/** Other names that a TextDecoder takes for windows-1252, as the WHATWG standard says. */
const WINDOWS_1252 =
  /TextDecoder\(\s*["'](?:latin1|l1|ascii|us-ascii|iso-?8859-?1|ansi_x3[^"']*|cp819|ibm819|csisolatin1)["']/i;

Deno.test("decodeLatin1() is the only decoder of one byte per character", async () => {
  for (const label of ["latin1", "ascii", "iso-8859-1"]) {
    assert.equal(new TextDecoder(label).encoding, "windows-1252"); // which is why
  }
  for (const folder of ["src", "tasks", "tools"]) {
    const root = fileURLToPath(new URL(`../../${folder}`, import.meta.url));
    for await (const path of sourcesBelow(root)) {
      assert.doesNotMatch(await Deno.readTextFile(path), WINDOWS_1252, path);
    }
  }
});

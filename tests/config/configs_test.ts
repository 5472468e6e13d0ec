import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { loadConfig, parseConfig, stringifyConfig } from "../../src/config/read.ts";

const FOLDER = new URL("../../configs/", import.meta.url);

for await (const { name, isFile } of Deno.readDir(FOLDER)) {
  if (!isFile || !name.endsWith(".yaml")) continue; // the splits, and the schema
  const path = fileURLToPath(new URL(name, FOLDER));

  Deno.test(`configs/${name} is a complete configuration`, async () => {
    const config = await loadConfig(path);
    assert.deepEqual(parseConfig(stringifyConfig(config), name), config);
  });

  Deno.test(`configs/${name} says what it is for and what came out`, async () => {
    const text = await Deno.readTextFile(path);
    assert.match(text, /^# \S.*\n/);
    assert.match(text, /\n# result: \S/);
  });
}

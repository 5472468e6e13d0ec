import assert from "node:assert/strict";
import { join } from "node:path";
import { readWholeFile } from "../../src/io/read_whole_file.ts";
import { inFolder } from "../support/files.ts";

Deno.test("readWholeFile() reads files, and no device", async () => {
  await inFolder(async (folder) => {
    const path = join(folder, "a");
    await Deno.writeTextFile(path, "abc");
    assert.deepEqual(await readWholeFile(path), new TextEncoder().encode("abc"));
  });
  if (Deno.build.os === "windows") return;
  await assert.rejects(
    readWholeFile("/dev/zero"),
    /^Error: it is a device; name a file$/,
  );
});

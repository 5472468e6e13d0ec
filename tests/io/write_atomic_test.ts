import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { writeAtomic } from "../../src/io/write_atomic.ts";
import { inFolder, namesIn, onTinyDisk, sourcesBelow } from "../support/files.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

Deno.test("writeAtomic() writes chunks in order and leaves nothing else", () =>
  inFolder(async (folder) => {
    const path = join(folder, "file");
    await writeAtomic(path, [bytes("old")]);
    await writeAtomic(path, [bytes("one "), bytes(""), bytes("two")]);
    assert.equal(await Deno.readTextFile(path), "one two");
    assert.deepEqual(await namesIn(folder), ["file"]);
  }));

Deno.test("writeAtomic() keeps the old file when writing fails half way", () =>
  inFolder(async (folder) => {
    const path = join(folder, "file");
    await writeAtomic(path, [bytes("old")]);
    function* failing() {
      yield bytes("half");
      throw Object.assign(new Error("os error 28"), { code: "ENOSPC" });
    }
    await assert.rejects(writeAtomic(path, failing()), {
      message: `Cannot write "${path}": the disk is full; free some space and run again`,
    });
    assert.equal(await Deno.readTextFile(path), "old");
    assert.deepEqual(await namesIn(folder), ["file"]);
  }));

Deno.test("writeAtomic() overwrites what a crash before the renaming left", () =>
  inFolder(async (folder) => {
    const path = join(folder, "file");
    await writeAtomic(path, [bytes("old")]);
    await Deno.writeTextFile(join(folder, ".file.partial"), "a much longer half");
    assert.equal(await Deno.readTextFile(path), "old"); // the crash did no harm
    await writeAtomic(path, [bytes("new")]);
    assert.equal(await Deno.readTextFile(path), "new");
    assert.deepEqual(await namesIn(folder), ["file"]);
  }));

Deno.test("writeAtomic() takes a text", () =>
  inFolder(async (folder) => {
    const path = join(folder, "file");
    await writeAtomic(path, "größer\n");
    assert.equal(await Deno.readTextFile(path), "größer\n");
  }));

Deno.test("writeAtomic() lets many write one cache file at once", () =>
  inFolder(async (folder) => {
    const path = join(folder, "cache.json");
    const texts = Array.from({ length: 20 }, (_, i) => String(i).repeat(100_000));
    await Promise.all(texts.map((text) => writeAtomic(path, text, { isDurable: false })));
    assert.ok(texts.includes(await Deno.readTextFile(path)));
    assert.deepEqual(await namesIn(folder), ["cache.json"]);
    function* failing() {
      yield bytes("half");
      throw new Error("no more");
    }
    await assert.rejects(
      writeAtomic(path, failing(), { isDurable: false }),
      { message: `Cannot write "${path}": no more` },
    );
    assert.deepEqual(await namesIn(folder), ["cache.json"]);
  }));

Deno.test("writeAtomic() is the only writer that renames a file into place", async () => {
  const root = fileURLToPath(new URL("../../src/", import.meta.url));
  const renaming: string[] = [];
  for (const name of await Array.fromAsync(sourcesBelow(root))) {
    const text = await Deno.readTextFile(name);
    if (/\brandomUUID\(|\.partial\b/.test(text)) renaming.push(name.slice(root.length));
  }
  assert.deepEqual(renaming, ["io/write_atomic.ts"]);
});

Deno.test("writeAtomic() names a folder that is not there", async () => {
  await assert.rejects(writeAtomic("no/such/folder/file", [bytes("x")]), {
    message:
      'Cannot write "no/such/folder/file": its folder does not exist; create it first',
  });
});

Deno.test({
  name: "writeAtomic() keeps the old file on a full disk",
  ignore: !await onTinyDisk(64, async () => {}),
  async fn() {
    await onTinyDisk(64, async (folder) => {
      const path = join(folder, "last.safetensors");
      await writeAtomic(path, [bytes("old")]);
      await assert.rejects(writeAtomic(path, [new Uint8Array(200_000)]), {
        message:
          `Cannot write "${path}": the disk is full; free some space and run again`,
      });
      assert.equal(await Deno.readTextFile(path), "old");
      assert.deepEqual(await namesIn(folder), ["last.safetensors"]);
    });
  },
});

import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { removeDrafts, writeAtomic } from "../../src/io/write_atomic.ts";
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

Deno.test("removeDrafts() removes what killed writers left, and nothing else", () =>
  inFolder(async (folder) => {
    const draft = `.file.${crypto.randomUUID()}.partial`;
    const others = [".file.partial", "file.partial", "a.part"];
    for (const name of [draft, ...others]) {
      await Deno.writeTextFile(join(folder, name), "a half");
    }
    await removeDrafts(folder, 60_000); // its writer may be at work
    assert.deepEqual(await namesIn(folder), [draft, ...others].toSorted());
    await removeDrafts(folder, 0);
    assert.deepEqual(await namesIn(folder), others.toSorted());
    await removeDrafts(join(folder, "none"), 0);
  }));

Deno.test("writeAtomic() writes names as long as the system allows", () =>
  inFolder(async (folder) => {
    const name = "x".repeat(255);
    await writeAtomic(join(folder, name), "whole");
    assert.deepEqual(await namesIn(folder), [name]);
    await assert.rejects(writeAtomic(join(folder, `${name}x`), ""), /name is too long/);
    assert.deepEqual(await namesIn(folder), [name]);
  }));

Deno.test("writeAtomic() takes a text", () =>
  inFolder(async (folder) => {
    const path = join(folder, "file");
    await writeAtomic(path, "größer\n");
    assert.equal(await Deno.readTextFile(path), "größer\n");
  }));

Deno.test("writeAtomic() lets many write one file at once", () =>
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

import assert from "node:assert/strict";
import { join } from "node:path";
import { writeAtomic } from "../../src/weights/write_atomic.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await work(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const namesIn = async (folder: string) =>
  (await Array.fromAsync(Deno.readDir(folder), ({ name }) => name)).sort();

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

Deno.test("writeAtomic() names a folder that is not there", async () => {
  await assert.rejects(writeAtomic("no/such/folder/file", [bytes("x")]), {
    message:
      'Cannot write "no/such/folder/file": its folder does not exist; create it first',
  });
});

const run = async (command: string, ...args: string[]) =>
  (await new Deno.Command(command, { args, stderr: "null" }).output()).success;

/** Works in a file system of 64 KiB; false where mounting one is not allowed. */
async function onTinyDisk(work: (folder: string) => Promise<void>): Promise<boolean> {
  if (Deno.build.os !== "linux" || Deno.uid() !== 0) return false;
  const folder = await Deno.makeTempDir();
  const isMounted = await run("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder);
  try {
    if (isMounted) await work(folder);
  } finally {
    if (isMounted) await run("umount", folder);
    await Deno.remove(folder);
  }
  return isMounted;
}

Deno.test({
  name: "writeAtomic() keeps the old file on a full disk",
  ignore: !await onTinyDisk(async () => {}),
  async fn() {
    await onTinyDisk(async (folder) => {
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

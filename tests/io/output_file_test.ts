import assert from "node:assert/strict";
import { join } from "node:path";
import {
  assertWritableFile,
  assertWritableFolder,
  writeOutputFile,
} from "../../src/io/output_file.ts";
import { inFolder } from "../support/files.ts";

Deno.test("assertWritableFile() and assertWritableFolder() leave nothing behind", () =>
  inFolder(async (folder) => {
    const file = join(folder, "a/b/c.csv");
    await assertWritableFile(file);
    await assertWritableFolder(join(folder, "d/e"));
    const left = async (...path: string[]) =>
      await Array.fromAsync(Deno.readDir(join(folder, ...path)), ({ name }) => name);
    assert.deepEqual(await left("a/b"), []);
    assert.deepEqual(await left("d/e"), []);
    await writeOutputFile(file, new Uint8Array([7]));
    await assertWritableFile(file);
    assert.deepEqual([...await Deno.readFile(file)], [7]);
  }));

Deno.test("assertWritableFile() and assertWritableFolder() say what to do", () =>
  inFolder(async (folder) => {
    const file = join(folder, "file");
    await Deno.writeTextFile(file, "");
    const refused = (work: Promise<void>, path: string, cure: string) =>
      assert.rejects(work, { message: `Cannot write "${path}": ${cure}` });
    const below = join(file, "m.csv");
    if (Deno.build.os !== "windows") { // whose reasons are its own
      const cure = "there is a file where a folder should be; choose another folder";
      await refused(
        assertWritableFile(join(file, "x/m.csv")),
        join(file, "x/m.csv"),
        cure,
      );
      await refused(assertWritableFolder(join(file, "x")), join(file, "x"), cure);
      await refused(assertWritableFolder(file), file, cure);
      const isFolder = "there is a folder of this name; choose another name";
      await refused(assertWritableFile(folder), folder, isFolder);
    }
    await assert.rejects(assertWritableFile(join(folder, "a.jpg"), ".png"), {
      name: "RangeError",
      message: /a\.jpg": the name must end with \.png$/,
    });
    await assert.rejects(assertWritableFile(below), /^Error: Cannot write ".*m\.csv": /);
  }));

Deno.test("writeOutputFile() replaces a file as a whole, and writes through a link", () =>
  inFolder(async (folder) => {
    const [file, link] = [join(folder, "m.csv"), join(folder, "link.csv")];
    await Deno.writeTextFile(file, "a much longer old text");
    using reader = await Deno.open(file);
    await writeOutputFile(file, new Uint8Array([7]));
    assert.deepEqual([...await Deno.readFile(file)], [7]);
    const bytes = new Uint8Array(64);
    assert.equal(await reader.read(bytes), 22); // the old file, whole, for who reads it

    if (Deno.build.os !== "windows") {
      await Deno.symlink(file, link);
      await writeOutputFile(link, new Uint8Array([8]));
      assert.ok((await Deno.lstat(link)).isSymlink);
      assert.deepEqual([...await Deno.readFile(file)], [8]);
    }
    const names = await Array.fromAsync(Deno.readDir(folder), ({ name }) => name);
    assert.ok(names.every((name) => name.endsWith("m.csv") || name === "link.csv"));
    const missing = join(folder, "m.csv", "below.csv");
    await assert.rejects(
      writeOutputFile(missing, bytes),
      /^Error: Cannot write ".*below/,
    );
  }));

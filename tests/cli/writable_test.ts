import assert from "node:assert/strict";
import { join } from "node:path";
import {
  assertWritableFile,
  assertWritableFolder,
  writeResult,
} from "../../src/cli/writable.ts";
import { inFolder } from "../support/commands.ts";

Deno.test("what can be written is found out without leaving anything behind", () =>
  inFolder(async (folder) => {
    const file = join(folder, "a/b/c.csv");
    await assertWritableFile(file);
    await assertWritableFolder(join(folder, "d/e"));
    const left = async (...path: string[]) =>
      await Array.fromAsync(Deno.readDir(join(folder, ...path)), ({ name }) => name);
    assert.deepEqual(await left("a/b"), []);
    assert.deepEqual(await left("d/e"), []);
    await writeResult(file, new Uint8Array([7]));
    await assertWritableFile(file);
    assert.deepEqual([...await Deno.readFile(file)], [7]);
  }));

Deno.test("what cannot be written is named with what to do", () =>
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

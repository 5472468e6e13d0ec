import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  errorReason,
  fileReadError,
  fileWriteError,
  isNotFound,
  statOrNull,
} from "../../src/io/file_errors.ts";
import { inFolder } from "../support/files.ts";

const systemError = (code: string) => Object.assign(new Error("os error."), { code });

Deno.test("fileReadError() and fileWriteError() say what to do, with the system's error", () => {
  for (
    const [make, verb, code, remedy] of [
      [fileReadError, "read", "ENOENT", "there is no such file"],
      [fileReadError, "read", "EACCES", "permission is denied; change its permissions"],
      [fileReadError, "read", "EIO", "the disk fails"],
      [fileReadError, "read", "EODD", "os error"],
      [
        fileWriteError,
        "write",
        "ENOSPC",
        "the disk is full; free some space and run again",
      ],
      [fileWriteError, "write", "ENOENT", "its folder does not exist; create it first"],
      [fileWriteError, "write", "EODD", "os error"],
    ] as const
  ) {
    const cause = systemError(code);
    const error = make("a.png", cause);
    assert.equal(error.message, `Cannot ${verb} "a.png": ${remedy}`);
    assert.equal(error.cause, cause);
  }
  assert.ok(fileReadError("a", systemError("ENOENT")) instanceof Deno.errors.NotFound);
});

Deno.test("isNotFound() knows Deno's, Node's and our own errors", async () => {
  assert.ok(isNotFound(new Deno.errors.NotFound("ours")));
  assert.ok(isNotFound(await Deno.stat("no/such/file").catch((error) => error)));
  assert.ok(isNotFound(systemError("ENOENT")));
  for (const other of [systemError("EACCES"), new Error("x"), "ENOENT", null]) {
    assert.ok(!isNotFound(other));
  }
});

Deno.test("errorReason() has no number, call or flag list of the system", async () => {
  const long = "x".repeat(300);
  const ask = [
    () => Deno.readTextFile("/"),
    () => readFile("/"),
    () => Deno.readTextFile(long),
    () => readFile(long),
    () => Deno.readTextFile("a\0b"),
    () => readFile("a\0b"),
  ];
  for (const read of ask) {
    const reason = await read().then(() => "no error", errorReason);
    assert.match(reason, /^(it is a folder|the name is too long|its name holds .*)$/);
  }
  const refused = new Deno.errors.NotCapable(
    'Requires read access to "/a", run again with the --allow-read flag',
  );
  assert.equal(
    errorReason(refused),
    "this program has no read access to it: run with --allow-read",
  );
});

Deno.test("errorReason() is a part of a sentence", () => {
  assert.equal(errorReason(systemError("ENOENT")), "there is no such file");
  assert.equal(errorReason(new Error("It broke. ")), "It broke");
  assert.equal(errorReason("text"), "text");
});

Deno.test("statOrNull() gives null for nothing alone", () =>
  inFolder(async (folder) => {
    assert.ok((await statOrNull(folder))?.isDirectory);
    assert.equal(await statOrNull(join(folder, "none")), null);
    const file = join(folder, "file");
    await Deno.writeTextFile(file, "");
    if (Deno.build.os !== "windows") {
      await assert.rejects(statOrNull(join(file, "below")));
    }
  }));

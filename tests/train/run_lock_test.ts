// One process per run folder, and what is left of one that failed or was killed.
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { lockRunFolder } from "../../src/train/run_lock.ts";
import { train } from "../../src/train/train.ts";
import { tinyConfig } from "../support/commands.ts";
import { inFolder, namesIn } from "../support/files.ts";

const MODULE = fileURLToPath(new URL("../../src/train/run_lock.ts", import.meta.url));

/** A process that takes the lock of a folder, says how that went, and keeps it. */
function startHolder(path: string): Deno.ChildProcess {
  const program = `
    const { lockRunFolder } = await import(${JSON.stringify(MODULE)});
    try {
      await lockRunFolder(${JSON.stringify(path)});
      console.log("locked");
      setTimeout(() => {}, 60_000);
    } catch (error) {
      console.log(error.message);
    }
  `;
  const args = ["eval", "--no-check", program];
  return new Deno.Command(Deno.execPath(), { args, stdout: "piped" }).spawn();
}

async function firstLine(child: Deno.ChildProcess): Promise<string> {
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  await reader.cancel();
  return new TextDecoder().decode(value).trim();
}

Deno.test("lockRunFolder() refuses a second start at once, and names who was first", () =>
  inFolder(async (folder) => {
    const out = join(folder, "run");
    const holder = startHolder(out);
    assert.equal(await firstLine(holder), "locked");
    const message = `Cannot train in "${out}": process ${holder.pid} is doing so: wait ` +
      "until it has ended, or stop it, or choose another folder with --out";
    await assert.rejects(lockRunFolder(out), { message });
    for (const fresh of [false, true]) {
      const started = train(tinyConfig("iterations=1"), { out, backend: "wasm", fresh });
      await assert.rejects(started, { message });
    }
    holder.kill("SIGKILL");
    await holder.status;
    { // What was killed holds nothing.
      await using _lock = await lockRunFolder(out);
      await assert.rejects(lockRunFolder(out), /another call in this process/);
    }
    assert.deepEqual(await namesIn(folder), ["run"], "the holder made the folder");
    assert.deepEqual(await namesIn(out), []);
  }));

Deno.test("lockRunFolder() lets one of many through that start in the same instant", () =>
  inFolder(async (folder) => {
    const out = join(folder, "a", "run");
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, () => lockRunFolder(out)),
    );
    const locks = outcomes.flatMap((one) => one.status === "fulfilled" ? one.value : []);
    assert.equal(locks.length, 1);
    for (const lock of locks) await lock[Symbol.asyncDispose]();
    await (await lockRunFolder(out))[Symbol.asyncDispose]();
  }));

Deno.test("lockRunFolder() leaves no folder of a start that failed", () =>
  inFolder(async (folder) => {
    const out = join(folder, "a", "run");
    {
      await using _lock = await lockRunFolder(out);
      await assert.rejects(lockRunFolder(out), /another call in this process/);
    }
    assert.deepEqual(await namesIn(folder), []);
  }));

Deno.test("RunLock.moveFolder() goes on with the lock in the new folder", () =>
  inFolder(async (folder) => {
    const out = join(folder, "run");
    await Deno.mkdir(out);
    await Deno.writeTextFile(join(out, "old"), "");
    {
      await using lock = await lockRunFolder(out);
      await lock.moveFolder(join(folder, "run.old1"));
      await assert.rejects(lockRunFolder(out), /another call in this process/);
      assert.deepEqual(await namesIn(join(folder, "run.old1")), ["old"]);
      await Deno.writeTextFile(join(out, "new"), "");
    }
    assert.deepEqual(await namesIn(out), ["new"]);
  }));

/** Calls with another function in place of the one that links files. */
async function withLink(
  link: typeof Deno.link,
  work: () => Promise<void>,
): Promise<void> {
  const { link: before } = Deno;
  Object.assign(Deno, { link });
  await work().finally(() => Object.assign(Deno, { link: before }));
}

Deno.test("RunLock.moveFolder() goes on with a lock where a disk has no links", () =>
  inFolder(async (folder) => {
    const out = join(folder, "run");
    const refuse = () => Promise.reject(new Deno.errors.PermissionDenied("EPERM"));
    await withLink(refuse, async () => {
      await using lock = await lockRunFolder(out);
      await lock.moveFolder(`${out}.old1`);
      await assert.rejects(lockRunFolder(out), /another call in this process/);
      await lock.moveFolderBack(`${out}.old1`);
      await assert.rejects(lockRunFolder(out), /another call in this process/);
    });
    assert.deepEqual(await namesIn(folder), []);
  }));

Deno.test("RunLock.moveFolder() leaves the lock of a process that was quicker", () =>
  inFolder(async (folder) => {
    const out = join(folder, "run");
    const quicker: AsyncDisposable[] = [];
    const start = async () => {
      quicker.push(await lockRunFolder(out));
      throw new Deno.errors.AlreadyExists("EEXIST");
    };
    await withLink(start, async () => {
      await using lock = await lockRunFolder(out);
      await assert.rejects(
        lock.moveFolder(`${out}.old1`),
        /another call in this process/,
      );
    });
    await assert.rejects(lockRunFolder(out), /another call in this process/);
    for (const one of quicker) await one[Symbol.asyncDispose]();
    assert.deepEqual(await namesIn(out), []);
  }));

Deno.test("train() removes the drafts of processes that were killed [wasm]", () =>
  inFolder(async (out) => {
    const draft = `.last.safetensors.${crypto.randomUUID()}.partial`;
    await Deno.writeTextFile(join(out, draft), "a half");
    await Deno.writeTextFile(join(out, ".lock"), '{"pid":1,"host":"');
    await train(tinyConfig("iterations=1"), { out, backend: "wasm" });
    const hidden = (await namesIn(out)).filter((name) => name.startsWith("."));
    assert.deepEqual(hidden, []);
  }));

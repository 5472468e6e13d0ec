/** A run to evaluate and to predict with. @module */
import assert from "node:assert/strict";
import { join } from "node:path";
import { main as train } from "../../tasks/train.ts";
import { call, tinyFile, WASM } from "../support/commands.ts";
import { inFolder } from "../support/files.ts";

/** Trains TINY in a new folder, which holds it as `tiny.yaml` and the run as `run`. */
export async function withRun(
  use: (checkpoint: string, folder: string) => Promise<void>,
): Promise<void> {
  await inFolder(async (folder) => {
    const out = join(folder, "run");
    const { status } = await call(train, await tinyFile(folder), "--out", out, ...WASM);
    assert.equal(status, 0);
    await use(join(out, "last.safetensors"), folder);
  });
}

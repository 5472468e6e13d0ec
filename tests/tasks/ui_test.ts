import assert from "node:assert/strict";
import { join } from "node:path";
import { main as train } from "../../tasks/train.ts";
import { main as ui } from "../../tasks/ui.ts";
import { assertRefused, call, tinyFile, WASM } from "../support/commands.ts";
import { inFolder } from "../support/files.ts";

Deno.test("train --ui names the page, and trains without one where the port is in use", () =>
  inFolder(async (folder) => {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr;
    const args = [await tinyFile(folder), ...WASM, "--out"];
    const shown = await call(train, ...args, join(folder, "a"), "--ui");
    assert.equal(shown.status, 0, shown.error);
    assert.match(shown.error, /^page {7}http:\/\/127\.0\.0\.1:\d+\/$/m);
    assert.match(shown.out, /^page {7}closed; again with: deno task ui .*a$/m);

    const hidden = await call(
      train,
      ...args,
      join(folder, "b"),
      "--ui",
      "--port",
      `${port}`,
    );
    assert.equal(hidden.status, 0, hidden.error);
    const sentence =
      `Cannot serve the page on port ${port}: it is in use; choose another ` +
      "with --port; the run goes on without it";
    assert(hidden.error.split("\n").includes(sentence), hidden.error);
    for (const run of ["a", "b"]) {
      assert((await Deno.stat(join(folder, run, "curves.png"))).isFile);
    }
  }));

Deno.test("ui says which folder is no run", () =>
  inFolder(async (folder) => {
    assertRefused(await call(ui, folder), `"${folder}"`, "it is no run's folder");
    const missing = join(folder, "x");
    assertRefused(await call(ui, missing), `"${missing}"`, "there is no such folder");
    const { status, error } = await call(ui);
    assert.equal(status, 2);
    assert.match(error, /Missing required argument "RUN"; see deno task ui --help/);
  }));

import assert from "node:assert/strict";
import { join } from "node:path";
import { defaultCacheFolder } from "../../src/io/cache_folder.ts";
import { withFiles } from "../data/tiny_folder.ts";

Deno.test("cacheFolder() is one place, named by the environment", async () => {
  const of = (variables: Record<string, string>) =>
    defaultCacheFolder((name) => variables[name]);
  await withFiles({ "file": "", "h/.cache/x": "" }, async (root) => {
    const HOME = join(root, "h");
    assert.equal(await of({ HOME }), join(HOME, ".cache", "fst"));
    const other = { HOME, XDG_CACHE_HOME: join(root, "made", "later") };
    assert.equal(await of(other), join(root, "made", "later", "fst"));
    assert.equal(await of({ HOME, XDG_CACHE_HOME: "" }), await of({ HOME }));
    assert.equal(await of({ HOME, LOCALAPPDATA: root }), join(root, "fst"));
    assert.equal(await of({}), null);
    assert.equal(await of({ HOME: join(root, "file") }), null, "a file is in the way");
    await assert.rejects(Deno.stat(join(HOME, ".cache", "fst")), Deno.errors.NotFound);
  });
});

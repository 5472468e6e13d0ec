import assert from "node:assert/strict";
import { join } from "node:path";
import { cacheFolder } from "../../src/engine/cache_folder.ts";

Deno.test("cacheFolder() is one place, named by the environment", () => {
  const of = (variables: Record<string, string>) =>
    cacheFolder((name) => variables[name]);
  assert.equal(of({ HOME: "/home/a" }), join("/home/a", ".cache", "fst"));
  assert.equal(of({ HOME: "/home/a", XDG_CACHE_HOME: "/c" }), join("/c", "fst"));
  assert.equal(of({ HOME: "/home/a", XDG_CACHE_HOME: "" }), of({ HOME: "/home/a" }));
  assert.equal(of({ LOCALAPPDATA: "/l", HOME: "/h" }), join("/l", "fst"));
  assert.equal(of({}), null);
});

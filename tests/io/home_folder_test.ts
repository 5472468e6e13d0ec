import assert from "node:assert/strict";
import { join } from "node:path";
import { expandHome } from "../../src/io/home_folder.ts";

Deno.test("expandHome() writes the home folder out, and refuses that of others", () => {
  const home = (name: string) => name === "HOME" ? "/home/me" : undefined;
  assert.equal(expandHome("~/data/x", home), join("/home/me", "data", "x"));
  assert.equal(expandHome("~", home), join("/home/me"));
  for (const path of ["/data/~", "data~", "https://host/~me/x.tar", "./~/x"]) {
    assert.equal(expandHome(path, home), path);
  }
  assert.throws(
    () => expandHome("~you/data", home),
    /^RangeError: Cannot use "~you\/data": which folder "~you" is, is not known: write/,
  );
  const windows = (name: string) => name === "USERPROFILE" ? "/users/me" : undefined;
  assert.equal(expandHome("~\\data", windows), join("/users/me", "data"));
  assert.throws(() => expandHome("~/data", () => undefined), /is not known/);
});

import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { main } from "../../tasks/verify.ts";
import { assertRefused, call, WASM } from "../support/commands.ts";
import { inFolder } from "../support/files.ts";

const GOLDEN = fileURLToPath(new URL("../golden/", import.meta.url));
const NAME = "vec_schedules_optim";

Deno.test("verify prints a line per tensor, once for both files of a pair", async () => {
  const pair = [join(GOLDEN, `${NAME}.json`), join(GOLDEN, `${NAME}.safetensors`)];
  const { status, out, error } = await call(main, ...pair, ...WASM);
  assert.equal(status, 0, error);
  assert.equal(out.match(/: \d+ passed$/gm)?.length, 1);
  assert.match(out, /^\S.* {2,}\S+ {2,}\d\.\de-\d+ +ok$/m);
});

Deno.test("verify ends with 1 for what is beyond tolerance, and goes on to the rest", () =>
  inFolder(async (folder) => {
    const copy = (name: string, edit = (text: string) => text) =>
      Deno.readTextFile(join(GOLDEN, `${NAME}.json`)).then((text) =>
        Deno.writeTextFile(join(folder, `${name}.json`), edit(text))
      );
    const tensors = join(GOLDEN, `${NAME}.safetensors`);
    await copy("a", (text) => text.replace(`"${NAME}"`, '"unknown_kind"'));
    await Deno.copyFile(tensors, join(folder, "a.safetensors"));
    await copy("b");
    await Deno.copyFile(tensors, join(folder, "b.safetensors"));
    const { status, out } = await call(main, folder, "--json", ...WASM);
    assert.equal(status, 1);
    const { passed, files } = JSON.parse(out);
    assert.equal(passed, false);
    assert.match(files[0].error, /"unknown_kind".*not supported/);
    assert.equal(files[1].passed, true);
    assert(files[1].checks.length > 0);
  }));

Deno.test("verify names what is no golden file", async () => {
  assertRefused(await call(main, "README.md", ...WASM), '"README.md"');
  const missing = await call(main, "none.json", ...WASM);
  assert.equal(missing.status, 1);
  assert.match(missing.out, /none\.safetensors": there is no such file/);
});

import assert from "node:assert/strict";
import { join } from "node:path";
import { networkFrom } from "../../browser.ts";
import { loadNetwork } from "../../src/evaluate/load_network.ts";

const GOLDEN = join(import.meta.dirname ?? "", "../golden");

const picture = {
  width: 40,
  height: 33,
  data: Uint8Array.from({ length: 40 * 33 * 3 }, (_, i) => 7 * i + (i >> 5)),
};

for (const [run, role] of [["adaptation", "student"], ["semi", "teacher"]] as const) {
  Deno.test(`networkFrom() labels as loadNetwork() does, with the ${role}`, async () => {
    const path = join(GOLDEN, "old_runs", run, "last.safetensors");
    using loaded = await loadNetwork(path, { backend: "wasm" });
    const bytes = await Deno.readFile(path);
    const network = await networkFrom(bytes, { backend: "wasm" });
    assert.equal(network.role, role);
    assert.deepEqual(network.classes, loaded.classes);
    const [expected, labels] = [
      await loaded.predict(picture),
      await network.predict(picture),
    ];
    assert(labels.every((id, i) => id === expected[i]));
    network.release();
  });
}

Deno.test("networkFrom() names what it cannot use", async () => {
  const read = (path: string) => Deno.readFile(join(GOLDEN, path));
  const whole = await read("old_runs/adaptation/last.safetensors");
  await assert.rejects(networkFrom(whole.slice(0, -100), { name: "net" }), {
    name: "SyntaxError",
    message: /^Cannot read "net": it is cut off: /,
  });
  await assert.rejects(networkFrom(await read("head_isa.safetensors"), { name: "net" }), {
    name: "SyntaxError",
    message: /^Cannot use "net" as a checkpoint: it has weights but no record of a run/,
  });
});

import assert from "node:assert/strict";
import { join } from "node:path";
import { cachedResult } from "../../src/io/cached_result.ts";
import { inFolder, namesIn } from "../support/files.ts";

/** A cache that counts how often something is made. */
function counting(folder: string) {
  let made = 0;
  const ask = async (key = "a") => {
    const make = () => Promise.resolve({ names: ["ä", "b"], made: ++made });
    return (await cachedResult(folder, "kind", key, make)).value;
  };
  return { ask, made: () => made };
}

Deno.test("cachedResult() makes a result once per key", () =>
  inFolder(async (folder) => {
    const { ask, made } = counting(join(folder, "cache"));
    assert.deepEqual(await ask(), { names: ["ä", "b"], made: 1 });
    assert.deepEqual(await ask(), { names: ["ä", "b"], made: 1 });
    await ask("b");
    assert.equal(made(), 2);
    assert.equal((await namesIn(join(folder, "cache"))).length, 2);
  }));

Deno.test("cachedResult() makes again what is damaged in any way", () =>
  inFolder(async (folder) => {
    const { ask, made } = counting(folder);
    await ask();
    const [name = ""] = await namesIn(folder);
    const file = join(folder, name);
    const sound = await Deno.readTextFile(file);
    const entry = JSON.parse(sound);
    const damaged = [
      "",
      "{",
      sound.slice(0, -2),
      `${sound} `,
      sound.replace('"b"', '"c"'),
      "null",
      "[]",
      JSON.stringify({ ...entry, value: 3 }),
      JSON.stringify({ ...entry, value: null }),
      JSON.stringify({ id: entry.id, value: entry.value }), // of an earlier version
      sound.replace('{"names"', '{"__proto__":{"polluted":1},"names"'),
      JSON.stringify({ ...entry, id: "0".repeat(64) }),
      "\0".repeat(1000),
    ];
    for (const [i, text] of damaged.entries()) {
      await Deno.writeTextFile(file, text);
      assert.deepEqual(await ask(), { names: ["ä", "b"], made: i + 2 }, text);
      assert.deepEqual(await ask(), { names: ["ä", "b"], made: i + 2 }, "it is mended");
    }
    assert.equal(made(), damaged.length + 1);
    await Deno.remove(file);
    await Deno.mkdir(file);
    await assert.rejects(ask(), /Cannot write .* there is a folder of this name/);
  }));

Deno.test("cachedResult() lets processes write one entry at the same time", () =>
  inFolder(async (folder) => {
    const values = await Promise.all(
      Array.from(
        { length: 20 },
        (_, i) => cachedResult(folder, "kind", "a", () => Promise.resolve([i])),
      ),
    );
    const { value, isCached } = await cachedResult(
      folder,
      "kind",
      "a",
      () => assert.fail("it is there"),
    );
    assert.ok(isCached);
    assert.ok(values.some((one) => one.value[0] === (value as number[])[0]));
    assert.equal((await namesIn(folder)).length, 1);
  }));

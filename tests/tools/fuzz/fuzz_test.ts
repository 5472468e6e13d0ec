import assert from "node:assert/strict";
import { join } from "node:path";
import { faultOf, inputOf } from "../../../tools/fuzz/inputs.ts";
import { mutate, randomFrom } from "../../../tools/fuzz/mutate.ts";
import { type Parser, PARSERS, readSeeds } from "../../../tools/fuzz/parsers.ts";
import { main } from "../../../tasks/fuzz.ts";
import { call } from "../../support/commands.ts";
import { inFolder } from "../../support/files.ts";

const EACH = Object.entries(PARSERS) as [string, Parser][];

Deno.test("mutate() makes the same input of the same numbers, and many kinds of inputs", () => {
  const seeds = [Uint8Array.from({ length: 100 }, (_, i) => i), Uint8Array.of(48, 49)];
  const make = (seed: number) => mutate(seeds, randomFrom(seed)).join();
  const inputs = Array.from({ length: 300 }, (_, i) => make(i));
  assert.deepEqual(inputs, Array.from({ length: 300 }, (_, i) => make(i)));
  assert.ok(new Set(inputs).size > 250);
  assert.equal(seeds[0]?.every((byte, i) => byte === i), true); // seeds stay as they are
  assert.equal(mutate([new Uint8Array()], randomFrom(1)).length, 0);
});

Deno.test("every parser of fuzz accepts good files, and refuses others in a plain sentence", async () => {
  for (const [name, parser] of EACH) {
    const seeds = await readSeeds(parser);
    await inFolder(async (folder) => {
      const parse = await parser.open(folder);
      const faults: (string | null)[] = [];
      for (const bytes of seeds) {
        try {
          await parse(bytes.slice());
        } catch (error) {
          faults.push(faultOf(error));
        }
      }
      assert.ok(faults.length < seeds.length, `${name} accepts none of its good files`);
      assert.deepEqual(faults.filter((fault) => fault !== null), [], name);
    });
  }
});

Deno.test("inputOf() repairs the checksums of half of the inputs", async () => {
  for (const name of ["png", "tar"] as const) {
    const parser: Parser = PARSERS[name];
    const seeds = await readSeeds(parser);
    const withRepair = Array.from(
      { length: 200 },
      (_, i) => inputOf(parser, seeds, 1, i),
    );
    const without = withRepair.map((_, i) => inputOf({}, seeds, 1, i));
    const changed = withRepair.filter((bytes, i) => bytes.join() !== without[i]?.join());
    assert.ok(changed.length > 20 && changed.length < 120, `${name}: ${changed.length}`);
  }
});

Deno.test("faultOf() tells our sentences from those of the engine", () => {
  const ours = [
    new SyntaxError('Cannot read "a.png" as a PNG: it is 0×3: is the file complete?'),
    new RangeError(
      'Cannot use the list "undefined": "null is not a function" is no image',
    ),
    new Error('The label "a" is missing'),
    new SyntaxError('Cannot use "a.yaml":\n  data.evaluations.NaN.domain: is required'),
  ];
  for (const error of ours) assert.equal(faultOf(error), null);
  const foreign = [
    new TypeError("Cannot read properties of undefined (reading 'length')"),
    new TypeError("path.startsWith is not a function"),
    new RangeError("Invalid array length"),
    new RangeError("Offset is outside the bounds of the DataView"),
    new TypeError("Converting circular structure to JSON"),
    new SyntaxError(
      'Cannot read "a.json": Unexpected token \'x\', "x" is not valid JSON',
    ),
    new Error('Cannot read "a": EISDIR: illegal operation on a directory, read'),
    new Error("Cannot read it: it has NaN bytes"),
    new Error(`Cannot read it: ${"and ".repeat(2000)}`),
    "text",
  ];
  for (const error of foreign) assert.notEqual(faultOf(error), null, String(error));
});

Deno.test("fuzz reports a kept input again, and ends with 0 where nothing is found", () =>
  inFolder(async (folder) => {
    const file = join(folder, "kept");
    await Deno.writeTextFile(file, "no picture");
    const one = await call(main, "png", "--input", file, "--json");
    assert.equal(one.status, 0, one.error);
    const { passed, parsers } = JSON.parse(one.out);
    assert.deepEqual([passed, parsers.length, parsers[0].inputs], [true, 1, 1]);
    const some = await call(main, "png", "--inputs", "50", "--out", folder);
    assert.equal(some.status, 0, some.error);
    assert.match(some.out, /^png +50 inputs in \d+\.\d s: no kinds of faults$/m);
    const none = await call(main, "pngs");
    assert.match(none.error, /^Cannot fuzz "pngs": name a parser: png, image, /);
  }));

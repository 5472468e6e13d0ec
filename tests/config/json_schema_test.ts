// The schema that editors use, checked by another validator than the one it comes from.
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { Ajv } from "../support/ajv.ts";
import { parsePlainYaml } from "../../src/config/plain_yaml.ts";

const FOLDER = new URL("../../configs/", import.meta.url);

const schema = JSON.parse(await Deno.readTextFile(new URL("schema.json", FOLDER)));
const validate = new Ajv({ strict: false }).compile(schema);

const readConfig = async (name: string): Promise<Record<string, unknown>> =>
  parsePlainYaml(
    await Deno.readTextFile(fileURLToPath(new URL(name, FOLDER))),
  ) as Record<string, unknown>;

for await (const { name } of Deno.readDir(FOLDER)) {
  if (!name.endsWith(".yaml")) continue;
  Deno.test(`schema.json accepts configs/${name}, which names it`, async () => {
    assert.ok(validate(await readConfig(name)), JSON.stringify(validate.errors, null, 1));
    const text = await Deno.readTextFile(new URL(name, FOLDER));
    assert.match(text, /^# yaml-language-server: \$schema=\.\/schema\.json\n/);
  });
}

for (
  const [fault, change] of [
    ["an unknown key", { optimiser: {} }],
    ["a missing part", { data: undefined }],
    ["a wrong type", { iterations: "many" }],
    ["a value out of range", { optimizer: { learningRate: -1 } }],
    ["an option of another method", { method: { name: "supervised", lookAhead: {} } }],
  ] as const
) {
  Deno.test(`schema.json refuses ${fault}`, async () => {
    const config = JSON.parse(
      JSON.stringify({ ...await readConfig("demo.yaml"), ...change }),
    );
    assert.equal(validate(config), false);
  });
}

Deno.test("schema.json describes every key", () => {
  const visit = (node: unknown, path: string) => {
    if (typeof node !== "object" || node === null) return;
    const { properties = {}, ...rest } = node as { properties?: Record<string, unknown> };
    for (const [key, value] of Object.entries(properties)) {
      const { description = "" } = value as { description?: string };
      assert.notEqual(description, "", `${path}${key} has no description`);
      visit(value, `${path}${key}.`);
    }
    for (const value of Object.values(rest)) visit(value, path);
  };
  visit(schema, "");
});

import assert from "node:assert/strict";
import { join } from "node:path";
import {
  configName,
  loadConfig,
  parseConfig,
  stringifyConfig,
} from "../../src/config/read.ts";
import { inFolder } from "../support/files.ts";
import { EXAMPLE, example, folderExample } from "./example.ts";

Deno.test("parseConfig() names the line of every YAML mistake", () => {
  assert.throws(() => parseConfig("a: [1,\nb: 2\nc: }", "configs/bad.yaml"), {
    name: "SyntaxError",
    message: 'Cannot read "configs/bad.yaml" as YAML:\n' +
      "  line 2: Flow sequence in block collection must be sufficiently indented and " +
      'end with a ]\n  line 3: Unexpected flow-map-end token in YAML stream: "}"',
  });
  assert.throws(
    () => parseConfig("seed: 1\nseed: 2", "x"),
    /line 2: the key seed is there twice: leave one out/,
  );
});

Deno.test("parseConfig() reports every problem at once, each with its path", () => {
  const text = EXAMPLE.replace("lookAhead: {}", "lookAhead: { depht: 2 }") + `
  pseudoLabel: { threshold: 2 }
  mixin: {}
optimizer: { learningRate: fast }
loging: {}
`;
  assert.throws(
    () => parseConfig(text, "configs/bad.yaml", ["model.encoder.name=mitb0"]),
    {
      name: "SyntaxError",
      message: [
        'Cannot use "configs/bad.yaml":',
        'model.encoder.name: must be one of "mit", "mit-b0", "mit-b1", "mit-b2", "mit-b3", ' +
        '"mit-b4", "mit-b5", "resnet", "resnet-multigrid", "resnet-50", "resnet-101", ' +
        '"resnet-50-multigrid", "resnet-101-multigrid", "swin", "swin-t", "swin-s", ' +
        '"swin-b", "swin-l", "beit", "beit-b", "beit-l", "dinov2", "dinov2-small", ' +
        '"dinov2-base", "dinov2-large", "efficientnet-lite", "efficientnet-lite0", ' +
        '"efficientnet-lite1", "efficientnet-lite2": received "mitb0"; did you mean ' +
        '"mit-b0"?',
        'optimizer.learningRate: must be a number: received "fast"',
        'method.lookAhead: Unrecognized key: "depht"; did you mean "depth"?',
        "method.pseudoLabel.threshold: Too big: expected number to be <=1",
        'method: Unrecognized key: "mixin"; did you mean "mixing"?',
        '(top level): Unrecognized key: "loging"; did you mean "logging"?',
      ].join("\n  "),
    },
  );
});

Deno.test("parseConfig() names what is required", () => {
  assert.throws(() => parseConfig("seed: 1", "x"), {
    message: 'Cannot use "x":\n  model: is required\n  data: is required\n' +
      "  method: is required",
  });
  assert.throws(() => parseConfig("# nothing", "x"), {
    message: 'Cannot use "x": the file is empty',
  });
});

Deno.test("overrides replace values, groups and entries of lists", () => {
  const config = example(
    "seed=7",
    "optimizer.betas.1=0.99", // a list that the file leaves to its default
    "method={name: self-training, teacher: {emaDecay: 0.9}}",
    "method.teacher.emaDecay=0.5", // later ones see earlier ones
    "data.evaluations.clean={domain: clean, images: 3}",
  );
  assert.equal(config.seed, 7);
  assert(config.optimizer.name === "adamw");
  assert.deepEqual(config.optimizer.betas, [0.9, 0.99]);
  assert.equal(config.method.name, "self-training");
  assert.deepEqual("teacher" in config.method && config.method.teacher, {
    emaDecay: 0.5,
  });
  assert.deepEqual(Object.keys(config.data.evaluations), ["worn", "clean"]);
  const folder = folderExample("data.classes.0.name=street");
  assert.equal(folder.data.kind === "folder" && folder.data.classes[0]?.name, "street");
});

Deno.test("overrides that lead nowhere are refused with their path", () => {
  const refuses = (override: string, message: string | RegExp) =>
    assert.throws(() => example(override), { message });
  refuses(
    "seed",
    'Cannot set "seed": write a path, "=" and a value, as in optimizer.learningRate=1e-4',
  );
  refuses("seed=[1", /^Cannot set "seed=\[1": the value is not YAML: Flow sequence/);
  refuses(
    "data.cropSize.height.x=2",
    'Cannot set "data.cropSize.height.x=2": "data.cropSize.height" is the value 64 and has no ' +
      '"x" in it',
  );
  refuses(
    "optimizer.betas.2=0",
    'Cannot set "optimizer.betas.2=0": "optimizer.betas" is a list of 2: "2" must be an ' +
      "index of it, counted from 0",
  );
  refuses(
    "optimizer.learningRat=1",
    /optimizer: Unrecognized key: "learningRat"; did you mean "learningRate"\?/,
  );
  for (const key of ["__proto__", "constructor", "prototype"]) {
    refuses(`data.${key}.seed=1`, /^Cannot set .*: "\w+" cannot be a key$/);
    refuses(`data={${key}: 1}`, /^Cannot set .*: "\w+" cannot be a key: leave it out$/);
  }
});

Deno.test("parseConfig() says what is wrong with YAML that is no plain tree", () => {
  const bomb = ["a: &a [x, x, x, x, x, x, x, x, x]"];
  for (const [one, next] of ["ab", "bc", "cd", "de", "ef", "fg", "gh", "hi"]) {
    bomb.push(`${next}: &${next} [${Array(9).fill(`*${one}`).join(", ")}]`);
  }
  const cases: readonly [text: string, reason: string | RegExp][] = [
    ["a: &x [*x]", /nested more than 50 levels deep, or an alias leads back/],
    ["&x a: *x\nb: &y { c: { d: *y } }", /alias/],
    [bomb.join("\n"), /aliases stand for nothing, or for too much/],
    ["a: *nothing", /alias/],
    [`a: ${"[".repeat(40_000)}${"]".repeat(40_000)}`, /nested/],
    [`a: ${"[".repeat(60)}${"]".repeat(60)}`, /nested/],
    [`a: [${"1, ".repeat(200_001)}]`, "it has more than 200000 values"],
    ["a: { __proto__: { b: 1 } }", '"__proto__" cannot be a key: leave it out'],
    ["constructor: 1", '"constructor" cannot be a key: leave it out'],
    ["PNG\0\0\rIHDR", "it is no text"],
    ["a: [1\nb: {\n\tc", /line \d+: /],
    ["a: 1\nb: 2\na: 3", /\n {2}line 3: the key a is there twice: leave one out$/],
    ["a: 1\n---\nb: 2", /\n {2}line 2: a second document begins after "---": keep one$/],
  ];
  for (const [text, reason] of cases) {
    assert.throws(() => parseConfig(text, "bad.yaml"), ({ message }: Error) => {
      assert.match(message, /^Cannot read "bad\.yaml" as YAML:/);
      if (typeof reason !== "string") assert.match(message, reason);
      else assert.equal(message, `Cannot read "bad.yaml" as YAML: ${reason}`);
      return true;
    });
  }
  assert.equal(({} as { b?: number }).b, undefined, "no object has got a new property");
});

Deno.test("parseConfig() of a text that is no mapping says so, where it is overridden", () => {
  assert.throws(() => parseConfig("- a", "x.yaml", ["seed=1"]), {
    message:
      'Cannot set "seed=1": the whole file is a list of 1: "seed" must be an index ' +
      "of it, counted from 0",
  });
  assert.throws(() => parseConfig("hello", "x.yaml", ["seed=1"]), {
    message:
      'Cannot set "seed=1": the whole file is the value "hello" and has no "seed" ' +
      "in it",
  });
});

Deno.test("loadConfig() refuses encodings in which names would be others", async () => {
  await inFolder(async (folder) => {
    const path = join(folder, "c.yaml");
    const other = (name: string) =>
      `it is encoded as ${name} and not as UTF-8: save it as UTF-8`;
    for (
      const [bytes, reason] of [
        [[0x61, 0x3a, 0x20, 0xfc], other("something else")], // Windows-1252
        [[0xff, 0xfe, 0x61, 0, 0x3a, 0], other("UTF-16")],
        [[0xfe, 0xff, 0, 0x61, 0, 0x3a], other("UTF-16")],
        [[0x89, 0x50, 0x4e, 0x47, 0, 0], "it is no text"],
      ] as const
    ) {
      await Deno.writeFile(path, Uint8Array.from(bytes));
      await assert.rejects(loadConfig(path), {
        name: "SyntaxError",
        message: `Cannot read "${path}" as YAML: ${reason}`,
      });
    }
  });
});

Deno.test("stringifyConfig() writes what parseConfig() reads", () => {
  for (const config of [example("seed=3"), folderExample("data.labelMap={7: 0}")]) {
    assert.deepEqual(parseConfig(stringifyConfig(config), "again.yaml"), config);
  }
  assert.match(stringifyConfig(example()), /betas: \[ 0\.9, 0\.999 \]\n/);
});

Deno.test("loadConfig() suggests a file with a similar name", async () => {
  const folder = await Deno.makeTempDir();
  const path = join(folder, "demo.yaml");
  await Deno.writeTextFile(path, EXAMPLE);
  assert.deepEqual(await loadConfig(path, ["seed=5"]), example("seed=5"));
  await assert.rejects(loadConfig(join(folder, "dmeo.yaml")), {
    name: "NotFound",
    message: `Cannot read "${join(folder, "dmeo.yaml")}": there is no such file; ` +
      'did you mean "demo.yaml"?',
  });
  await Deno.remove(folder, { recursive: true });
});

Deno.test("configName() is the file's name without folder and ending", () => {
  assert.equal(configName("configs/street_fst_deep.yaml"), "street_fst_deep");
});

for (
  const [value, kind] of [["0016E5", "number"], ["2012", "number"], ["true", "boolean"]]
) {
  Deno.test(`parseConfig() asks for quotes where YAML reads the text ${value} as a ${kind}`, () => {
    assert.throws(
      () => folderExample(`data.source.split=${value}`),
      (error: Error) =>
        error.message.includes(`data.source.split: must be text`) &&
        error.message.includes(`the ${kind} `) && error.message.includes("quotes"),
    );
    const { data } = folderExample(`data.source.split="${value}"`);
    assert.equal(data.kind === "folder" && data.source.split, value);
  });
}

Deno.test("parseConfig() tells the first twenty problems, and how many there are", () => {
  const unknown = Array.from({ length: 50 }, (_, i) => `key${i}: 1`);
  const text = `${EXAMPLE}\n${unknown.join("\n")}`;
  assert.throws(() => parseConfig(text, "a.yaml"), ({ message }: Error) => {
    const lines = message.split("\n");
    assert.equal(lines.length, 22);
    assert.match(lines[20] ?? "", /^ {2}\(top level\): Unrecognized key: "key19"$/);
    assert.equal(lines[21], "  and 30 more");
    return true;
  });
});

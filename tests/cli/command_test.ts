import assert from "node:assert/strict";
import { type CommandContext, runCommand } from "../../src/cli/command.ts";
import { argument, option } from "../../src/cli/option.ts";
import { recorder } from "./recorder.ts";

const OPTIONS = {
  out: option.string("DIR", "where to write"),
  set: option.strings("K=V", "replace a value"),
  seed: option.integer("N", "start of chance"),
  scales: option.numbers("LIST", [1], "sizes of the image"),
  backend: option.choice(["auto", "webgpu", "wasm"], "auto", "where to compute"),
  startOver: option.flag("keep nothing"),
};
const ARGUMENTS = {
  config: argument.optional("configs/demo.yaml", "the run"),
};
type Action = (
  context: CommandContext<typeof OPTIONS, typeof ARGUMENTS>,
) => Promise<{ exitCode?: number; json?: unknown } | void>;

async function run(args: string[], action: Action = async () => {}) {
  const terminal = recorder();
  const status = await runCommand(
    {
      name: "deno task train",
      description: "Trains a network",
      examples: ["deno task train configs/demo.yaml --out runs/first"],
      arguments: ARGUMENTS,
      options: OPTIONS,
      hasJson: true,
      action,
    },
    args,
    terminal,
  );
  return { status, ...terminal.written };
}

Deno.test("an action receives typed values, or their defaults", async () => {
  const seen: unknown[] = [];
  const remember: Action = ({ options, arguments: words }) => {
    seen.push({ ...options, ...words });
    return Promise.resolve();
  };
  assert.deepEqual(await run([], remember), { status: 0, out: "", error: "" });
  const given = "a.yaml --out x --set a=1 --set b=2 --seed 3 --scales 0.5,1 " +
    "--backend wasm --start-over";
  assert.deepEqual(await run(given.split(" "), remember), {
    status: 0,
    out: "",
    error: "",
  });
  assert.deepEqual(seen, [
    {
      config: "configs/demo.yaml",
      out: undefined,
      set: [],
      seed: undefined,
      scales: [1],
      backend: "auto",
      startOver: false,
    },
    {
      config: "a.yaml",
      out: "x",
      set: ["a=1", "b=2"],
      seed: 3,
      scales: [0.5, 1],
      backend: "wasm",
      startOver: true,
    },
  ]);
});

Deno.test("--help shows the options and an example", async () => {
  const { status, out, error } = await run(["--help"]);
  assert.equal(status, 0);
  assert.equal(error, "");
  assert.match(out, /^Usage: deno task train \[options\] \[CONFIG\]\n/);
  assert.match(
    out,
    /--backend <auto\|webgpu\|wasm> {2}where to compute \(default: "auto"\)/,
  );
  assert.match(
    out,
    /Examples:\n {2}deno task train configs\/demo\.yaml --out runs\/first/,
  );
});

Deno.test("wrong usage is one sentence and status 2", async () => {
  const wrong = async (line: string, message: string) =>
    assert.deepEqual(await run(line.split(" ")), {
      status: 2,
      out: "",
      error: `${message}; see deno task train --help\n`,
    });
  await wrong("--sed 3", 'Unknown option "--sed" (Did you mean one of --seed, --set?)');
  await wrong(
    "--seed x",
    'Option "--seed <N>" argument "x" is invalid: it must be a whole number, 0 or more',
  );
  await wrong("--out", 'Option "--out <DIR>" argument missing');
  await wrong(
    "--backend cuda",
    'Option "--backend <auto|webgpu|wasm>" argument "cuda" is invalid: it must be one of ' +
      "auto, webgpu, wasm",
  );
  await wrong(
    "--scales 1,0",
    'Option "--scales <LIST>" argument "1,0" is invalid: it must ' +
      "be numbers above 0, as 1,2",
  );
  await wrong("a b", "Too many arguments. Expected 1 argument but got 2: a, b");
});

Deno.test("a missing argument is wrong usage", async () => {
  const terminal = recorder();
  const status = await runCommand(
    {
      name: "deno task predict",
      description: "Segments images",
      examples: ["deno task predict last.safetensors street.jpg"],
      arguments: {
        checkpoint: argument.one("weights"),
        images: argument.many("pictures"),
      },
      options: {},
      action: () => Promise.resolve(),
    },
    ["last.safetensors"],
    terminal,
  );
  assert.equal(status, 2);
  assert.equal(
    terminal.written.error,
    'Missing required argument "IMAGES"; see deno task predict --help\n',
  );
});

Deno.test("an error is its sentence and status 1; --verbose adds where", async () => {
  const fail: Action = () => Promise.reject(new RangeError("Cannot train: no images"));
  assert.deepEqual(await run([], fail), {
    status: 1,
    out: "",
    error: "Cannot train: no images\n",
  });
  const { error } = await run(["--verbose"], fail);
  assert.match(error, /^RangeError: Cannot train: no images\n\s+at /);
});

Deno.test("an error that is not ours is a fault of the program, in our words", async () => {
  const circle: Record<string, unknown> = {};
  circle["self"] = circle;
  const faults: readonly (() => unknown)[] = [
    () => JSON.stringify(circle),
    () => (undefined as unknown as string).length, // Cannot read properties of …
    () => new Array(-1),
    () => JSON.parse("{"),
    () => {
      throw "a text";
    },
    () => {
      throw new Error();
    },
  ];
  for (const fault of faults) {
    const fail: Action = () => Promise.resolve().then(fault).then(() => {});
    const { status, error } = await run([], fail);
    assert.equal(status, 1);
    assert.match(error, /^Cannot go on: this is a fault of fst, .*--verbose\n$/);
    const { error: more } = await run(["--verbose"], fail);
    assert.ok(more.length > error.length || String(fault).includes("throw"), more);
  }
});

Deno.test("an error of the system is a sentence with the file", async () => {
  const fail: Action = async () => void await Deno.stat("no/such");
  assert.equal(
    (await run([], fail)).error,
    'Cannot go on with "no/such": there is no such file\n',
  );
});

Deno.test("control characters of files are shown and not obeyed", async () => {
  const name = "\x1b]0;title\x07\x1b[2Jroad\u202e\x9b";
  const shown = "\\u001b]0;title\\u0007\\u001b[2Jroad\\u202e\\u009b";
  const { out, error } = await run([], ({ print, log }) => {
    print(`${name}\n\tten \x1b[1mof\x1b[22m µm`);
    log(name);
    return Promise.reject(new Error(`Cannot use "${name}": no`));
  });
  assert.equal(out, `${shown}\n\tten \x1b[1mof\x1b[22m µm\n`);
  assert.equal(error, `${shown}\nCannot use "${shown}": no\n`);
  const { out: json } = await run(["--json"], () => Promise.resolve({ json: name }));
  assert.equal(JSON.parse(json), name);
  assert.match(json, /^[\x20-\x7e\n]*$/);
});

Deno.test("an action may end with an exit code of its own", async () => {
  assert.equal((await run([], () => Promise.resolve({ exitCode: 1 }))).status, 1);
});

Deno.test("--json prints one document and moves everything else aside", async () => {
  const noise: string[] = [];
  const action: Action = ({ print, log, json }) => {
    print("table");
    log("progress");
    // deno-lint-ignore no-console -- stands for a library that prints
    console.log("noise");
    return Promise.resolve({ json: { mIoU: 0.5, json } });
  };
  const shared = console;
  const { error: before } = shared;
  shared.error = (text: string) => void noise.push(text);
  try {
    const { out, error, status } = await run(["--json"], action);
    assert.deepEqual(JSON.parse(out), { mIoU: 0.5, json: true });
    assert.equal(error, "table\nprogress\n");
    assert.deepEqual(noise, ["noise"]);
    assert.equal(status, 0);
  } finally {
    shared.error = before;
  }
});

Deno.test("without --json, figures are for people", async () => {
  const action: Action = ({ print }) => {
    print("table");
    return Promise.resolve({ json: { mIoU: 0.5 } });
  };
  assert.deepEqual(await run([], action), { status: 0, out: "table\n", error: "" });
});

Deno.test("an option that may stand alone has its own number then, and none without it", async () => {
  const seen: unknown[] = [];
  for (
    const args of [["--large"], ["--large", "3"], ["--large", "3", "--seed", "1"], []]
  ) {
    await runCommand(
      {
        name: "deno task bench",
        description: "Measures",
        examples: [],
        arguments: {},
        options: { large: option.integer("N", "pictures", 7), seed: OPTIONS.seed },
        hasJson: false,
        action: ({ options }) => {
          seen.push(options.large);
          return Promise.resolve();
        },
      },
      args,
      recorder(),
    );
  }
  assert.deepEqual(seen, [7, 3, 3, undefined]);
});

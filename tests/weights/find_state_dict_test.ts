// Where training programs put weights, and what they put beside them.
import assert from "node:assert/strict";
import { findStateDict } from "../../src/weights/find_state_dict.ts";
import type { PickleValue, TensorView } from "../../src/weights/pickle_values.ts";

const TENSOR: TensorView = {
  kind: "tensor",
  storage: {
    kind: "storage",
    key: "0",
    dtype: "F32",
    recordNumel: 1,
    recordOffset: 0,
    numel: 1,
  },
  storageOffset: 0,
  shape: [1],
  strides: [1],
  isNegated: false,
};

interface Table {
  readonly [key: string]: PickleValue | Table;
}

/** Dictionaries as a pickle has them. */
const dict = (table: Table): PickleValue =>
  new Map(
    Object.entries(table).map(([key, value]) => [
      key,
      typeof value === "object" && value !== null && value.constructor === Object &&
        !("kind" in value)
        ? dict(value as Table)
        : value as PickleValue,
    ]),
  );

const reject = (reason: string): never => {
  throw new SyntaxError(reason);
};

const find = (table: Table, key?: string) => {
  const found = findStateDict(dict(table), key, reject);
  return {
    key: found.key,
    names: [...found.tensors.keys()],
    otherKeys: found.otherKeys,
    otherEntries: found.otherEntries,
  };
};

const NET = { a: TENSOR };
const OPTIMIZER = { state: { exp_avg: TENSOR }, defaults: [] };

for (
  const key of [
    "state_dict",
    "model_state_dict",
    "model",
    "model_state",
    "net",
    "network",
    "student",
    "teacher_state",
    "model_ema",
    "ema",
    "ema_state_dict",
    "params_ema",
    "whatever", // the only dictionary of tensors
  ]
) {
  Deno.test(`findStateDict() finds a network under "${key}" beside an optimizer`, () => {
    assert.deepEqual(find({ epoch: 3, optimizer: OPTIMIZER, [key]: NET }), {
      key,
      names: ["a"],
      otherKeys: ["optimizer"],
      otherEntries: [],
    });
  });
}

Deno.test("findStateDict() takes the network before its average, and names the other", () => {
  for (
    const [network, average] of [
      ["model", "model_ema"],
      ["model_state", "teacher_state"],
      ["state_dict", "ema_state_dict"],
      ["net", "ema"],
    ] as const
  ) {
    const found = find({ [average]: NET, [network]: NET });
    assert.deepEqual([found.key, found.otherKeys], [network, [average]]);
    const other = find({ [average]: NET, [network]: NET }, average);
    assert.deepEqual([other.key, other.otherKeys], [average, [network]]);
  }
});

Deno.test("findStateDict() names what lies beside its way to a state dict", () => {
  const model = { backbone: NET, net: NET };
  assert.deepEqual(find({ model, epoch: TENSOR, ema: NET, note: "text" }), {
    key: "model.net",
    names: ["a"],
    otherKeys: ["ema", "model.backbone"],
    otherEntries: ["epoch"],
  });
});

Deno.test("findStateDict() follows state dicts in wrappers", () => {
  assert.equal(
    find({ model: { state_dict: { module: NET } } }).key,
    "model.state_dict.module",
  );
  // Two halves are one network; so is a state dict with such a name in it.
  assert.deepEqual(find({ encoder: NET, decoder: NET, optimizer: OPTIMIZER }), {
    key: "",
    names: ["encoder.a", "decoder.a"],
    otherKeys: ["optimizer"],
    otherEntries: [],
  });
  assert.deepEqual(find({ model: { a: TENSOR, net: NET } }).names, ["a", "net.a"]);
});

Deno.test("findStateDict() takes keys with dots in them, detected and asked for", () => {
  const table = { "v1.0": { "my.model": { state_dict: NET } }, v1: { "0": OPTIMIZER } };
  for (
    const [path, name] of [["v1.0.my.model.state_dict", "a"], ["v1.0.state", "exp_avg"]]
  ) {
    assert.deepEqual(find(table, path).names, [name]);
  }
  const counted = new Map<PickleValue, PickleValue>([[0, dict(NET)], [1, dict(NET)]]);
  const second = findStateDict(
    dict({ optimizer: { state: counted } }),
    "optimizer.state.1",
    reject,
  );
  assert.deepEqual([...second.tensors.keys()], ["a"]);
  const { key, names } = find({ "v1.0": { state_dict: NET }, epoch: 3 });
  assert.deepEqual([key, names], ["v1.0.state_dict", ["a"]]);
});

Deno.test("findStateDict() names what is no tensor in a state dict", () => {
  const scalar = { kind: "opaque", className: "numpy.core.multiarray.scalar" } as const;
  assert.deepEqual(find({ a: TENSOR, epoch: 3, best: scalar }).otherEntries, [
    "epoch",
    "best",
  ]);
});

Deno.test("findStateDict() refuses objects in the place of tensors and state dicts", () => {
  const array = {
    kind: "opaque",
    className: "numpy._core.multiarray._reconstruct",
  } as const;
  const settings = { kind: "opaque", className: "argparse.Namespace" } as const;
  for (
    const [table, key, message] of [
      [
        { state_dict: { a: TENSOR, b: array } },
        undefined,
        /its "state_dict\.b" is a NumPy/,
      ],
      [
        { a: array },
        undefined,
        /its "a" is a NumPy array and no tensor; make it one with/,
      ],
      [
        { state_dict: settings },
        undefined,
        /"state_dict" is an object of argparse\.Name/,
      ],
      [{ a: TENSOR, b: settings }, "b", /its "b" is an object of argparse\.Namespace/],
      [{ a: TENSOR, b: 1 }, "b", /its "b" is no dictionary of tensors$/],
      [{ a: TENSOR }, "c", /no tensors under "c"; its keys begin with a$/],
      [
        { optimizer: OPTIMIZER },
        undefined,
        /it has no tensors; its keys begin with optim/,
      ],
    ] as const
  ) assert.throws(() => find(table, key), { name: "SyntaxError", message });
});

Deno.test("findStateDict() looks into each dictionary once, however often it is in others", () => {
  let value: PickleValue = new Map();
  for (let i = 0; i < 30; i++) {
    value = new Map([["a", value], ["b", value], ["c", value]]);
  }
  const itself: Map<PickleValue, PickleValue> = new Map();
  itself.set("model", itself);
  const start = performance.now();
  assert.throws(() => findStateDict(value, undefined, reject), SyntaxError);
  assert.throws(() => findStateDict(itself, undefined, reject), SyntaxError);
  assert.ok(performance.now() - start < 5000);
});

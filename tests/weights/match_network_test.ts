import assert from "node:assert/strict";
import type { HostTensor } from "../../src/core/host_tensor.ts";
import type { Constant, Parameter } from "../../src/core/network.ts";
import { matchNetwork } from "../../src/weights/match_network.ts";
import { WeightsMismatchError } from "../../src/weights/mismatch.ts";

const initial = { kind: "constant", value: 0 } as const;

const parameter = (
  name: string,
  shape: number[],
  more: Partial<Parameter> = {},
): Parameter => ({ name, shape, layout: "plain", initial, trained: true, ...more });

const index = (values: number[], dtype: "I32" | "I64" = "I64"): HostTensor => ({
  dtype,
  shape: [values.length],
  bytes: new Uint8Array(
    dtype === "I64"
      ? BigInt64Array.from(values, BigInt).buffer
      : Int32Array.from(values).buffer,
  ),
});

const tensor = (shape: number[], values: number[]): HostTensor => ({
  dtype: "F32",
  shape,
  bytes: new Uint8Array(Float32Array.from(values).buffer),
});

/** Makes tables of one element fit. */
const fit = (value: HostTensor) => value.shape[0] === 1 ? tensor([2], [7, 7]) : null;

const constant: Constant = { name: "table_index", value: () => index([0, 1]) };

const NET = {
  parameters: [
    parameter("linear.weight", [3, 2], { layout: "linear" }),
    parameter("table", [2], { fit }),
    parameter("bn.running_mean", [1]),
    parameter("bn.num_batches_tracked", [], { layout: "counter" }),
  ],
  constants: [constant],
};

const file = () =>
  new Map<string, HostTensor>([
    ["linear.weight", tensor([2, 3], [1, 2, 3, 4, 5, 6])],
    ["table", tensor([2], [1, 2])],
    ["table_index", index([0, 1])],
    ["bn.running_mean", tensor([1], [0])],
    ["bn.num_batches_tracked", { ...index([5]), shape: [] }],
  ]);

Deno.test("matchNetwork() takes what fits as it is, and drops constants", () => {
  const found = file();
  const { tensors, ...said } = matchNetwork(NET, found, "x");
  assert.deepEqual([...tensors.keys()], NET.parameters.map(({ name }) => name));
  assert.equal(tensors.get("table"), found.get("table"));
  assert.deepEqual(said, {
    missing: [],
    unexpected: [],
    fitted: [],
    cast: [],
    assumed: [],
  });
});

Deno.test("matchNetwork() fits a table of another size and says so", () => {
  const found = file().set("table", tensor([1], [3])).set("table_index", index([0]));
  const { tensors, fitted } = matchNetwork(NET, found, "x");
  assert.deepEqual(tensors.get("table"), tensor([2], [7, 7]));
  assert.deepEqual(fitted, ["table"]);
});

Deno.test("matchNetwork() refuses another shape where nothing can be fitted", () => {
  const found = file().set("table", tensor([3], [1, 2, 3]))
    .set("linear.weight", tensor([3, 2], [1, 2, 3, 4, 5, 6]));
  assert.throws(() => matchNetwork(NET, found, "x"), (error) => {
    assert(error instanceof WeightsMismatchError);
    assert.deepEqual(error.wrongShapes, [
      { name: "linear.weight", expected: [2, 3], found: [3, 2] },
      { name: "table", expected: [2], found: [3] },
    ]);
    return true;
  });
});

Deno.test("matchNetwork() makes float32 of other floats before it fits them", () => {
  const half = { dtype: "F16", shape: [1], bytes: new Uint8Array([0, 0x3c]) } as const;
  const seen: HostTensor[] = [];
  const parameters = [
    parameter("table", [2], { fit: (value) => (seen.push(value), fit(value)) }),
  ];
  const { cast, fitted } = matchNetwork({ parameters }, new Map([["table", half]]), "x");
  assert.deepEqual([cast, fitted], [["table"], ["table"]]);
  assert.deepEqual(seen, [tensor([1], [1])]);
});

Deno.test("matchNetwork() starts counters at 0 that old files do not have", () => {
  const found = file();
  found.delete("bn.num_batches_tracked");
  const { tensors, assumed } = matchNetwork(NET, found, "x");
  assert.deepEqual(assumed, ["bn.num_batches_tracked"]);
  assert.deepEqual(tensors.get("bn.num_batches_tracked"), { ...index([0]), shape: [] });
  // Without its statistics the norm itself is missing, and so is its counter.
  found.delete("bn.running_mean");
  const { missing } = matchNetwork(NET, found, "x", { allowMissing: ["bn.*"] });
  assert.deepEqual(missing, ["bn.running_mean", "bn.num_batches_tracked"]);
});

Deno.test("matchNetwork() takes a constant in other integers, but no other one", () => {
  matchNetwork(NET, file().set("table_index", index([0, 1], "I32")), "x");
  assert.throws(
    () => matchNetwork(NET, file().set("table_index", index([1, 0])), "swin.pth"),
    {
      name: "RangeError",
      message: 'Cannot load "swin.pth": its "table_index" is another one than follows ' +
        "from its shape, so that its table has another order",
    },
  );
});

Deno.test("matchNetwork() is exact or asked for", () => {
  const found = file().set("head.weight", tensor([1], [1]));
  found.delete("linear.weight");
  assert.throws(() => matchNetwork(NET, found, "x"), WeightsMismatchError);
  const { missing, unexpected } = matchNetwork(NET, found, "x", {
    allowMissing: ["linear.*"],
    allowUnexpected: ["head.*"],
  });
  assert.deepEqual([missing, unexpected], [["linear.weight"], ["head.weight"]]);
});

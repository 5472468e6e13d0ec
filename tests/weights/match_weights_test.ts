import assert from "node:assert/strict";
import type { HostTensor } from "../../src/core/host_tensor.ts";
import type { DerivedBuffer, Parameter } from "../../src/core/network.ts";
import {
  countAndList,
  describeFit,
  matchNetworkWeights,
  matchWeights,
  variantSettings,
  WeightsMismatchError,
} from "../../src/weights/match_weights.ts";

const zeros = (...shape: number[]): HostTensor => ({
  dtype: "F32",
  shape,
  bytes: new Uint8Array(4 * shape.reduce((a, b) => a * b, 1)),
});

const MODEL = new Map([
  ["backbone.conv.weight", [8, 3, 7, 7]],
  ["backbone.conv.bias", [8]],
  ["decode_head.conv_seg.weight", [11, 8, 1, 1]],
]);

const modelFile = () =>
  new Map([...MODEL].map(([name, shape]) => [name, zeros(...shape)]));

Deno.test("matchWeights() takes what the model asks for, in the model's order", () => {
  const found = new Map([...modelFile()].reverse());
  const { tensors, missing, unexpected } = matchWeights(MODEL, found, "x");
  assert.deepEqual([...tensors.keys()], [...MODEL.keys()]);
  assert.deepEqual({ missing, unexpected }, { missing: [], unexpected: [] });
});

Deno.test("matchWeights() lists everything that does not fit, with both shapes", () => {
  const found = modelFile();
  found.delete("backbone.conv.bias");
  found.set("decode_head.conv_seg.weight", zeros(19, 8, 1, 1));
  found.set("head.weight", zeros(1000, 8));
  assert.throws(() => matchWeights(MODEL, found, "b0.safetensors"), (error) => {
    assert(error instanceof WeightsMismatchError);
    assert.deepEqual(error.missing, ["backbone.conv.bias"]);
    assert.deepEqual(error.unexpected, ["head.weight"]);
    assert.deepEqual(error.shapeMismatches, [{
      name: "decode_head.conv_seg.weight",
      expected: [11, 8, 1, 1],
      found: [19, 8, 1, 1],
    }]);
    assert.equal(
      error.message,
      'Cannot load "b0.safetensors": it does not match the model (missing or unexpected ' +
        "keys or size mismatch); was it saved by another network?\n  1 missing: backbone.conv.bias\n  1 unexpected: head.weight\n" +
        "  1 size mismatch: decode_head.conv_seg.weight " +
        "(model [11, 8, 1, 1], file [19, 8, 1, 1])",
    );
    return true;
  });
});

Deno.test("matchWeights() refuses weights that are no finite numbers, in every type", () => {
  for (
    const [dtype, bits, what] of [
      ["F32", Uint32Array.of(0, 0x7fc00000), "NaN"],
      ["F32", Uint32Array.of(0, 0xff800000), "infinite numbers"],
      ["F16", Uint16Array.of(0, 0x7c00), "infinite numbers"],
      ["BF16", Uint16Array.of(0, 0x7fc1), "NaN"],
      ["F64", Float64Array.of(0, NaN), "NaN"],
    ] as const
  ) {
    const value: HostTensor = { dtype, shape: [2], bytes: new Uint8Array(bits.buffer) };
    assert.throws(
      () => matchWeights(new Map([["bias", [2]]]), new Map([["bias", value]]), "x.pth"),
      {
        name: "RangeError",
        message: `Cannot load "x.pth": its "bias" holds ${what}, as of a training that ` +
          "has diverged: take an earlier checkpoint",
      },
    );
  }
});

Deno.test("matchWeights() leaves out what is tolerated and says so", () => {
  const found = modelFile();
  found.delete("decode_head.conv_seg.weight");
  found.set("head.weight", zeros(1000, 8));
  const { tensors, missing, unexpected } = matchWeights(MODEL, found, "x", {
    allowMissing: ["decode_head.*"],
    allowUnexpected: ["head.*"],
  });
  assert.equal(tensors.size, 2);
  assert.deepEqual(missing, ["decode_head.conv_seg.weight"]);
  assert.deepEqual(unexpected, ["head.weight"]);
});

Deno.test("matchWeights() reads dots of a pattern as dots", () => {
  const found = modelFile().set("decode_headXconv", zeros(1));
  assert.throws(
    () => matchWeights(MODEL, found, "x", { allowUnexpected: ["decode_head.*"] }),
    WeightsMismatchError,
  );
});

const initializer = { kind: "constant", value: 0 } as const;

const parameter = (
  name: string,
  shape: number[],
  more: Partial<Parameter> = {},
): Parameter => ({ name, shape, layout: "plain", initializer, trainable: true, ...more });

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
const adaptShape = (value: HostTensor) =>
  value.shape[0] === 1 ? tensor([2], [7, 7]) : null;

const constant: DerivedBuffer = { name: "table_index", value: () => index([0, 1]) };

const NET = {
  parameters: [
    parameter("linear.weight", [3, 2], { layout: "linear" }),
    parameter("table", [2], { adaptShape }),
    parameter("bn.running_mean", [1]),
    parameter("bn.num_batches_tracked", [], { layout: "counter" }),
  ],
  derivedBuffers: [constant],
};

const file = () =>
  new Map<string, HostTensor>([
    ["linear.weight", tensor([2, 3], [1, 2, 3, 4, 5, 6])],
    ["table", tensor([2], [1, 2])],
    ["table_index", index([0, 1])],
    ["bn.running_mean", tensor([1], [0])],
    ["bn.num_batches_tracked", { ...index([5]), shape: [] }],
  ]);

Deno.test("matchNetworkWeights() takes what fits as it is, and drops constants", () => {
  const found = file();
  const { tensors, ...said } = matchNetworkWeights(NET, found, "x");
  assert.deepEqual([...tensors.keys()], NET.parameters.map(({ name }) => name));
  assert.equal(tensors.get("table"), found.get("table"));
  assert.deepEqual(said, {
    missing: [],
    unexpected: [],
    resized: [],
    adaptedFilters: [],
    cast: [],
    defaultedCounters: [],
    zeroedUnused: [],
    recomputedBuffers: ["table_index"],
  });
});

Deno.test("describeFit() has a line for each thing that was done, and none for others", () => {
  const half = { dtype: "F16", shape: [1], bytes: new Uint8Array([0, 0x3c]) } as const;
  const found = file().set("table", tensor([1], [3])).set("bn.running_mean", half);
  found.delete("bn.num_batches_tracked");
  assert.deepEqual(describeFit(matchNetworkWeights(NET, found, "x")), [
    "1 resized: table",
    "1 cast to float32: bn.running_mean",
    "1 batch counters absent, started at 0: bn.num_batches_tracked",
    "1 buffers computed instead of read: table_index",
  ]);
  found.delete("table_index");
  const exact = { parameters: NET.parameters.slice(0, 1) };
  const linear = new Map([...found].slice(0, 1));
  assert.deepEqual(describeFit(matchNetworkWeights(exact, linear, "x")), []);
});

Deno.test("countAndList() counts all names and shows five", () => {
  assert.deepEqual(countAndList("unused", []), []);
  assert.deepEqual(countAndList("unused", ["a"]), ["1 unused: a"]);
  assert.deepEqual(countAndList("unused", [..."abcdefg"]), [
    "7 unused: a, b, c, d, e and 2 more",
  ]);
});

Deno.test("matchNetworkWeights() fits a table of another size and says so", () => {
  const found = file().set("table", tensor([1], [3])).set("table_index", index([0]));
  const { tensors, resized } = matchNetworkWeights(NET, found, "x");
  assert.deepEqual(tensors.get("table"), tensor([2], [7, 7]));
  assert.deepEqual(resized, ["table"]);
});

Deno.test("matchNetworkWeights() refuses another shape where nothing can be fitted", () => {
  const found = file().set("table", tensor([3], [1, 2, 3]))
    .set("linear.weight", tensor([3, 2], [1, 2, 3, 4, 5, 6]));
  assert.throws(() => matchNetworkWeights(NET, found, "x"), (error) => {
    assert(error instanceof WeightsMismatchError);
    assert.deepEqual(error.shapeMismatches, [
      { name: "linear.weight", expected: [2, 3], found: [3, 2] },
      { name: "table", expected: [2], found: [3] },
    ]);
    return true;
  });
});

Deno.test("matchNetworkWeights() makes float32 of other floats before it fits them", () => {
  const half = { dtype: "F16", shape: [1], bytes: new Uint8Array([0, 0x3c]) } as const;
  const seen: HostTensor[] = [];
  const parameters = [
    parameter("table", [2], {
      adaptShape: (value) => (seen.push(value), adaptShape(value)),
    }),
  ];
  const { cast, resized } = matchNetworkWeights(
    { parameters },
    new Map([["table", half]]),
    "x",
  );
  assert.deepEqual([cast, resized], [["table"], ["table"]]);
  assert.deepEqual(seen, [tensor([1], [1])]);
});

Deno.test("matchNetworkWeights() starts counters at 0 that old files do not have", () => {
  const found = file();
  found.delete("bn.num_batches_tracked");
  const { tensors, defaultedCounters } = matchNetworkWeights(NET, found, "x");
  assert.deepEqual(defaultedCounters, ["bn.num_batches_tracked"]);
  assert.deepEqual(tensors.get("bn.num_batches_tracked"), { ...index([0]), shape: [] });
  // Without its statistics the norm itself is missing, and so is its counter.
  found.delete("bn.running_mean");
  const { missing } = matchNetworkWeights(NET, found, "x", { allowMissing: ["bn.*"] });
  assert.deepEqual(missing, ["bn.running_mean", "bn.num_batches_tracked"]);
});

Deno.test("matchNetworkWeights() takes a constant in other integers, but no other one", () => {
  matchNetworkWeights(NET, file().set("table_index", index([0, 1], "I32")), "x");
  assert.throws(
    () => matchNetworkWeights(NET, file().set("table_index", index([1, 0])), "swin.pth"),
    {
      name: "RangeError",
      message:
        'Cannot load "swin.pth": its buffer "table_index" differs from the index that ' +
        "follows from its shape, so its table of relative positions has another order",
    },
  );
});

Deno.test("matchNetworkWeights() is exact or asked for", () => {
  const found = file().set("head.weight", tensor([1], [1]));
  found.delete("linear.weight");
  assert.throws(() => matchNetworkWeights(NET, found, "x"), WeightsMismatchError);
  const { missing, unexpected } = matchNetworkWeights(NET, found, "x", {
    allowMissing: ["linear.*"],
    allowUnexpected: ["head.*"],
  });
  assert.deepEqual([missing, unexpected], [["linear.weight"], ["head.weight"]]);
});

Deno.test("matchNetworkWeights() sets to 0 what is never used and does not fit", () => {
  const unused = { ...parameter("spare", [2, 1]), isUnused: true };
  const net = { parameters: [...NET.parameters, unused] };
  const fits = matchNetworkWeights({ ...NET, ...net }, file(), "x");
  assert.deepEqual(fits.tensors.get("spare"), tensor([2, 1], [0, 0]));
  assert.deepEqual(fits.zeroedUnused, ["spare"]);
  assert.ok(
    describeFit(fits).includes(
      "1 never used, missing or of another shape, set to 0: spare",
    ),
  );
  const wide = file().set("spare", tensor([3, 1], [1, 2, 3]));
  assert.deepEqual(matchNetworkWeights({ ...NET, ...net }, wide, "x").zeroedUnused, [
    "spare",
  ]);
  const own = file().set("spare", tensor([2, 1], [1, 2]));
  assert.deepEqual(matchNetworkWeights({ ...NET, ...net }, own, "x").zeroedUnused, []);
  // What may be missing as a whole starts as the caller wants.
  const options = { allowMissing: ["spare"] };
  const { missing } = matchNetworkWeights({ ...NET, ...net }, file(), "x", options);
  assert.deepEqual(missing, ["spare"]);
});

/** A part of a network of a variant, and the setting that has or lacks it. */
const VARIANTS: readonly (readonly [name: string, setting: string, without: string])[] = [
  [
    "decode_head.fuse_layer.image_pool.1.conv.weight",
    "imagePool: true",
    "imagePool: false",
  ],
  [
    "decode_head.embed_layers.3.1.image_pool.1.bn.bias",
    "imagePool: true",
    "imagePool: false",
  ],
  [
    "decoder.representation.0.weight",
    "representationHead: true",
    "representationHead: false",
  ],
  ["backbone.register_tokens", "registers: true", "registers: false"],
  [
    "decode_head.scale_attention.conv_seg.bias",
    'multiResolution"',
    "multiResolution: null",
  ],
  ["auxiliary_head.conv_seg.bias", 'auxiliaryHead"', "auxiliaryHead: null"],
];

for (const [name, setting, without] of VARIANTS) {
  Deno.test(`matchNetworkWeights() names the setting of a file with or without ${name}`, () => {
    const more = file().set(name, tensor([1], [1]));
    assert.throws(() => matchNetworkWeights(NET, more, "x"), {
      name: "WeightsMismatchError",
      message: new RegExp(`the file is of the variant with "model\\..*${setting}`),
    });
    const net = { ...NET, parameters: [...NET.parameters, parameter(name, [1])] };
    assert.throws(() => matchNetworkWeights(net, file(), "x"), {
      name: "WeightsMismatchError",
      message: new RegExp(`the file is of the variant with "model\\..*${without}`),
    });
  });
}

Deno.test("matchNetworkWeights() names the setting of the kernel of SegFormer's fusion", () => {
  const name = "decode_head.linear_fuse.conv.weight";
  for (const [theirs, ours] of [[3, 1], [1, 3]] as const) {
    const shape = [ours, ours, 4, 1];
    const parameters = [parameter(name, shape, { layout: "convolution" })];
    const count = 4 * theirs ** 2;
    const found = new Map([[
      name,
      tensor([1, 4, theirs, theirs], Array.from({ length: count }, () => 1)),
    ]]);
    assert.throws(() => matchNetworkWeights({ parameters }, found, "x"), {
      name: "WeightsMismatchError",
      message: new RegExp(`"model\\.decoder\\.fusionKernelSize: ${theirs}"$`),
    });
  }
});

Deno.test("matchNetworkWeights() names the size of the images of DINOv2's positions", () => {
  const name = "backbone.pos_embed";
  const positions = (count: number) => tensor([1, count, 1], Array(count).fill(1));
  const net = { parameters: [parameter(name, [1, 10, 1])] };
  assert.throws(() => matchNetworkWeights(net, new Map([[name, positions(5)]]), "x"), {
    name: "WeightsMismatchError",
    message: /the file is of the variant with "model\.encoder\.imageSize: 28"$/,
  });
  const odd = new Map([[name, positions(4)]]); // of no square
  assert.throws(() => matchNetworkWeights(net, odd, "x"), {
    message: /file \[1, 4, 1\]\)$/,
  });
  assert.deepEqual(variantSettings(new Map([[name, positions(257)]])), [
    'it is of the variant with "model.encoder.imageSize: 224"',
  ]);
  assert.deepEqual(variantSettings(new Map([[name, positions(1370)]])), []);
});

Deno.test("variantSettings() names what a file alone needs", () => {
  const settings = (...names: string[]) =>
    variantSettings(new Map(names.map((name) => [name, tensor([1], [1])])));
  assert.deepEqual(settings("decode_head.fuse_layer.image_pool.1.conv.weight"), [
    'it is of the variant with "model.decoder.imagePool: true"',
  ]);
  assert.deepEqual(settings("decode_head.scale_attention.conv_seg.bias"), [
    'it is of the variant with "model.multiResolution"',
  ]);
  // DeepLabV3+ always has it.
  assert.deepEqual(settings("decode_head.image_pool.1.conv.weight"), []);
  const aspp = "decoder.aspp.conv3.0.weight";
  assert.deepEqual(settings(aspp), [
    'it is of the variant with "model.decoder.representationHead: false"',
  ]);
  assert.deepEqual(settings(aspp, "decoder.representation.0.weight"), []);
  assert.deepEqual(settings("auxiliary_head.conv_seg.bias", "auxor.aux.0.weight"), []);
  for (const [side, expected] of [[1, 0], [3, 1]] as const) {
    const weight = tensor([1, 1, side, side], Array.from({ length: side ** 2 }, () => 1));
    const found = variantSettings(
      new Map([["decode_head.linear_fuse.conv.weight", weight]]),
    );
    assert.equal(found.length, expected);
  }
});

import assert from "node:assert/strict";
import { selectPrefix } from "../../src/weights/select_prefix.ts";

const choose = (names: string[], wanted?: string) => {
  const { names: selected, ...rest } = selectPrefix(names, wanted, "x.pth");
  return { ...rest, names: [...selected.values()], own: [...selected.keys()] };
};

/** What is usual: nothing of PyTorch in the names, and nothing left out. */
const PLAIN = { innerWrappers: [], leftOut: [] };

Deno.test("selectPrefix() takes away what is around a whole network", () => {
  assert.deepEqual(choose(["module.model.module.a", "module.model.module.b"]), {
    ...PLAIN,
    prefix: "module.model.module.",
    names: ["module.model.module.a", "module.model.module.b"],
    own: ["a", "b"],
    otherPrefixes: [],
  });
  assert.equal(choose(["backbone.a", "backbone.b"]).prefix, "");
  assert.equal(choose(["a"]).prefix, "");
  assert.equal(choose(["a", "module.b"]).prefix, "");
  assert.equal(choose(["module."]).prefix, "");
  assert.equal(choose([]).prefix, "");
});

const UDA = [
  "model.backbone.a",
  "ema_model.backbone.a",
  "imnet_model.backbone.a",
  "model.decode_head.b",
];

Deno.test("selectPrefix() takes the student of a UDA checkpoint", () => {
  assert.deepEqual(choose(UDA), {
    ...PLAIN,
    prefix: "model.",
    names: ["model.backbone.a", "model.decode_head.b"],
    own: ["backbone.a", "decode_head.b"],
    otherPrefixes: ["ema_model.", "imnet_model."],
  });
  const wrapped = UDA.map((name) => `module.${name}`);
  assert.equal(choose(wrapped).prefix, "module.model.");
});

Deno.test("selectPrefix() takes another network where it is asked for", () => {
  assert.deepEqual(choose(UDA, "ema_model."), {
    ...PLAIN,
    prefix: "ema_model.",
    names: ["ema_model.backbone.a"],
    own: ["backbone.a"],
    otherPrefixes: ["model.", "imnet_model."],
  });
  const wrapped = UDA.map((name) => `module.${name}`);
  assert.equal(choose(wrapped, "ema_model.").prefix, "module.ema_model.");
  assert.deepEqual(choose(UDA, "model.backbone.").names, ["model.backbone.a"]);
});

Deno.test("selectPrefix() takes the student of a checkpoint from here", () => {
  const names = ["backbone.a", "ema_model.backbone.a", "optimizer.exp_avg.backbone.a"];
  assert.deepEqual(choose(names), {
    ...PLAIN,
    prefix: "",
    names: ["backbone.a"],
    own: ["backbone.a"],
    otherPrefixes: ["ema_model.", "optimizer.exp_avg."],
  });
});

Deno.test("selectPrefix() takes a file of nothing but a teacher", () => {
  assert.deepEqual(choose(["ema_model.module.a"]), {
    ...PLAIN,
    prefix: "ema_model.module.",
    names: ["ema_model.module.a"],
    own: ["a"],
    otherPrefixes: [],
  });
});

Deno.test("selectPrefix() says which prefixes there are", () => {
  assert.throws(() => choose(UDA, "teacher."), {
    name: "RangeError",
    message: 'Cannot take the weights with the prefix "teacher." from "x.pth": no name ' +
      'begins with it; there are "model.", "ema_model.", "imnet_model.", and the first ' +
      'name is "model.backbone.a"',
  });
});

Deno.test("selectPrefix() does not guess where there is no student", () => {
  assert.throws(() => choose(["ema_model.a", "imnet_model.a"]), {
    name: "RangeError",
    message: 'Cannot choose from "x.pth": it has several networks and none is the ' +
      'student; choose one by its prefix: "ema_model.", "imnet_model."',
  });
});

/** Names of two weights as wrappers write them, and what is said about them. */
const WRAPPED: readonly (readonly [
  what: string,
  wrap: (name: string) => string,
  more: readonly string[],
  said: {
    prefix: string;
    otherPrefixes?: readonly string[];
    leftOut?: readonly string[];
  },
])[] = [
  ["torch.compile", (name) => `_orig_mod.${name}`, [], { prefix: "" }],
  ["torch.compile in DDP", (name) => `module._orig_mod.${name}`, [], {
    prefix: "module.",
  }],
  ["DDP in torch.compile", (name) => `_orig_mod.module.${name}`, [], {
    prefix: "module.",
  }],
  [
    "torch.compile of a part",
    (name) => name.replace(".", "._orig_mod."),
    [],
    { prefix: "" },
  ],
  ["FSDP", (name) => `_fsdp_wrapped_module.${name}`, [], { prefix: "" }],
  ["Lightning with a net", (name) => `net.${name}`, [], { prefix: "net." }],
  [
    "Lightning with a criterion and metrics",
    (name) => `net.${name}`,
    ["criterion.weight", "val_iou.confmat"],
    { prefix: "net.", leftOut: ["criterion.weight", "val_iou.confmat"] },
  ],
  [
    "a module with a criterion",
    (name) => name,
    ["criterion.weight"],
    { prefix: "", leftOut: ["criterion.weight"] },
  ],
  [
    "AveragedModel",
    (name) => `module.${name}`,
    ["n_averaged"],
    { prefix: "module.", leftOut: ["n_averaged"] },
  ],
  [
    "AveragedModel of a compiled model in DDP",
    (name) => `module.module._orig_mod.${name}`,
    ["n_averaged"],
    { prefix: "module.module.", leftOut: ["n_averaged"] },
  ],
  [
    "an average of mmengine",
    (name) => `module.${name}`,
    ["steps"],
    { prefix: "module.", leftOut: ["steps"] },
  ],
  [
    "a network under mmcv's EMAHook",
    (name) => `module.${name}`,
    ["module.ema_backbone_a", "module.ema_decode_head_b"],
    {
      prefix: "module.",
      leftOut: ["module.ema_backbone_a", "module.ema_decode_head_b"],
    },
  ],
  [
    "ema_pytorch without its online model",
    (name) => `ema_model.${name}`,
    ["initted", "step"],
    { prefix: "ema_model.", leftOut: ["initted", "step"] },
  ],
  [
    "ema_pytorch",
    (name) => `online_model.${name}`,
    ["ema_model.backbone.a", "initted", "step"],
    {
      prefix: "online_model.",
      otherPrefixes: ["ema_model."],
      leftOut: ["initted", "step"],
    },
  ],
  [
    "a module of student and teacher",
    (name) => `student.${name}`,
    ["teacher.backbone.a"],
    { prefix: "student.", otherPrefixes: ["teacher."] },
  ],
  [
    "Lightning with an AveragedModel",
    (name) => `net.${name}`,
    ["ema.n_averaged", "ema.module.backbone.a"],
    { prefix: "net.", otherPrefixes: ["ema."] },
  ],
];

for (
  const [what, wrap, more, { prefix, otherPrefixes = [], leftOut = [] }] of WRAPPED
) {
  Deno.test(`selectPrefix() takes the network out of ${what}`, () => {
    const own = ["backbone.a", "decode_head.b"];
    const found = choose([...more, ...own.map(wrap)]);
    assert.deepEqual(
      [found.own, found.names, found.prefix, found.otherPrefixes, found.leftOut],
      [own, own.map(wrap), prefix, otherPrefixes, leftOut],
    );
  });
}

Deno.test("selectPrefix() takes the average of an AveragedModel in a module", () => {
  const names = ["net.a.b", "ema.n_averaged", "ema.module.a.b"];
  const { own, leftOut } = choose(names, "ema.");
  assert.deepEqual([own, leftOut], [["a.b"], ["ema.n_averaged"]]);
});

Deno.test("selectPrefix() takes a prefix as it stands in the file", () => {
  const names = ["module._orig_mod.model.a", "module._orig_mod.ema_model.a"];
  for (
    const wanted of ["module._orig_mod.ema_model.", "module.ema_model.", "ema_model."]
  ) {
    assert.deepEqual(choose(names, wanted).names, ["module._orig_mod.ema_model.a"]);
  }
  assert.deepEqual(choose(names).innerWrappers, ["_orig_mod."]);
});

Deno.test("selectPrefix() leaves a network alone whose parts are called like wrappers", () => {
  for (
    const names of [["net.a", "head.b"], ["step", "a"], ["network.a", "teacher.b", "c"]]
  ) {
    const { prefix, own } = choose(names);
    assert.deepEqual([prefix, own.includes(names[0] ?? "")], ["", true]);
  }
});

Deno.test("selectPrefix() refuses a weight that is there compiled and not", () => {
  assert.throws(() => choose(["a.b", "_orig_mod.a.b"]), {
    name: "RangeError",
    message: /"a\.b" and "_orig_mod\.a\.b" are the same weight, compiled and not$/,
  });
});

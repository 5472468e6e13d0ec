import assert from "node:assert/strict";
import { selectPrefix } from "../../src/weights/select_prefix.ts";

const choose = (names: string[], wanted?: string) => selectPrefix(names, wanted, "x.pth");

Deno.test("selectPrefix() takes away what is around a whole network", () => {
  assert.deepEqual(choose(["module.model.module.a", "module.model.module.b"]), {
    prefix: "module.model.module.",
    names: ["module.model.module.a", "module.model.module.b"],
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
    prefix: "model.",
    names: ["model.backbone.a", "model.decode_head.b"],
    otherPrefixes: ["ema_model.", "imnet_model."],
  });
  const wrapped = UDA.map((name) => `module.${name}`);
  assert.equal(choose(wrapped).prefix, "module.model.");
});

Deno.test("selectPrefix() takes another network where it is asked for", () => {
  assert.deepEqual(choose(UDA, "ema_model."), {
    prefix: "ema_model.",
    names: ["ema_model.backbone.a"],
    otherPrefixes: ["model.", "imnet_model."],
  });
  const wrapped = UDA.map((name) => `module.${name}`);
  assert.equal(choose(wrapped, "ema_model.").prefix, "module.ema_model.");
  assert.deepEqual(choose(UDA, "model.backbone.").names, ["model.backbone.a"]);
});

Deno.test("selectPrefix() takes the student of a checkpoint from here", () => {
  const names = ["backbone.a", "ema_model.backbone.a", "optimizer.exp_avg.backbone.a"];
  assert.deepEqual(choose(names), {
    prefix: "",
    names: ["backbone.a"],
    otherPrefixes: ["ema_model.", "optimizer.exp_avg."],
  });
});

Deno.test("selectPrefix() takes a file of nothing but a teacher", () => {
  assert.deepEqual(choose(["ema_model.module.a"]), {
    prefix: "ema_model.module.",
    names: ["ema_model.module.a"],
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

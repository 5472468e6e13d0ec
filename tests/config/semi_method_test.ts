import assert from "node:assert/strict";
import { judgedAt, usesTarget, widthOf } from "../../src/config/method.ts";
import { example, folderExample } from "./example.ts";

const refused = (...lines: string[]) => ({
  name: "SyntaxError",
  message: ['Cannot use "example.yaml":', ...lines].join("\n  "),
});

Deno.test("the defaults of the mean teacher are U2PL's, without oddities", () => {
  assert.deepEqual(example("method={name: mean-teacher}").method, {
    name: "mean-teacher",
    lookAhead: null,
    teacher: { momentum: 0.99, sharedIterations: 0 },
    criterion: { name: "cross-entropy" },
    supervisedIterations: 0,
    perturbation: { name: "none", probability: 0.5 },
    entropyFilter: { percent: 100, annealed: false, teacher: "train" },
    weight: 1,
    contrast: null,
  });
});

Deno.test("the defaults of weak-to-strong are UniMatch's", () => {
  assert.deepEqual(example("method={name: weak-to-strong}").method, {
    name: "weak-to-strong",
    lookAhead: null,
    teacher: { momentum: 0.99, sharedIterations: 0 },
    criterion: { name: "cross-entropy" },
    supervisedIterations: 0,
    threshold: 0.95,
    views: {
      jitterStrength: 0.5,
      jitterProbability: 0.8,
      blurProbability: 0.5,
      cutmixProbability: 0.5,
    },
    strongWeight: 0.5,
    featureWeight: 0.5,
    featureDropout: 0.5,
  });
});

Deno.test("one line lays the look-ahead on either rule", () => {
  for (const name of ["mean-teacher", "weak-to-strong"]) {
    const { method } = example(`method={name: ${name}}`, "method.lookAhead={depth: 2}");
    assert.deepEqual("lookAhead" in method && method.lookAhead, {
      depth: 2,
      width: 1,
      agreement: null,
      optimizerState: "restore",
      buffers: "restore",
      presentStudent: "after",
    });
  }
});

Deno.test("rules for few labels say what they need and what they are for", () => {
  const { method } = example(
    "method={name: mean-teacher, supervisedIterations: 5, lookAhead: {width: 4}}",
  );
  assert.ok(usesTarget(method));
  assert.equal(widthOf(method), 4);
  assert.deepEqual([4, 5, 6].map((t) => judgedAt(method, t)), [
    "student",
    "student",
    "teacher",
  ]);
  assert.equal(judgedAt(example().method, 100), "student");
  assert.throws(
    () => example("data.target=null", "method={name: weak-to-strong}"),
    refused('data.target: is required by the method "weak-to-strong"'),
  );
});

Deno.test("an agreement is about one future", () => {
  assert.throws(
    () => example("method={name: mean-teacher, lookAhead: {width: 2, agreement: 0.9}}"),
    refused(
      "method.lookAhead.agreement: is for one future: set the width to 1, or this to null",
    ),
  );
});

const REPRESENTING = "model.decoder={name: semi-deeplabv3+}";

Deno.test("a contrast is off, and has defaults once it is on", () => {
  const { method } = example("method={name: mean-teacher}");
  assert.equal("contrast" in method && method.contrast, null);
  const { method: on } = example(
    "method={name: mean-teacher, contrast: {bank: {entriesPerClass: 300}}}",
    REPRESENTING,
  );
  assert.deepEqual("contrast" in on && on.contrast, {
    weight: 1,
    queries: 256,
    negatives: 50,
    temperature: 0.5,
    ranks: [3, 20],
    minimumProbability: 0.3,
    percent: 20,
    prototypeMomentum: 0.999,
    bank: { entriesPerClass: 300, newPerIteration: 200 },
  });
});

Deno.test("a contrast needs a decoder with a representation", () => {
  const method = "method={name: mean-teacher, contrast: {}}";
  assert.throws(
    () => example(method, "model.decoder={name: semi-psp}"),
    refused(
      "method.contrast: compares representations of pixels, which the decoder " +
        '"semi-psp" does not give: set "model.decoder.name" to "semi-deeplabv3+", or ' +
        "this to null",
    ),
  );
  example(method, REPRESENTING);
});

Deno.test("a bank has room for what is new, and ranks ascend", () => {
  const method = (contrast: string) =>
    `method={name: mean-teacher, contrast: ${contrast}}`;
  assert.throws(
    () => example(method("{bank: {entriesPerClass: 99}}"), REPRESENTING),
    refused(
      'method.contrast.bank.newPerIteration: must be at most "entriesPerClass", 99: ' +
        "received 200",
    ),
  );
  assert.throws(
    () => example(method("{ranks: [5, 4]}"), REPRESENTING),
    refused("method.contrast.ranks: must ascend: received 5, 4"),
  );
});

Deno.test("an optimizer's options are its own", () => {
  assert.deepEqual(example("optimizer={name: sgd}").optimizer, {
    name: "sgd",
    rate: 1e-3,
    headFactor: 10,
    weightDecay: 1e-4,
    momentum: 0.9,
    warmup: 0,
    warmupRatio: 1e-6,
    power: 0.9,
    minimumRate: 0,
    accumulate: 1,
  });
  assert.throws(
    () => example("optimizer={momentum: 0.9}"),
    refused('optimizer: Unrecognized key: "momentum"'),
  );
  assert.throws(
    () => example("optimizer={name: sdg}"),
    refused(
      'optimizer.name: must be one of "adamw", "sgd": received "sdg"; did you mean "sgd"?',
    ),
  );
});

Deno.test("padding has a class of the data set", () => {
  const { data } = folderExample("data.padding={place: centre, label: 1}");
  assert.deepEqual(data.padding, { place: "centre", label: 1 });
  assert.throws(() => folderExample("data.padding={label: 2}"), {
    message: /data\.padding\.label: must be a class id of 0 … 1, or 255: received 2/,
  });
  assert.throws(() => folderExample("data.randomScale=[2, 4]"), {
    message: /data\.randomScale/,
  });
});

Deno.test("rules for few labels take a batch at once", () => {
  assert.throws(
    () =>
      example("method={name: mean-teacher}", "data.batch=2", "optimizer.accumulate=2"),
    refused(
      'optimizer.accumulate: must be 1 with the method "mean-teacher", which drops pixels ' +
        "by their rank in the whole batch",
    ),
  );
});

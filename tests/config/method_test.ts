import assert from "node:assert/strict";
import { lookAheadWidth, primaryNetworkAt, usesTarget } from "../../src/config/method.ts";
import { example, folderExample, folderProblems, problems } from "./example.ts";

const CRITERION = {
  name: "cross-entropy",
  weight: 1,
  classWeights: null,
  beta: 0.9999,
  average: null,
  labelSmoothing: 0,
};

Deno.test("the defaults of future self-training are those of the paper", () => {
  assert.deepEqual(example().method, {
    name: "self-training",
    lookAhead: {
      by: "gradient",
      depth: 3,
      width: 1,
      agreement: null,
      optimizerState: "restore",
      buffers: "restore",
      emaStep: "iteration",
      emaTiming: "before",
      firstIteration: "lookahead",
      reuse: true,
      shareDropout: false,
    },
    teacher: { emaDecay: 0.999 },
    criterion: CRITERION,
    pseudoLabel: {
      threshold: 0.968,
      ignoreTop: 0,
      ignoreBottom: 0,
      ignoreMargins: null,
      flip: false,
    },
    mixing: {
      colorJitterStrength: 0.2,
      colorJitterProbability: 0.8,
      blurProbability: 0.5,
      classesFrom: "image",
    },
    featureDistance: null,
    maskedConsistency: null,
  });
});

Deno.test("supervised learning has no options of other methods", () => {
  assert.deepEqual(example("method={name: supervised}").method, {
    name: "supervised",
    criterion: CRITERION,
  });
  assert.throws(
    () => example("method={name: source-only, lookAhead: {depth: 3}}"),
    problems(
      'method: Unrecognized key: "lookAhead", which is one of "self-training", ' +
        '"mean-teacher", "weak-to-strong", not of "source-only"',
    ),
  );
});

Deno.test("the defaults of the mean teacher are U2PL's, without oddities", () => {
  assert.deepEqual(example("method={name: mean-teacher}").method, {
    name: "mean-teacher",
    lookAhead: null,
    teacher: { emaDecay: 0.99, copyIterations: 0 },
    criterion: CRITERION,
    supervisedOnlyIterations: 0,
    maskedConsistency: null,
    perturbation: { name: "none", probability: 0.5 },
    entropyFilter: { keepPercent: 100, anneal: false, teacherMode: "train" },
    unsupervisedWeight: 1,
    contrastive: null,
  });
});

Deno.test("the defaults of weak-to-strong are UniMatch's", () => {
  assert.deepEqual(example("method={name: weak-to-strong}").method, {
    name: "weak-to-strong",
    lookAhead: null,
    teacher: { emaDecay: 0.99, copyIterations: 0, buffers: "copy" },
    criterion: CRITERION,
    supervisedOnlyIterations: 0,
    maskedConsistency: null,
    confidenceThreshold: 0.95,
    pseudoLabelAverage: "all",
    strongAugmentation: {
      colorJitterStrength: 0.5,
      colorJitterProbability: 0.8,
      grayscaleProbability: 0,
      blurProbability: 0.5,
      blurSigma: [0.15, 1.15],
      cutmixProbability: 0.5,
      cutmixPartner: "next",
    },
    strongWeight: 0.5,
    complementaryDropout: false,
    featurePerturbationWeight: 0.5,
    featureDropout: 0.5,
  });
});

Deno.test("one line adds masked images, as published, to every rule with pseudo-labels", () => {
  for (const name of ["self-training", "mean-teacher", "weak-to-strong"]) {
    const { method } = example(`method={name: ${name}, maskedConsistency: {}}`);
    assert.deepEqual(usesTarget(method) && method.maskedConsistency, {
      mask: "patches",
      blockSize: null,
      ratio: 0.7,
      lossWeight: 1,
      colorJitterStrength: 0.2,
      colorJitterProbability: 0.8,
      blurProbability: 0.5,
    });
    assert.throws(
      () => example(`method={name: ${name}, maskedConsistency: {blockSize: 65}}`),
      problems(
        "method.maskedConsistency.blockSize: must be at most the shorter side of " +
          '"data.cropSize", 64: received 65',
      ),
    );
  }
  assert.throws(
    () => example("method={name: source-only, maskedConsistency: {}}"),
    problems(
      'method: Unrecognized key: "maskedConsistency", which is one of "self-training", ' +
        '"mean-teacher", "weak-to-strong", not of "source-only"',
    ),
  );
});

Deno.test("tokens are masked by encoders with a mask token, and have their size", () => {
  const tokens = (masking: string) =>
    `method={name: mean-teacher, maskedConsistency: {mask: tokens${masking}}}`;
  assert.throws(
    () => example(tokens(""), "model.encoder={name: mit-b0}"),
    problems(
      'method.maskedConsistency.mask: must be "patches" with the encoder "mit-b0", which ' +
        "has no mask token; the DINOv2 encoders have one",
    ),
  );
  assert.throws(
    () => example(tokens(", blockSize: 32"), "model.encoder={name: dinov2-small}"),
    problems(
      'method.maskedConsistency.blockSize: must be null with "mask" "tokens", which have ' +
        "the size of the encoder's patches: received 32",
    ),
  );
  const { method } = example(tokens(""), "model.encoder={name: dinov2-small}");
  assert.equal(usesTarget(method) && method.maskedConsistency?.mask, "tokens");
});

Deno.test("margins without weight leave something of the image", () => {
  const margins = (text: string) =>
    `method={name: self-training, pseudoLabel: {ignoreMargins: ${text}}}`;
  assert.throws(
    () => example(margins("{top: 0.5, bottom: 0.5}")),
    problems(
      "method.pseudoLabel.ignoreMargins.bottom: must leave something of the image: with " +
        '"top" it is all of it',
    ),
  );
});

Deno.test("the settings of UniMatch V2 are of weak-to-strong alone, in their limits", () => {
  assert.throws(
    () =>
      example(
        "method={name: weak-to-strong, strongAugmentation: {blurSigma: [2, 0.1]}}",
      ),
    problems("method.strongAugmentation.blurSigma: must ascend: received 2, 0.1"),
  );
  assert.throws(
    () => example("method={name: mean-teacher, teacher: {buffers: average}}"),
    /method\.teacher.*buffers/,
  );
});

Deno.test("one line lays the look-ahead on either rule", () => {
  for (const name of ["mean-teacher", "weak-to-strong"]) {
    const { method } = example(`method={name: ${name}}`, "method.lookAhead={depth: 2}");
    assert.deepEqual("lookAhead" in method && method.lookAhead, {
      by: "gradient",
      depth: 2,
      width: 1,
      agreement: null,
      optimizerState: "restore",
      buffers: "restore",
      emaStep: "iteration",
      emaTiming: "after",
      firstIteration: "lookahead",
      reuse: true,
      shareDropout: false,
    });
  }
});

Deno.test("rules for few labels say what they need and what they are for", () => {
  const { method } = example(
    "method={name: mean-teacher, supervisedOnlyIterations: 5, lookAhead: {width: 4}}",
  );
  assert.ok(usesTarget(method));
  assert.equal(lookAheadWidth(method), 4);
  assert.deepEqual([4, 5, 6].map((t) => primaryNetworkAt(method, t)), [
    "student",
    "student",
    "teacher",
  ]);
  assert.equal(primaryNetworkAt(example().method, 100), "student");
  assert.throws(
    () => example("data.target=null", "method={name: weak-to-strong}"),
    problems('data.target: is required by the method "weak-to-strong"'),
  );
});

Deno.test("what only self-training knows of the look-ahead is refused elsewhere", () => {
  const only = 'here: the method "self-training" alone has another choice';
  for (const name of ["mean-teacher", "weak-to-strong"]) {
    assert.throws(
      () =>
        example(
          `method={name: ${name}, lookAhead: {emaStep: forward, firstIteration: plain, ` +
            "shareDropout: true}}",
        ),
      problems(
        `method.lookAhead.emaStep: must be "iteration" ${only}`,
        `method.lookAhead.firstIteration: must be "lookahead" ${only}`,
        `method.lookAhead.shareDropout: must be false ${only}`,
      ),
    );
  }
});

Deno.test("an agreement is about one future", () => {
  assert.throws(
    () => example("method={name: mean-teacher, lookAhead: {width: 2, agreement: 0.9}}"),
    problems(
      'method.lookAhead.agreement: needs "width" 1: set it, or this to null',
    ),
  );
});

const REFUSED: Readonly<Record<string, readonly [text: string, ...messages: string[]]>> =
  {
    momentum: [
      "width: 2, agreement: 0.9, optimizerState: carry, buffers: carry",
      'width: must be 1 with "by: momentum", as all futures would take the same first step',
      'agreement: must be null with "by: momentum", as its first virtual step makes no ' +
      "pseudo-labels to compare",
      'optimizerState: must be "restore" with "by: momentum", which leaves the optimizer\'s ' +
      "state as it is",
      'buffers: must be "restore" with "by: momentum", which makes no statistics',
    ],
    head: [
      "agreement: 0.9, optimizerState: carry",
      'agreement: must be null with "by: head", as all its virtual steps learn the same ' +
      "pseudo-labels",
      'optimizerState: must be "restore" with "by: head", as decoder and heads alone would ' +
      "have taken steps that are counted for all",
    ],
    reuse: [
      "width: 2, agreement: 0.9",
      'width: must be 1 with "by: reuse", as all futures would take the same first step',
      'agreement: must be null with "by: reuse", as its first virtual step makes no ' +
      "pseudo-labels to compare",
    ],
  };

for (const [by, [text, ...messages]] of Object.entries(REFUSED)) {
  Deno.test(`a look-ahead by ${by} refuses what it has no use for`, () => {
    for (const name of ["self-training", "mean-teacher", "weak-to-strong"]) {
      assert.throws(
        () => example(`method={name: ${name}, lookAhead: {by: ${by}, ${text}}}`),
        problems(
          ...messages.map((message) =>
            `method.lookAhead.${message}: set it, or "by: gradient"`
          ),
        ),
      );
    }
    assert.throws(
      () => example(`method.lookAhead={by: ${by}, shareDropout: true}`),
      problems(
        `method.lookAhead.shareDropout: must be false with "by: ${by}", as its first ` +
          'virtual step is no whole loss evaluation: set it, or "by: gradient"',
      ),
    );
    const { method } = example(
      `method.lookAhead={by: ${by}, buffers: ${by === "momentum" ? "restore" : "carry"}}`,
    );
    assert.equal("lookAhead" in method && method.lookAhead?.by, by);
  });
}

const REPRESENTING = "model.decoder={name: semi-deeplabv3+}";

Deno.test("a contrast is off, and has defaults once it is on", () => {
  const { method } = example("method={name: mean-teacher}");
  assert.equal("contrastive" in method && method.contrastive, null);
  const { method: on } = example(
    "method={name: mean-teacher, contrastive: {memoryBank: {queueSize: 300}}}",
    REPRESENTING,
  );
  assert.deepEqual("contrastive" in on && on.contrastive, {
    lossWeight: 1,
    numQueries: 256,
    numNegatives: 50,
    temperature: 0.5,
    ranks: [3, 20],
    currentClassThreshold: 0.3,
    lowEntropyThreshold: 20,
    prototypeDecay: 0.999,
    memoryBank: { queueSize: 300, maxEnqueued: 200 },
  });
});

Deno.test("a contrast needs a decoder with a representation", () => {
  const method = "method={name: mean-teacher, contrastive: {}}";
  assert.throws(
    () => example(method, "model.decoder={name: semi-psp}"),
    problems(
      "method.contrastive: compares representations of pixels, which the decoder " +
        '"semi-psp" does not give: set "model.decoder.name" to "semi-deeplabv3+", or ' +
        "this to null",
    ),
  );
  example(method, REPRESENTING);
});

Deno.test("a bank has room for what is new, and ranks ascend", () => {
  const method = (contrast: string) =>
    `method={name: mean-teacher, contrastive: ${contrast}}`;
  assert.throws(
    () => example(method("{memoryBank: {queueSize: 99}}"), REPRESENTING),
    problems(
      'method.contrastive.memoryBank.maxEnqueued: must be at most "queueSize", 99: ' +
        "received 200",
    ),
  );
  assert.throws(
    () => example(method("{ranks: [5, 4]}"), REPRESENTING),
    problems("method.contrastive.ranks: must ascend: received 5, 4"),
  );
});

Deno.test("rules for few labels take a batch at once", () => {
  const reasons = {
    "mean-teacher": "filters pixels by their rank in the whole batch",
    "weak-to-strong": "takes a batch at once",
  };
  for (const [name, reason] of Object.entries(reasons)) {
    assert.throws(
      () =>
        example(
          `method={name: ${name}}`,
          "data.batchSize=2",
          "optimizer.accumulationSteps=2",
        ),
      problems(
        `optimizer.accumulationSteps: must be 1 with the method "${name}", which ${reason}: ` +
          'for less memory take a smaller "data.batchSize"',
      ),
    );
  }
});

Deno.test("some rows of a crop keep their pseudo-labels", () => {
  assert.throws(
    () => example("method.pseudoLabel={ignoreTop: 15, ignoreBottom: 49}"),
    problems("method.pseudoLabel: ignores 15 + 49 rows: a crop has 64"),
  );
});

Deno.test("a criterion is one loss or a list of them", () => {
  const criterion = (value: string) =>
    example(`method={name: source-only, criterion: ${value}}`).method.criterion;
  const dice = { name: "dice", weight: 1, per: "batch", smooth: 0 };
  assert.deepEqual(criterion("{name: dice}"), dice);
  assert.deepEqual(criterion("[{name: cross-entropy}, {name: dice, weight: 2}]"), [
    CRITERION,
    { ...dice, weight: 2 },
  ]);
  const set = example(
    "method={name: mean-teacher}",
    "method.criterion.labelSmoothing=0.1",
  );
  assert.deepEqual(set.method.criterion, { ...CRITERION, labelSmoothing: 0.1 });
});

Deno.test("what is wrong in a criterion is said where it is", () => {
  const refused = (value: string, ...lines: string[]) =>
    assert.throws(
      () => example(`method={name: source-only, criterion: ${value}}`),
      problems(...lines.map((line) => `method.criterion${line}`)),
    );
  refused("dice", ": must be a loss, as { name: dice }, or a list of losses");
  refused("[]", ": must have at least one loss");
  refused(
    "[{name: dice}, {name: dise}]",
    '.1.name: must be one of "cross-entropy", "focal", "ohem", "dice", ' +
      '"lovasz-softmax": received "dise"; did you mean "dice"?',
  );
  refused(
    "[{name: cross-entropy, labelSmothing: 0.1}]",
    '.0: Unrecognized key: "labelSmothing"; did you mean "labelSmoothing"?',
  );
  refused(
    "{name: dice, smoth: 1}",
    ': Unrecognized key: "smoth"; did you mean "smooth"?',
  );
  refused(
    "[{name: dice}, {name: dice}]",
    '.1.name: is the second "dice": give one with the sum of both weights',
  );
  const weights = (value: string) => `{name: focal, classWeights: ${value}}`;
  refused(
    weights("inverse-frequenci"),
    '.classWeights: must be one of "inverse-frequency", "median-frequency", ' +
      '"effective-number": received "inverse-frequenci"; did you mean ' +
      '"inverse-frequency"?',
  );
  refused(
    weights("3"),
    ".classWeights: must be a list of a weight per class, a mapping of names of classes " +
      "to weights, or the name of a rule",
  );
  refused(weights("[1, -1]"), ".classWeights.1: Too small: expected number to be >=0");
});

Deno.test("class weights fit the classes of a data set that is known", () => {
  const weights = (value: string) =>
    folderExample(
      `method.criterion=[{name: dice}, {name: focal, classWeights: ${value}}]`,
    );
  assert.doesNotThrow(() => weights("[1, 0.5]"));
  assert.doesNotThrow(() => weights("{sky: 3}"));
  const at = "method.criterion.1.classWeights: ";
  assert.throws(
    () => weights("[1, 2, 3]"),
    folderProblems(`${at}must have one weight per class, 2: received 3`),
  );
  assert.throws(
    () => weights("[0, 0]"),
    folderProblems(`${at}must have a weight above 0, or no class is learned`),
  );
  assert.throws(
    () => weights("{ski: 3}"),
    folderProblems(`${at}Unknown class "ski"; did you mean "sky"?`),
  );
});

Deno.test("the hardest pixels of a batch are not sought in micro-batches", () => {
  const start = (criterion: string) =>
    example(
      `method={name: source-only, criterion: ${criterion}}`,
      "optimizer.accumulationSteps=2",
    );
  assert.doesNotThrow(() => start("{name: dice}"));
  assert.throws(
    () => start("[{name: dice}, {name: ohem}]"),
    problems(
      'optimizer.accumulationSteps: must be 1 with the criterion "ohem", which ranks the ' +
        "pixels of the whole batch",
    ),
  );
});

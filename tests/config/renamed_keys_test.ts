// Configurations of version 0.1.0, whose keys had other names, still say what they said.
import assert from "node:assert/strict";
import { parseConfig } from "../../src/config/read.ts";
import { RENAMED_KEYS } from "../../src/config/renamed_keys.ts";
import type { RunConfig } from "../../src/config/schema.ts";

type Mapping = Record<string, unknown>;

/** Present paths and their values. */
type Values = Readonly<Record<string, unknown>>;

const EMBEDDED: Values = {
  "model.encoder.name": "mit-b0",
  "data.kind": "embedded",
  "data.cropSize": { height: 64, width: 64 },
  "data.target": { domain: "worn", images: 20 },
  "data.evaluations.worn": { domain: "worn", images: 5 },
  "method.name": "self-training",
};
const FOLDER: Values = {
  "data.kind": "folder",
  "data.classes": [{ name: "road", color: [0, 0, 1] }, { name: "sky", color: [0, 1, 0] }],
  "data.source.split": "train",
  "data.target": { split: "train" },
  "data.evaluations.worn": { split: "val" },
};
const encoder = (name: string, shape: Values): Values => ({
  "model.encoder.name": name,
  "model.encoder.depths": [1, 1, 1, 1],
  ...Object.fromEntries(
    Object.entries(shape).map(([key, value]) => [`model.encoder.${key}`, value]),
  ),
});
const BEIT = { depths: undefined, depth: 4, embedDim: 8, numHeads: 2 };
const MIT = { embedDims: [4, 4, 8, 8], numHeads: [1, 1, 2, 2] };
const SWIN = { embedDim: 8, numHeads: [1, 2, 2, 4] };
const decoder = (name: string): Values => ({ "model.decoder.name": name });
const AUXILIARY = { "model.auxiliaryHead.name": "fcn" };
const DISTANCE = { "model.pretrained": "x", "method.featureDistance.lossWeight": 2 };
const MEAN_TEACHER = { "method.name": "mean-teacher" };
const WEAK_TO_STRONG = { "method.name": "weak-to-strong" };
const CONTRAST = { ...MEAN_TEACHER, ...decoder("semi-deeplabv3+") };
const RARE = { "data.rareClassSampling.minPixels": 9 };
const NORMALIZATION = {
  "data.normalization.mean": [4, 5, 6],
  "data.normalization.std": [7, 8, 9],
};
const SIZE = { height: 40, width: 48 };

/** For every old path a value other than its default, and what must stand companions it. */
const ROWS: Readonly<Record<string, readonly [value: unknown, companions?: Values]>> = {
  "optimizer.rate": [0.5],
  "optimizer.headFactor": [3],
  "optimizer.warmup": [7],
  "optimizer.minimumRate": [1e-5],
  "optimizer.accumulate": [2],
  "optimizer.epsilon": [1e-3],

  "model.auxiliary.level": [1, AUXILIARY],
  "model.auxiliary.weight": [0.7, AUXILIARY],
  "model.auxiliary": [{ name: "fcn", channels: 8 }],
  "model.leaveOut": [["decode_head.*"]],
  "model.recompute": [true],
  "model.encoder.widths": [[8, 8, 8, 8], encoder("mit", MIT)],
  "model.encoder.width": [16, encoder("swin", SWIN)],
  "model.encoder.heads": [[1, 1, 1, 1], encoder("mit", MIT)],
  "model.encoder.reductions": [[4, 2, 2, 1], encoder("mit", MIT)],
  "model.encoder.dropPath": [0.25],
  "model.encoder.window": [5, encoder("swin", SWIN)],
  "model.encoder.stem": [8, encoder("resnet", { stemChannels: 4, baseChannels: 4 })],
  "model.encoder.planes": [8, encoder("resnet", { stemChannels: 4, baseChannels: 4 })],
  "model.encoder.outputs": [
    [0, 1, 2, 3],
    encoder("beit", { ...BEIT, depth: 5, outIndices: [1, 2, 3, 4] }),
  ],
  "model.encoder.layerScale": [
    0.2,
    encoder("beit", { ...BEIT, outIndices: [0, 1, 2, 3] }),
  ],
  "model.decoder.bins": [[1, 2], decoder("psp")],
  "model.decoder.fineChannels": [7, decoder("deeplabv3+")],
  "model.decoder.relationChannels": [7, decoder("isa")],
  "model.decoder.cell": [7, decoder("isa")],
  "model.decoder.reduced": [7, decoder("danet")],
  "model.decoder.inner": [7, decoder("semi-deeplabv3+")],

  "data.crop": [SIZE],
  "data.batch": [4],
  "data.flip": [0.25],
  "data.largestClassShare": [0.6],
  "data.labels": [{ 7: 0 }, FOLDER],
  "data.workers": [3],
  "data.padding.place": ["center"],
  "data.normalisation.deviation": [[1, 2, 3], NORMALIZATION],
  "data.normalisation": [{ mean: [1, 2, 3], std: [4, 5, 6] }],
  "data.rareClasses.temperature": [0.5, RARE],
  "data.rareClasses.minimumPixels": [5, RARE],
  "data.rareClasses.minimumCropShare": [0.25, RARE],
  "data.rareClasses": [{}],

  "method.teacher.momentum": [0.9],
  "method.teacher.sharedIterations": [3, MEAN_TEACHER],
  "method.supervisedIterations": [3, MEAN_TEACHER],
  "method.lookAhead.presentStudent": ["both", MEAN_TEACHER],
  "method.mixing.jitterStrength": [0.3],
  "method.mixing.jitterProbability": [0.3],
  "method.mixing.classes": ["batch"],
  "method.featureDistance.weight": [0.3, DISTANCE],
  "method.featureDistance.minimumShare": [0.3, DISTANCE],
  "method.criterion.minimumKept": [
    3,
    { ...MEAN_TEACHER, "method.criterion.name": "ohem" },
  ],
  "method.entropyFilter.percent": [80, MEAN_TEACHER],
  "method.entropyFilter.annealed": [true, MEAN_TEACHER],
  "method.entropyFilter.teacher": ["eval", MEAN_TEACHER],
  "method.contrast.weight": [0.3, CONTRAST],
  "method.contrast.queries": [3, CONTRAST],
  "method.contrast.negatives": [3, CONTRAST],
  "method.contrast.minimumProbability": [0.4, CONTRAST],
  "method.contrast.percent": [10, CONTRAST],
  "method.contrast.prototypeMomentum": [0.4, CONTRAST],
  "method.contrast.bank.entriesPerClass": [300, CONTRAST],
  "method.contrast.bank.newPerIteration": [3, CONTRAST],
  "method.contrast.bank": [{ queueSize: 400 }, CONTRAST],
  "method.contrast": [{ temperature: 0.25 }, CONTRAST],
  "method.weight": [0.3, MEAN_TEACHER],
  "method.threshold": [0.3, WEAK_TO_STRONG],
  "method.views.jitterStrength": [0.3, WEAK_TO_STRONG],
  "method.views.jitterProbability": [0.3, WEAK_TO_STRONG],
  "method.views": [{ blurProbability: 0.1 }, WEAK_TO_STRONG],
  "method.featureWeight": [0.3, WEAK_TO_STRONG],
  "method.depth": [2],
  "method.width": [2],
  "method.optimizerState": ["carry"],
  "method.buffers": ["carry"],
  "method.teacherClock": ["forward"],
  "method.presentStudent": ["after"],
  "method.firstIteration": ["plain"],
  "method.reuse": [false],
  "method.shareDropout": [true],

  "evaluation.every": [3],
  "evaluation.images": [3],
  "evaluation.window": [SIZE],
  "evaluation.centre": [SIZE],

  "logging.every": [3],
  "logging.pictures": [3],
  "logging.checkpoint": [3],
};

/** A file with values at paths; undefined takes one away again. */
function fileOf(values: Values): string {
  const root: Mapping = {};
  for (const [path, value] of Object.entries(values)) {
    const keys = path.split(".");
    const last = keys.pop() ?? "";
    let group = root;
    for (const key of keys) group = (group[key] ??= {}) as Mapping;
    if (value === undefined) delete group[last];
    else group[last] = value;
  }
  return JSON.stringify(root); // which is YAML, too
}

/** What lies in a renamed group, under the old name of the group. */
function underOldGroups(values: Values, old: string): Values {
  const groups = Object.keys(RENAMED_KEYS).filter((group) => old.startsWith(`${group}.`))
    .sort((a, b) => b.length - a.length);
  return Object.fromEntries(
    Object.entries(values).map(([path, value]) => {
      const group = groups.find((one) => path.startsWith(`${RENAMED_KEYS[one]}.`));
      if (group === undefined) return [path, value];
      return [group + path.slice(RENAMED_KEYS[group]?.length), value];
    }),
  );
}

function parsed(text: string, ...overrides: string[]) {
  const lines: string[] = [];
  const config = parseConfig(text, "old.yaml", overrides, (line) => lines.push(line));
  return { config, lines };
}

for (const [old, now] of Object.entries(RENAMED_KEYS)) {
  Deno.test(`"${old}" is read as "${now}"`, () => {
    const [value, more = {}] = ROWS[old] ?? assert.fail("give it a value in ROWS");
    const { [now]: usual, ...companions }: Values = { ...EMBEDDED, ...more };
    const expected = parsed(fileOf({ ...companions, [now]: value }));
    assert.deepEqual(expected.lines, []);
    const without = usual === undefined ? companions : { ...companions, [now]: usual };
    assert.notDeepEqual(parsed(fileOf(without)).config, expected.config);

    const found = parsed(fileOf({ ...underOldGroups(companions, old), [old]: value }));
    assert.deepEqual(found.config, expected.config);
    assert.equal(found.lines.length, 1);
    assert.match(found.lines[0] ?? "", /^"old\.yaml" uses names of an earlier version: /);
    assert.ok(found.lines[0]?.includes(`"${old}" is now "${now}"`), found.lines.join());

    const over = parsed(fileOf(without), `${old}=${JSON.stringify(value)}`);
    assert.deepEqual(over.config, expected.config);
    assert.ok(over.lines[0]?.includes(`"${old}" is now "${now}"`), over.lines.join());
  });

  Deno.test(`"${old}" companions "${now}" is refused`, () => {
    const [value, more = {}] = ROWS[old] ?? assert.fail("give it a value in ROWS");
    const { [now]: _, ...companions }: Values = { ...EMBEDDED, ...more };
    const both = [
      { ...companions, [old]: value, [now]: value },
      { ...companions, [now]: value, [old]: value },
    ];
    for (const values of both) {
      assert.throws(() => parsed(fileOf(values)), ({ name, message }: Error) => {
        assert.equal(name, "SyntaxError");
        assert.match(message, /^Cannot use "old\.yaml": /);
        // Of the whole group if that has two names, too.
        const pair = Object.entries(RENAMED_KEYS).find(([a, b]) =>
          message.includes(`"${a}"`) && message.includes(`"${b}"`)
        );
        assert.ok(pair && old.startsWith(pair[0]) && now.startsWith(pair[1]), message);
        assert.ok(message.endsWith(`are one key: leave out "${pair[0]}"`), message);
        return true;
      });
    }
  });
}

Deno.test("no present path is an old one, so that nothing is renamed twice", () => {
  for (const now of Object.values(RENAMED_KEYS)) assert.ok(!(now in RENAMED_KEYS), now);
});

Deno.test("the old spelling of a value is read", () => {
  const padding = (place: Values) =>
    parsed(fileOf({ ...EMBEDDED, "data.padding": place }));
  const { config, lines } = padding({ place: "centre" });
  assert.deepEqual(config, padding({ position: "center" }).config);
  assert.deepEqual(lines, [
    '"old.yaml" uses names of an earlier version: "data.padding.place" is now ' +
    '"data.padding.position", "data.padding.position: centre" is now "center"',
  ]);
});

Deno.test("a misspelt old key is answered with the present one", () => {
  const refused = (override: string, expected: RegExp) =>
    assert.throws(() => parsed(fileOf(EMBEDDED), override), expected);
  refused("optimizer.headFactr=10", /"headFactr"; did you mean "headLrMultiplier"\?/);
  refused(
    "method.presentStudnt=after",
    /"presentStudnt"; did you mean "lookAhead\.emaTiming"\?/,
  );
  refused("optimizer.learningRat=1", /"learningRat"; did you mean "learningRate"\?/);
});

Deno.test("the log says whether a file or an override uses old names", () => {
  const of = (values: Values, ...overrides: string[]) =>
    parsed(fileOf({ ...EMBEDDED, ...values }), ...overrides).lines;
  const rate = 'uses names of an earlier version: "optimizer.rate" is now ' +
    '"optimizer.learningRate"';
  const [old, set] = [{ "optimizer.rate": 1e-3 }, "optimizer.rate=0.01"];
  assert.deepEqual(of({}), []);
  assert.deepEqual(of({}, set, set), [`"--set" ${rate}`]);
  assert.deepEqual(of(old, set), [`"old.yaml" ${rate}`, `"--set" ${rate}`]);
});

const withMethod = (method: Values, ...overrides: string[]) =>
  parsed(fileOf({ ...EMBEDDED, "method.name": undefined, method }), ...overrides);
const FLAT = {
  depth: 2,
  width: 1,
  optimizerState: "carry",
  buffers: "carry",
  teacherClock: "forward",
  presentStudent: "after",
  firstIteration: "plain",
  reuse: false,
  shareDropout: true,
};
const LOOK_AHEAD = {
  depth: 2,
  width: 1,
  optimizerState: "carry",
  buffers: "carry",
  emaStep: "forward",
  emaTiming: "after",
  firstIteration: "plain",
  reuse: false,
  shareDropout: true,
};
const lookingAhead = (lookAhead: Values) =>
  withMethod({ name: "self-training", lookAhead }).config;

Deno.test("future self-training of earlier versions is self-training that looks ahead", () => {
  const old = withMethod({ name: "future-self-training", ...FLAT });
  assert.deepEqual(old.config, lookingAhead(LOOK_AHEAD));
  assert.match(
    old.lines.join("\n"),
    /"method\.depth" is now "method\.lookAhead\.depth", .*"method\.teacherClock" is now "method\.lookAhead\.emaStep"/,
  );
  const bare = withMethod({ name: "future-self-training" });
  assert.deepEqual(bare.config, lookingAhead({}));
  assert.deepEqual(bare.lines, [
    '"old.yaml" uses names of an earlier version: "method.name: future-self-training" is ' +
    'now "self-training"',
  ]);
  assert.notDeepEqual(bare.config, withMethod({ name: "self-training" }).config);
});

Deno.test("future self-training of earlier versions, by overrides", () => {
  const from = (method: Values, ...overrides: string[]): RunConfig =>
    withMethod(method, ...overrides).config;
  const plain = { name: "self-training" };
  const old = { name: "future-self-training" };
  const two = lookingAhead({ depth: 2 });
  assert.deepEqual(from(old, "method.depth=2"), two);
  assert.deepEqual(from(plain, "method.depth=2"), two);
  assert.deepEqual(from(plain, "method.name=future-self-training"), lookingAhead({}));
  assert.deepEqual(
    from(plain, "method.name=future-self-training", "method.depth=2"),
    two,
  );
  assert.deepEqual(
    from(plain, "method.depth=2", "method.name=future-self-training"),
    two,
  );
  const group = "method={name: future-self-training, depth: 3}";
  assert.deepEqual(from(plain, group), lookingAhead({ depth: 3 }));
  assert.deepEqual(from(plain, group, "method.depth=2"), two, "the later one wins");
  assert.deepEqual(from(plain, group, "method.lookAhead.depth=2"), two);
  assert.deepEqual(from({ ...old, depth: 3 }, "method.lookAhead.depth=2"), two);
  assert.deepEqual(from({ ...old, depth: 3 }, "method.lookAhead=null"), from(plain));
});

Deno.test("an override that is a group may have old names, and later ones reach into it", () => {
  const rare = (...overrides: string[]) => parsed(fileOf(EMBEDDED), ...overrides).config;
  const expected = rare("data.rareClassSampling={minPixels: 5, classTemperature: 0.5}");
  for (
    const overrides of [
      ["data.rareClasses={minimumPixels: 5, temperature: 0.5}"],
      ["data.rareClasses={minimumPixels: 5}", "data.rareClasses.temperature=0.5"],
      ["data.rareClasses={minimumPixels: 6}", "data.rareClassSampling.minPixels=5"]
        .concat("data.rareClasses.temperature=0.5"),
    ]
  ) assert.deepEqual(rare(...overrides), expected);
});

Deno.test("a group under both names is refused, whatever is in it", () => {
  for (
    const model of [
      { auxiliary: { level: 1 }, auxiliaryHead: { name: "fcn" } },
      { auxiliaryHead: { name: "fcn" }, auxiliary: null },
      { auxiliary: null, auxiliaryHead: { name: "fcn" } },
    ]
  ) {
    const { "model.encoder.name": name, ...rest } = EMBEDDED;
    assert.throws(
      () => parsed(fileOf({ ...rest, model: { encoder: { name }, ...model } })),
      {
        name: "SyntaxError",
        message:
          'Cannot use "old.yaml": "model.auxiliary" and "model.auxiliaryHead" are one ' +
          'key: leave out "model.auxiliary"',
      },
    );
  }
  assert.throws(
    () => parsed(fileOf(EMBEDDED), "data={crop: {height: 8, width: 8}, cropSize: null}"),
    /^SyntaxError: Cannot use "--set data=.*": "data\.crop" and "data\.cropSize" are one key/,
  );
});

Deno.test("names that every object knows are no old names", () => {
  for (const name of ["valueOf", "toString", "hasOwnProperty"]) {
    assert.throws(() => parsed(fileOf(EMBEDDED), `${name}.x=1`), {
      name: "SyntaxError",
      message: `Cannot use "old.yaml":\n  (top level): Unrecognized key: "${name}"`,
    });
  }
  assert.throws(() => withMethod({ name: "constructor" }), /received "constructor"/);
  assert.throws(() => parsed("{}"), {
    message: 'Cannot use "old.yaml":\n  model: is required\n  data: is required\n' +
      "  method: is required",
  });
});

Deno.test("another method in place of the old one does not look ahead", () => {
  const old = fileOf({ ...EMBEDDED, method: { name: "future-self-training" } });
  const lookAheadOf = (...overrides: string[]) => {
    const { method } = parsed(old, ...overrides).config;
    return "lookAhead" in method ? method.lookAhead : undefined;
  };
  assert.equal(lookAheadOf()?.depth, 3);
  assert.equal(lookAheadOf("method.name=self-training"), null);
  assert.equal(lookAheadOf("method.name=source-only"), undefined);
  assert.equal(lookAheadOf("method.name=self-training", "method.depth=2")?.depth, 2);
});

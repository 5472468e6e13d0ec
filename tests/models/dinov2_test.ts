// Against the code of DINOv2, UniMatch V2 and VFM-UDA, and against transformers.
import assert from "node:assert/strict";
import { EVAL_CONTEXT } from "../../src/core/network.ts";
import * as tf from "../../src/core/tf.ts";
import { initializeWeights, releaseWeights } from "../../src/core/weights.ts";
import { parametersOf } from "../../src/layers/parameter.ts";
import { dinov2, DINOV2_PRESETS, type Dinov2Options } from "../../src/models/dinov2.ts";
import { dptHead } from "../../src/models/dpt_head.ts";
import { vfmUdaHead } from "../../src/models/vfm_uda_head.ts";
import { assertVerifies, goldenPath } from "../support/golden.ts";
import { assertClose, onEachBackend, randomTensor } from "../support/mod.ts";
import { trainableCount } from "../support/network_checks.ts";

const SHAPE: Dinov2Options = {
  embedDim: 8,
  depth: 2,
  numHeads: 2,
  outIndices: [0, 1],
  registers: false,
  imageSize: 56,
  inputScale: 1,
  dropPathRate: 0,
};
const HEAD = { classes: 3, channels: 4 };
const LEVELS = [3, 4, 5, 6];

const plain = dinov2("backbone", SHAPE);
const four = dinov2("backbone", { ...SHAPE, depth: 4, outIndices: [0, 1, 2, 3] });
const GOLDENS = [
  {
    golden: "registers",
    what: "dinov2() with registers equals that of transformers",
    checks: 39,
    parts: [dinov2("backbone", { ...SHAPE, registers: true })],
  },
  {
    golden: "masked",
    what: "dinov2() with masked patches equals that of transformers",
    checks: 38,
    parts: [plain],
  },
  {
    golden: "dpt",
    what: "dinov2() with dptHead() equals UniMatch V2's network, at odd sizes too",
    checks: 128,
    parts: [four, dptHead("decode_head", four, { ...HEAD, levelChannels: LEVELS })],
  },
  {
    golden: "vfm_uda",
    what: "dinov2() with vfmUdaHead() equals VFM-UDA's network",
    checks: 33,
    parts: [
      dinov2("backbone", { ...SHAPE, depth: 1, outIndices: [0] }),
      vfmUdaHead("decode_head", [8], HEAD),
    ],
  },
];

for (const { golden, what, checks, parts } of GOLDENS) {
  const path = goldenPath(`dinov2_${golden}`);

  onEachBackend(what, async () => {
    assert.equal((await assertVerifies(path)).length, checks);
  });

  Deno.test(`${what}: names of the parameters`, async () => {
    const { parameters: expected } = JSON.parse(await Deno.readTextFile(path));
    const names = parametersOf(...parts).map(({ name }) => name);
    // transformers has the tokens in another order than the authors.
    const isOrdered = parts.length > 1;
    assert.deepEqual(
      isOrdered ? names : names.toSorted(),
      isOrdered ? expected : expected.toSorted(),
    );
  });
}

// Of the authors' code; the whole network is UniMatch V2's with 21 classes.
const PUBLISHED = {
  "dinov2-small": {
    encoder: 22_056_576,
    network: 24_795_637,
    head: { channels: 64, levelChannels: [48, 96, 192, 384] },
  },
  "dinov2-base": {
    encoder: 86_580_480,
    network: 97_528_789,
    head: { channels: 128, levelChannels: [96, 192, 384, 768] },
  },
  "dinov2-large": {
    encoder: 304_368_640,
    network: 335_579_157,
    head: { channels: 256, levelChannels: [256, 512, 1024, 1024] },
  },
} as const;
const SETTINGS = { registers: false, imageSize: 518, inputScale: 1, dropPathRate: 0 };

for (const name of ["dinov2-small", "dinov2-base", "dinov2-large"] as const) {
  Deno.test(`${name} has the parameter counts of the published networks`, () => {
    const { encoder, network, head } = PUBLISHED[name];
    const built = dinov2("backbone", { ...DINOV2_PRESETS[name], ...SETTINGS });
    const decoder = dptHead("decode_head", built, { classes: 21, ...head });
    assert.equal(trainableCount(built.parameters), encoder);
    assert.equal(trainableCount(parametersOf(built, decoder)), network);
    const registers = dinov2("backbone", {
      ...DINOV2_PRESETS[name],
      ...SETTINGS,
      registers: true,
    });
    const more = trainableCount(registers.parameters) - encoder;
    assert.equal(more, 4 * DINOV2_PRESETS[name].embedDim);
  });
}

onEachBackend("dinov2() resizes images to whole patches", () => {
  const sizeOf = (inputScale: number, H: number, W: number) => {
    const encoder = dinov2("backbone", { ...SHAPE, inputScale });
    const weights = initializeWeights(encoder.parameters, 1);
    const maps = tf.tidy(() =>
      encoder.apply(weights, tf.zeros([1, H, W, 3]), EVAL_CONTEXT)
    );
    releaseWeights(weights);
    tf.dispose(maps);
    return maps.map(({ shape }) => shape.slice(1, 3));
  };
  assert.deepEqual(sizeOf(1, 20, 21), [[1, 2], [1, 2]]); // int(H / 14 + ½)
  assert.deepEqual(sizeOf(1.1, 140, 127), [[11, 9], [11, 9]]); // 1.1 · 140 = 154 exactly
  assert.deepEqual(sizeOf(1, 3, 14), [[1, 1], [1, 1]]);
});

onEachBackend("dinov2() with a mask of no patch is dinov2() without a mask", async () => {
  const weights = initializeWeights(plain.parameters, 1);
  const images = randomTensor<tf.Rank.R4>([2, 28, 42, 3]);
  const before = tf.memory().numTensors;
  const [expected, found] = tf.tidy(() => [
    plain.apply(weights, images, EVAL_CONTEXT),
    plain.apply(weights, images, {
      ...EVAL_CONTEXT,
      tokenMask: (shape) => tf.zeros(shape),
    }),
  ]);
  await assertClose(found?.[1] ?? assert.fail(), expected?.[1] ?? assert.fail(), 1e-6);
  tf.dispose([expected, found]);
  assert.equal(tf.memory().numTensors, before, "no tensor is left");
  releaseWeights(weights);
});

Deno.test("dinov2() says what sizes do not go together", () => {
  assert.throws(() => dinov2("backbone", { ...SHAPE, outIndices: [1, 2] }), {
    name: "RangeError",
    message: 'Cannot build a DINOv2: "outIndices" must be ascending blocks of 0 … 1: ' +
      "received 1, 2",
  });
  assert.throws(() => dinov2("backbone", { ...SHAPE, outIndices: [1, 0] }), {
    message: /received 1, 0$/,
  });
  assert.throws(() => dinov2("backbone", { ...SHAPE, imageSize: 224 + 1 }), {
    name: "RangeError",
    message: 'Cannot build a DINOv2: "imageSize" must be a multiple of 14: received 225',
  });
});

Deno.test("dptHead() and vfmUdaHead() say which maps they cannot decode", () => {
  assert.throws(() => dptHead("head", plain, { ...HEAD, levelChannels: LEVELS }), {
    name: "RangeError",
    message: "Cannot build a DPT head for 2 maps of an encoder and 4 " +
      '"levelChannels": both must be 4',
  });
  assert.throws(() => vfmUdaHead("head", [8, 6], HEAD), {
    name: "RangeError",
    message: "Cannot build a VFM-UDA head: it quarters the encoder's channels, which " +
      "must be a multiple of 4: received 6",
  });
});

Deno.test("dinov2() initializes like the reference", () => {
  const { parameters } = dinov2("backbone", { ...SHAPE, registers: true });
  const initializerOf = (name: string) =>
    parameters.find((parameter) => parameter.name === `backbone.${name}`)?.initializer;
  const token = { kind: "normal", std: 1e-6 };
  assert.deepEqual(initializerOf("cls_token"), token);
  assert.deepEqual(initializerOf("register_tokens"), token);
  assert.deepEqual(initializerOf("mask_token"), { kind: "constant", value: 0 });
  const truncated = { kind: "truncated-normal", std: 0.02 };
  assert.deepEqual(initializerOf("pos_embed"), truncated);
  assert.deepEqual(initializerOf("blocks.1.mlp.fc2.weight"), truncated);
  assert.deepEqual(initializerOf("blocks.1.ls2.gamma"), { kind: "constant", value: 1 });
  const bound = (3 * 14 ** 2) ** -0.5;
  assert.deepEqual(initializerOf("patch_embed.proj.weight"), { kind: "uniform", bound });
});

// Parameter counts of the published networks: SegFormer's MiT backbones and DAFormer's
// heads as the reference code builds them (19 classes).
import assert from "node:assert/strict";
import { type DaformerFusion, daformerHead } from "../../src/models/daformer_head.ts";
import { mit, MIT_PRESETS } from "../../src/models/mit.ts";
import { encoderDecoder } from "../../src/models/encoder_decoder.ts";
import { segformerHead } from "../../src/models/segformer_head.ts";
import { parameterGroupOf } from "../../src/optim/optimizer.ts";
import { trainableCount } from "../support/network_checks.ts";

const BACKBONES: Record<keyof typeof MIT_PRESETS, number> = {
  "mit-b0": 3_319_392,
  "mit-b1": 13_151_424,
  "mit-b2": 24_196_288,
  "mit-b3": 44_072_128,
  "mit-b4": 60_842_688,
  "mit-b5": 81_443_008,
};

const encoder = (name: keyof typeof MIT_PRESETS) =>
  mit("backbone", { ...MIT_PRESETS[name], dropPathRate: 0.1 });

for (const [name, published] of Object.entries(BACKBONES)) {
  Deno.test(`mit() has the parameter count of the published ${name}`, () => {
    const { parameters } = encoder(name as keyof typeof MIT_PRESETS);
    assert.equal(trainableCount(parameters), published);
  });
}

const HEADS: Record<DaformerFusion, number> = {
  conv1: 530_707,
  "separable-aspp": 3_712_275,
  aspp: 9_969_939,
  isa: 1_058_579,
  bottleneck: 3_163_155,
};

const head = (fusion: DaformerFusion) =>
  daformerHead("decode_head", MIT_PRESETS["mit-b5"].embedDims, {
    classes: 19,
    channels: 256,
    fusion,
    dilations: [1, 6, 12, 18],
    dropout: 0.1,
  });

for (const [fusion, published] of Object.entries(HEADS)) {
  Deno.test(`daformerHead() with ${fusion} has the parameter count of the reference`, () => {
    assert.equal(trainableCount(head(fusion as DaformerFusion).parameters), published);
  });
}

Deno.test("segformerHead() has the parameter count of the reference", () => {
  const options = { classes: 19, channels: 768, dropout: 0.1 };
  const { parameters } = segformerHead(
    "decode_head",
    MIT_PRESETS["mit-b5"].embedDims,
    options,
  );
  assert.equal(trainableCount(parameters), 3_167_398);
});

Deno.test("MiT-B5 with the DAFormer head has the parameter count and groups of the reference", () => {
  const network = encoderDecoder(encoder("mit-b5"), head("separable-aspp"), 19);
  assert.equal(trainableCount(network.parameters), 85_155_283);
  const groups = { plain: 0, norm: 0, head: 0 };
  for (const parameter of network.parameters.filter(({ trainable }) => trainable)) {
    const { lrMultiplier, hasWeightDecay } = parameterGroupOf(parameter.name, {
      headLrMultiplier: 10,
    });
    groups[lrMultiplier === 10 ? "head" : hasWeightDecay ? "plain" : "norm"]++;
  }
  assert.deepEqual(groups, { plain: 730, norm: 322, head: 34 });
});

Deno.test("mit() rejects lists of different lengths", () => {
  const shape = { ...MIT_PRESETS["mit-b0"], depths: [2, 2], dropPathRate: 0 };
  assert.throws(() => mit("backbone", shape), {
    name: "RangeError",
    message: 'Cannot build a Mix Transformer: "embedDims", "depths", "numHeads" and ' +
      '"srRatios" must have one entry per stage: received 4, 2, 4 and 4',
  });
});

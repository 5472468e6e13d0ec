// Parameter counts of the published networks: SegFormer's MiT backbones and DAFormer's
// heads as the reference code builds them (19 classes).
import assert from "node:assert/strict";
import type { Parameter } from "../../src/core/network.ts";
import { daformerHead, type Fusion } from "../../src/models/daformer_head.ts";
import { mit, MIT_PRESETS } from "../../src/models/mit.ts";
import { network } from "../../src/models/network.ts";
import { segformerHead } from "../../src/models/segformer_head.ts";
import { groupOf } from "../../src/optim/parameter_group.ts";

const count = (parameters: readonly Parameter[]) =>
  parameters.filter(({ trained }) => trained)
    .reduce((sum, { shape }) => sum + shape.reduce((size, side) => size * side, 1), 0);

const BACKBONES: Record<keyof typeof MIT_PRESETS, number> = {
  "mit-b0": 3_319_392,
  "mit-b1": 13_151_424,
  "mit-b2": 24_196_288,
  "mit-b3": 44_072_128,
  "mit-b4": 60_842_688,
  "mit-b5": 81_443_008,
};

const encoder = (name: keyof typeof MIT_PRESETS) =>
  mit("backbone", { ...MIT_PRESETS[name], dropPath: 0.1 });

for (const [name, published] of Object.entries(BACKBONES)) {
  Deno.test(`mit() has the parameters of the published ${name}`, () => {
    const { parameters } = encoder(name as keyof typeof MIT_PRESETS);
    assert.equal(count(parameters), published);
  });
}

const HEADS: Record<Fusion, number> = {
  conv1: 530_707,
  "separable-aspp": 3_712_275,
  aspp: 9_969_939,
  isa: 1_058_579,
  bottleneck: 3_163_155,
};

const head = (fusion: Fusion) =>
  daformerHead("decode_head", MIT_PRESETS["mit-b5"].widths, {
    classes: 19,
    channels: 256,
    fusion,
    dilations: [1, 6, 12, 18],
    dropout: 0.1,
  });

for (const [fusion, published] of Object.entries(HEADS)) {
  Deno.test(`daformerHead() with ${fusion} has as many parameters as the reference`, () => {
    assert.equal(count(head(fusion as Fusion).parameters), published);
  });
}

Deno.test("segformerHead() has as many parameters as the reference", () => {
  const options = { classes: 19, channels: 768, dropout: 0.1 };
  const { parameters } = segformerHead(
    "decode_head",
    MIT_PRESETS["mit-b5"].widths,
    options,
  );
  assert.equal(count(parameters), 3_167_398);
});

Deno.test("MiT-B5 with the DAFormer head has the tensors and groups of the reference", () => {
  const whole = network(encoder("mit-b5"), head("separable-aspp"), 19);
  assert.equal(count(whole.parameters), 85_155_283);
  const groups = { plain: 0, norm: 0, head: 0 };
  for (const parameter of whole.parameters.filter(({ trained }) => trained)) {
    const { rateFactor, decayed } = groupOf(parameter, 10);
    groups[rateFactor === 10 ? "head" : decayed ? "plain" : "norm"]++;
  }
  assert.deepEqual(groups, { plain: 730, norm: 322, head: 34 });
});

Deno.test("mit() names lists of different lengths", () => {
  const shape = { ...MIT_PRESETS["mit-b0"], depths: [2, 2], dropPath: 0 };
  assert.throws(() => mit("backbone", shape), {
    name: "RangeError",
    message: 'Cannot build a Mix Transformer: "widths", "depths", "heads" and ' +
      '"reductions" must have one entry per stage: received 4, 2, 4 and 4',
  });
});

// Parameter counts of the published networks with UPerNet, as the reference code builds
// them (mmsegmentation's UPerHead, FCNHead, BEiT and Feature2Pyramid; 19 classes).
import assert from "node:assert/strict";
import type { Decoder, Parameter } from "../../src/core/network.ts";
import { beit, BEIT_PRESETS } from "../../src/models/beit.ts";
import { fcnHead } from "../../src/models/fcn_head.ts";
import { featurePyramid, withPyramid } from "../../src/models/feature_pyramid.ts";
import { network } from "../../src/models/network.ts";
import { upernetHead } from "../../src/models/upernet_head.ts";

const count = (parameters: readonly Parameter[]) =>
  parameters.filter(({ trained }) => trained)
    .reduce((sum, { shape }) => sum + shape.reduce((size, side) => size * side, 1), 0);

const CLASSES = 19;
const DROPOUT = 0.1;
const BINS = [1, 2, 3, 6];

const upernet = (widths: readonly number[], channels: number): Decoder =>
  upernetHead("decode_head", widths, {
    classes: CLASSES,
    channels,
    bins: BINS,
    dropout: DROPOUT,
  });
const fcn = (widths: readonly number[]): Decoder =>
  fcnHead("auxiliary_head", widths, {
    classes: CLASSES,
    level: 2,
    channels: 256,
    convolutions: 1,
    dropout: DROPOUT,
  });

const SWIN_B = [128, 256, 512, 1024];
const HEADS: Record<string, readonly [Decoder, published: number]> = {
  "UPerNet on Swin-B": [upernet(SWIN_B, 512), 33_248_787],
  "UPerNet on ResNet-101": [upernet([256, 512, 1024, 2048], 512), 40_523_283],
  "UPerNet on MiT-B5": [upernet([64, 128, 320, 512], 512), 29_644_307],
  "UPerNet of 256 channels on MiT-B5": [upernet([64, 128, 320, 512], 256), 8_334_099],
  "FCN beside UPerNet on Swin-B": [fcn(SWIN_B), 1_185_043],
};

for (const [name, [head, published]] of Object.entries(HEADS)) {
  Deno.test(`the head ${name} has as many parameters as the reference`, () => {
    assert.equal(count(head.parameters), published);
  });
}

const BEITS = {
  "beit-b": {
    dropPath: 0.1,
    layerScale: 0.1,
    published: [86_554_176, 7_081_728, 67_862_803, 1_774_867, 163_273_574],
  },
  "beit-l": {
    dropPath: 0.2,
    layerScale: 1e-6,
    published: [305_520_128, 12_588_032, 120_630_291, 2_364_691, 441_103_142],
  },
} as const;

for (const [name, { published, ...options }] of Object.entries(BEITS)) {
  Deno.test(`${name} with UPerNet has the parameters of the reference`, () => {
    const preset = BEIT_PRESETS[name as keyof typeof BEITS];
    const backbone = beit("backbone", { ...preset, ...options });
    const neck = featurePyramid("neck", preset.width);
    const encoder = withPyramid(backbone, neck);
    const head = upernet(encoder.widths, preset.width);
    const beside = fcn(encoder.widths);
    const auxiliary = [{ decoder: beside, lossWeight: 0.4 }];
    const whole = network(encoder, head, CLASSES, auxiliary);
    const parts = [backbone, neck, head, beside, whole];
    assert.deepEqual(parts.map(({ parameters }) => count(parameters)), published);
    assert.deepEqual(encoder.strides, [4, 8, 16, 32]);
    assert.equal(whole.constants.length, preset.depth);
  });
}

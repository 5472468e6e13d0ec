// Parameter counts of the published networks with UPerNet, as the reference code builds
// them (mmsegmentation's UPerHead, FCNHead, BEiT and Feature2Pyramid; 19 classes).
import assert from "node:assert/strict";
import type { Decoder } from "../../src/core/network.ts";
import { beit, BEIT_PRESETS } from "../../src/models/beit.ts";
import { fcnHead } from "../../src/models/fcn_head.ts";
import { feature2Pyramid, withNeck } from "../../src/models/feature2_pyramid.ts";
import { encoderDecoder } from "../../src/models/encoder_decoder.ts";
import { upernetHead } from "../../src/models/upernet_head.ts";
import { trainableCount } from "../support/network_checks.ts";

const CLASSES = 19;
const DROPOUT = 0.1;
const BINS = [1, 2, 3, 6];

const upernet = (widths: readonly number[], channels: number): Decoder =>
  upernetHead("decode_head", widths, {
    classes: CLASSES,
    channels,
    poolScales: BINS,
    dropout: DROPOUT,
  });
const fcn = (widths: readonly number[]): Decoder =>
  fcnHead("auxiliary_head", widths, {
    classes: CLASSES,
    inIndex: 2,
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
  "auxiliary FCN on Swin-B": [fcn(SWIN_B), 1_185_043],
};

for (const [name, [head, published]] of Object.entries(HEADS)) {
  Deno.test(`the head ${name} has the parameter count of the reference`, () => {
    assert.equal(trainableCount(head.parameters), published);
  });
}

const BEITS = {
  "beit-b": {
    dropPathRate: 0.1,
    layerScaleInit: 0.1,
    published: [86_554_176, 7_081_728, 67_862_803, 1_774_867, 163_273_574],
  },
  "beit-l": {
    dropPathRate: 0.2,
    layerScaleInit: 1e-6,
    published: [305_520_128, 12_588_032, 120_630_291, 2_364_691, 441_103_142],
  },
} as const;

for (const [name, { published, ...options }] of Object.entries(BEITS)) {
  Deno.test(`${name} with UPerNet has the parameter count of the reference`, () => {
    const preset = BEIT_PRESETS[name as keyof typeof BEITS];
    const backbone = beit("backbone", { ...preset, ...options });
    const neck = feature2Pyramid("neck", preset.embedDim);
    const encoder = withNeck(backbone, neck);
    const head = upernet(encoder.channels, preset.embedDim);
    const auxiliaryHead = fcn(encoder.channels);
    const auxiliary = [{ decoder: auxiliaryHead, lossWeight: 0.4 }];
    const network = encoderDecoder(encoder, head, CLASSES, auxiliary);
    const modules = [backbone, neck, head, auxiliaryHead, network];
    assert.deepEqual(
      modules.map(({ parameters }) => trainableCount(parameters)),
      published,
    );
    assert.deepEqual(encoder.strides, [4, 8, 16, 32]);
    assert.equal(network.derivedBuffers.length, preset.depth);
  });
}

// Parameter counts of the published networks on ResNetV1c, as the reference code builds
// them (19 classes).
import assert from "node:assert/strict";
import type { Decoder } from "../../src/core/network.ts";
import { daformerHead } from "../../src/models/daformer_head.ts";
import { danetHead } from "../../src/models/danet_head.ts";
import { deeplabV2Head } from "../../src/models/deeplab_v2_head.ts";
import { deeplabV3PlusHead } from "../../src/models/deeplab_v3_plus_head.ts";
import { encoderDecoder } from "../../src/models/encoder_decoder.ts";
import { isaHead } from "../../src/models/isa_head.ts";
import { pspHead } from "../../src/models/psp_head.ts";
import { resnet, RESNET_PRESETS } from "../../src/models/resnet.ts";
import { trainableCount } from "../support/network_checks.ts";

const BACKBONES: Record<keyof typeof RESNET_PRESETS, number> = {
  "resnet-50": 23_527_264,
  "resnet-101": 42_519_392,
};

for (const [name, published] of Object.entries(BACKBONES)) {
  Deno.test(`resnet() has the parameter count of the published ${name}`, () => {
    const shape = RESNET_PRESETS[name as keyof typeof RESNET_PRESETS];
    assert.equal(trainableCount(resnet("backbone", shape).parameters), published);
  });
}

const widths = [256, 512, 1024, 2048];
const classes = 19;
const dropout = 0.1;
const deeplabV2 = (...dilations: number[]) =>
  deeplabV2Head("decode_head", widths, { classes, dilations });

const HEADS: Record<string, readonly [Decoder, published: number]> = {
  "DeepLabV2 of two branches": [deeplabV2(6, 12), 700_454],
  "DeepLabV2 of four branches": [deeplabV2(6, 12, 18, 24), 1_400_908],
  PSPNet: [
    pspHead("decode_head", widths, {
      classes,
      channels: 512,
      poolScales: [1, 2, 3, 6],
      dropout,
    }),
    23_083_539,
  ],
  "DeepLabV3+": [
    deeplabV3PlusHead("decode_head", widths, {
      classes,
      channels: 512,
      lowLevelChannels: 48,
      dilations: [1, 12, 24, 36],
      dropout,
    }),
    17_697_923,
  ],
  DAFormer: [
    daformerHead("decode_head", widths, {
      classes,
      channels: 256,
      fusion: "separable-aspp",
      dilations: [1, 6, 12, 18],
      dropout,
    }),
    4_433_171,
  ],
  // mmsegmentation's DAHead of configs/danet and ISAHead of configs/isanet.
  DANet: [
    danetHead("decode_head", widths, {
      classes,
      channels: 512,
      pamChannels: 64,
      dropout,
    }),
    23_954_619,
  ],
  ISANet: [
    isaHead("decode_head", widths, {
      classes,
      channels: 512,
      isaChannels: 256,
      downFactor: 8,
      dropout,
    }),
    11_815_443,
  ],
};

for (const [name, [head, published]] of Object.entries(HEADS)) {
  Deno.test(`the head of ${name} on ResNet has the parameter count of the reference`, () => {
    assert.equal(trainableCount(head.parameters), published);
  });
}

Deno.test("ResNet with the DeepLabV2 head has the parameter count of the reference", () => {
  const network = (name: keyof typeof RESNET_PRESETS) =>
    encoderDecoder(resnet("backbone", RESNET_PRESETS[name]), deeplabV2(6, 12), classes);
  assert.equal(trainableCount(network("resnet-50").parameters), 24_227_718);
  assert.equal(trainableCount(network("resnet-101").parameters), 43_219_846);
});

Deno.test("resnet() rejects an odd number of stem channels", () => {
  assert.throws(() => resnet("backbone", { depths: [1, 1, 1, 1], stemChannels: 7 }), {
    name: "RangeError",
    message:
      'Cannot build a ResNet: "stemChannels" must be even, because its first half has ' +
      "half as many channels: received 7",
  });
});

Deno.test("deeplabV2Head() requires a dilation", () => {
  assert.throws(() => deeplabV2(), { name: "RangeError", message: /"dilations"/ });
});

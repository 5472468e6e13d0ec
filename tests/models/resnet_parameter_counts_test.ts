// Parameter counts of the published networks on ResNetV1c, as the reference code builds
// them (19 classes).
import assert from "node:assert/strict";
import type { Decoder, Parameter } from "../../src/core/network.ts";
import { daformerHead } from "../../src/models/daformer_head.ts";
import { deeplabV2Head } from "../../src/models/deeplab_v2_head.ts";
import { deeplabV3PlusHead } from "../../src/models/deeplab_v3_plus_head.ts";
import { network } from "../../src/models/network.ts";
import { pspHead } from "../../src/models/psp_head.ts";
import { resnet, RESNET_PRESETS } from "../../src/models/resnet.ts";

const count = (parameters: readonly Parameter[]) =>
  parameters.filter(({ trained }) => trained)
    .reduce((sum, { shape }) => sum + shape.reduce((size, side) => size * side, 1), 0);

const BACKBONES: Record<keyof typeof RESNET_PRESETS, number> = {
  "resnet-50": 23_527_264,
  "resnet-101": 42_519_392,
};

for (const [name, published] of Object.entries(BACKBONES)) {
  Deno.test(`resnet() has the parameters of the published ${name}`, () => {
    const shape = RESNET_PRESETS[name as keyof typeof RESNET_PRESETS];
    assert.equal(count(resnet("backbone", shape).parameters), published);
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
      bins: [1, 2, 3, 6],
      dropout,
    }),
    23_083_539,
  ],
  "DeepLabV3+": [
    deeplabV3PlusHead("decode_head", widths, {
      classes,
      channels: 512,
      fineChannels: 48,
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
};

for (const [name, [head, published]] of Object.entries(HEADS)) {
  Deno.test(`the head of ${name} has as many parameters on ResNet as the reference`, () => {
    assert.equal(count(head.parameters), published);
  });
}

Deno.test("ResNet with the DeepLabV2 head has the parameters of the reference", () => {
  const whole = (name: keyof typeof RESNET_PRESETS) =>
    network(resnet("backbone", RESNET_PRESETS[name]), deeplabV2(6, 12), classes);
  assert.equal(count(whole("resnet-50").parameters), 24_227_718);
  assert.equal(count(whole("resnet-101").parameters), 43_219_846);
});

Deno.test("resnet() names an odd width of the stem", () => {
  assert.throws(() => resnet("backbone", { depths: [1, 1, 1, 1], stem: 7 }), {
    name: "RangeError",
    message: 'Cannot build a ResNet: "stem" must be even, because its first half has ' +
      "half as many channels: received 7",
  });
});

Deno.test("deeplabV2Head() asks for a dilation", () => {
  assert.throws(() => deeplabV2(), { name: "RangeError", message: /"dilations"/ });
});

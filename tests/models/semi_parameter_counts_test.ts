// Parameter counts and names of the semi-supervised networks, as the reference code builds
// them.
import assert from "node:assert/strict";
import type { Decoder, Parameter } from "../../src/core/network.ts";
import { RESNET_MULTIGRID_PRESETS, resnetMultigrid } from "../../src/models/resnet.ts";
import { semiDeeplabV2Head } from "../../src/models/deeplab_v2_head.ts";
import { semiDeeplabV3PlusHead } from "../../src/models/deeplab_v3_plus_head.ts";
import { semiFcnHead } from "../../src/models/fcn_head.ts";
import { semiPspHead } from "../../src/models/psp_head.ts";
import { trainableCount } from "../support/network_checks.ts";

const encoder = resnetMultigrid(
  "encoder",
  RESNET_MULTIGRID_PRESETS["resnet-101-multigrid"],
);
const widths = encoder.channels;
const dropout = 0.1;

Deno.test("resnetMultigrid() has the parameter count of the published ResNet-101", () => {
  assert.deepEqual(widths, [256, 512, 1024, 2048]);
  assert.equal(trainableCount(encoder.parameters), 42_623_936);
});

const HEADS: Record<string, readonly [Decoder, published: number]> = {
  "DeepLabV3+ of 21 classes": [
    semiDeeplabV3PlusHead("decoder", widths, {
      classes: 21,
      channels: 256,
      innerPlanes: 256,
      dilations: [12, 24, 36],
      dropout,
    }),
    21_836_053,
  ],
  "DeepLabV2 of 21 classes": [
    semiDeeplabV2Head("decoder", widths, { classes: 21, dilations: [6, 12, 18, 24] }),
    1_548_372,
  ],
  "PSPNet of 21 classes": [
    semiPspHead("decoder", widths, {
      classes: 21,
      channels: 512,
      poolScales: [1, 2, 3, 6],
    }),
    23_090_088,
  ],
  "the auxiliary head of 19 classes": [
    semiFcnHead("auxor.aux", widths, { classes: 19, channels: 256, dropout }),
    2_364_947,
  ],
};

for (const [name, [head, published]] of Object.entries(HEADS)) {
  Deno.test(`a semi-supervised network has the parameter count of the published ${name}`, () => {
    assert.equal(trainableCount(head.parameters), published);
    assert.equal(head.alignCorners, true);
  });
}

const trainableNames = (parameters: readonly Parameter[]) =>
  parameters.filter(({ trainable }) => trainable).map(({ name }) => name);

Deno.test("resnetMultigrid() has the stem parameter names of the published files", () => {
  assert.deepEqual(trainableNames(encoder.parameters).slice(0, 10), [
    "encoder.conv1.0.weight",
    "encoder.conv1.1.weight",
    "encoder.conv1.1.bias",
    "encoder.conv1.3.weight",
    "encoder.conv1.4.weight",
    "encoder.conv1.4.bias",
    "encoder.conv1.6.weight",
    "encoder.bn1.weight",
    "encoder.bn1.bias",
    "encoder.layer1.0.conv1.weight",
  ]);
});

Deno.test("semiDeeplabV2Head() has the branch parameter names of the published files", () => {
  const [head] = HEADS["DeepLabV2 of 21 classes"] ?? assert.fail();
  assert.deepEqual(trainableNames(head.parameters).slice(0, 3), [
    "decoder.classifier.conv2d_list.0.weight",
    "decoder.classifier.conv2d_list.0.bias",
    "decoder.classifier.conv2d_list.1.weight",
  ]);
});

Deno.test("semiDeeplabV2Head() requires a dilation", () => {
  assert.throws(
    () => semiDeeplabV2Head("decoder", widths, { classes: 21, dilations: [] }),
    { name: "RangeError", message: /"dilations"/ },
  );
});

Deno.test("resnetMultigrid() rejects a fourth block in the last stage", () => {
  assert.throws(() => resnetMultigrid("encoder", { depths: [3, 4, 6, 4] }), {
    name: "RangeError",
    message: 'Cannot build a ResNet with multi-grid: the last of "depths" must be at ' +
      "most 3, a block for each grid: received 4",
  });
});

/** A network as small as one can be that has batch norm and dropout. @module */
import assert from "node:assert/strict";
import type { Network } from "../../src/core/network.ts";
import { classifier } from "../../src/layers/classifier.ts";
import { convModule } from "../../src/layers/conv_module.ts";
import { convolution } from "../../src/layers/convolution.ts";
import { parametersOf } from "../../src/layers/parameter.ts";
import { encoderDecoder as join } from "../../src/models/encoder_decoder.ts";

/** Makes it. */
export function tinyNetwork(classes: number): Network {
  const stem = convolution("stem", 3, 4, { kernelSize: 8, stride: 8 });
  const conv = convModule("conv", 4, 4, 1);
  const classify = classifier("head", 4, classes, 0.2);
  return join(
    {
      parameters: parametersOf(stem, conv),
      strides: [8],
      channels: [4],
      apply: (weights, images, context) => [
        conv.apply(weights, stem.apply(weights, images, context), context),
      ],
    },
    {
      parameters: classify.parameters,
      apply: (weights, [map], context) =>
        classify.apply(weights, map ?? assert.fail(), context),
    },
    classes,
  );
}

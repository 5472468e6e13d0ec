import assert from "node:assert/strict";
import { openBackend } from "../../src/core/backend.ts";
import { initializeWeights, releaseWeights } from "../../src/core/weights.ts";
import {
  evaluateCustomNetwork,
  predictCustomNetwork,
} from "../../src/evaluate/custom_network.ts";
import { convolution } from "../../src/layers/convolution.ts";
import { encoderDecoder } from "../../src/models/encoder_decoder.ts";

const COLOR = [0, 0, 0] as const;

// One convolution to features, one to two classes.
function twoConvolutions() {
  const features = convolution("encoder", 3, 4, { kernelSize: 2, stride: 2 });
  const scores = convolution("decoder", 4, 2, { kernelSize: 1 });
  return encoderDecoder(
    {
      parameters: features.parameters,
      strides: [2],
      channels: [4],
      apply: (weights, images, context) => [features.apply(weights, images, context)],
    },
    {
      parameters: scores.parameters,
      apply: (weights, [map], context) => {
        assert.ok(map);
        return scores.apply(weights, map, context);
      },
    },
    2,
  );
}

Deno.test("a network of one's own labels every pixel of a picture", async () => {
  await openBackend("wasm");
  const own = twoConvolutions();
  const weights = initializeWeights(own.parameters, 0);
  const data = Uint8Array.from({ length: 3 * 5 * 7 }, (_, i) => i * 37 % 256);
  const picture = { width: 7, height: 5, data };
  const labels = await predictCustomNetwork({ network: own, weights }, picture);
  assert.equal(labels.length, 35);
  assert.ok(labels.every((id) => id < 2));
  await assert.rejects(
    predictCustomNetwork({ network: own, weights }, { ...picture, width: 8 }),
    { name: "RangeError", message: /105 bytes are not 8×5 RGB pixels/ },
  );
  await assert.rejects(
    predictCustomNetwork({ network: own, weights }, picture, { scales: [0] }),
    { name: "RangeError", message: /give numbers above 0/ },
  );
  releaseWeights(weights);
});

Deno.test("a network of one's own is not measured on other classes", async () => {
  const folder = {
    root: "data",
    split: "val",
    classes: ["a", "b", "c"].map((name) => ({ name, color: COLOR })),
  };
  await assert.rejects(
    evaluateCustomNetwork({ network: twoConvolutions(), weights: new Map() }, folder),
    { name: "RangeError", message: /tells apart 2 classes and "classes" lists 3/ },
  );
});

import assert from "node:assert/strict";
import { openBackend } from "../../src/core/backend.ts";
import type { HostTensor } from "../../src/core/host_tensor.ts";
import type { Network, Weights } from "../../src/core/network.ts";
import * as tf from "../../src/core/tf.ts";
import {
  initializeWeights,
  pytorchShape,
  releaseWeights,
  weightsFromHost,
  weightsToHost,
} from "../../src/core/weights.ts";
import { buildNetwork } from "../../src/evaluate/build_network.ts";
import { adaptRgbFilter } from "../../src/layers/image_filter.ts";
import { matchNetworkWeights } from "../../src/weights/match_weights.ts";
import { assertClose, onEachBackend, randomTensor } from "../support/mod.ts";
import { TINY_ENCODERS } from "../support/tiny_encoders.ts";

// `adapt_input_conv` of timm 1.0.20, of a filter [2, 3, 1, 2].
// deno-fmt-ignore
const RGB = [
  0.154099613, -0.0293428898, -0.217878938, 0.0568431281, -0.108452238, -0.139859542,
  0.0403346829, 0.083802633, -0.0719257593, -0.0403343551, -0.0596635342, 0.0182036497,
];
// deno-fmt-ignore
const BY_CHANNELS: Readonly<Record<number, readonly number[]>> = {
  1: [-0.172231555, -0.1123593, -0.0912546068, 0.0616719276],
  2: [
    0.23114942, -0.0440143347, -0.326818407, 0.0852646902,
    0.0605020225, 0.125703946, -0.107888639, -0.0605015308,
  ],
  4: [
    0.11557471, -0.0220071673, -0.163409203, 0.0426323451,
    -0.0813391805, -0.104894653, 0.11557471, -0.0220071673,
    0.0302510113, 0.0628519729, -0.0539443195, -0.0302507654,
    -0.0447476506, 0.0136527373, 0.0302510113, 0.0628519729,
  ],
  7: [
    0.0660426915, -0.0125755239, -0.0933766887, 0.0243613403, -0.0464795306,
    -0.0599398054, 0.0660426915, -0.0125755239, -0.0933766887, 0.0243613403,
    -0.0464795306, -0.0599398054, 0.0660426915, -0.0125755239, 0.0172862932,
    0.0359154157, -0.0308253262, -0.0172861516, -0.0255700871, 0.00780156441,
    0.0172862932, 0.0359154157, -0.0308253262, -0.0172861516, -0.0255700871,
    0.00780156441, 0.0172862932, 0.0359154157,
  ],
};

const filter = (shape: readonly number[], values: readonly number[]): HostTensor => ({
  dtype: "F32",
  shape,
  bytes: new Uint8Array(Float32Array.from(values).buffer),
});

Deno.test("adaptRgbFilter() gives the filters of timm", () => {
  for (const [channels, expected] of Object.entries(BY_CHANNELS)) {
    const count = Number(channels);
    const adapted = adaptRgbFilter(filter([2, 3, 1, 2], RGB), count);
    assert.deepEqual(adapted, filter([2, count, 1, 2], expected), channels);
  }
});

Deno.test("adaptRgbFilter() takes no filter that is not for three channels", () => {
  assert.equal(adaptRgbFilter(filter([3, 4, 1, 1], RGB), 5), null);
  assert.equal(adaptRgbFilter(filter([4, 3], RGB), 5), null);
});

for (const [name, encoder] of Object.entries(TINY_ENCODERS)) {
  const networkOf = (channels: number) => {
    const decoder = { name: "semi-deeplabv2", dilations: [1] } as const;
    return buildNetwork({ encoder, decoder, auxiliaryHead: null }, 3, channels);
  };

  Deno.test(`buildNetwork() lets ${name} read any number of channels, and adapts its first filter alone`, () => {
    const rgb = networkOf(3).parameters;
    const five = networkOf(5).parameters;
    const changed = five.filter(({ shape }, i) =>
      JSON.stringify(shape) !== JSON.stringify(rgb[i]?.shape)
    );
    assert.equal(changed.length, 1);
    const [first] = changed;
    assert.ok(first !== undefined);
    const [outputs = 0, inputs, ...window] = pytorchShape(first);
    assert.equal(inputs, 5);
    const size = outputs * 3 * window.reduce((all, side) => all * side, 1);
    const fromRgb = filter([outputs, 3, ...window], Array<number>(size).fill(1));
    assert.deepEqual(first.adaptShape?.(fromRgb)?.shape, [outputs, 5, ...window]);
    const adaptable = rgb.filter(({ layout, adaptShape }) =>
      layout === "convolution" && adaptShape !== undefined
    );
    assert.deepEqual(adaptable, []);
  });

  onEachBackend(
    `${name} from RGB weights sees gray images as it did, in one channel and in six`,
    async () => {
      const rgb = networkOf(3);
      const weights = initializeWeights(rgb.parameters, 1);
      const file = await weightsToHost(rgb.parameters, weights);
      const gray = randomTensor<tf.Rank.R4>([1, 42, 50, 1], "gray");
      const mapsOf = (network: Network, weights: Weights, channels: number) => {
        const images = tf.tile(gray, [1, 1, 1, channels]);
        return network.encoder.apply(weights, images, { training: false, rngKey: null });
      };
      const expected = mapsOf(rgb, weights, 3);
      for (const channels of [1, 6]) {
        const network = networkOf(channels);
        const fit = matchNetworkWeights(network, file, "rgb.safetensors");
        assert.equal(fit.adaptedFilters.length, 1);
        const adapted = weightsFromHost(network.parameters, fit.tensors);
        const found = mapsOf(network, adapted, channels);
        for (const [i, map] of found.entries()) {
          await assertClose(map, expected[i] ?? [], 1e-4);
        }
        releaseWeights(adapted);
      }
    },
  );

  Deno.test(`matchNetworkWeights() says for how many channels the file of ${name} is`, async () => {
    const four = networkOf(4);
    await openBackend("wasm");
    const weights = initializeWeights(four.parameters, 1);
    const file = await weightsToHost(four.parameters, weights);
    for (const channels of [3, 5]) {
      assert.throws(
        () => matchNetworkWeights(networkOf(channels), file, "four.safetensors"),
        /the file is of the variant with "data\.channels: 4"$/,
      );
    }
    releaseWeights(weights);
  });
}

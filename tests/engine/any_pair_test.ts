// Every encoder with every decoder is asked the same questions: what a network of any
// shape must answer, whoever wrote its parts.
import assert from "node:assert/strict";
import type { AuxiliaryConfig, DecoderConfig } from "../../src/config/decoder.ts";
import type { EncoderConfig } from "../../src/config/encoder.ts";
import { readBack } from "../../src/core/backend.ts";
import { gradientOf } from "../../src/core/gradient.ts";
import { EVALUATION, type Network } from "../../src/core/network.ts";
import * as tf from "../../src/core/tf.ts";
import {
  initialWeights,
  pytorchShape,
  releaseWeights,
  weightsFromHost,
  weightsToHost,
} from "../../src/core/weights.ts";
import { buildNetwork } from "../../src/engine/build.ts";
import { matchWeights } from "../../src/weights/mismatch.ts";
import { encodeSafetensors, parseSafetensors } from "../../src/weights/safetensors.ts";
import { onEachBackend, randomTensor } from "../support/mod.ts";

const CLASSES = 3;
// Neither side is a multiple of anything.
const [HEIGHT, WIDTH] = [37, 45];

const ENCODERS: readonly EncoderConfig[] = [
  {
    name: "mit",
    widths: [4, 8, 8, 12],
    depths: [1, 1, 1, 1],
    heads: [1, 2, 2, 3],
    reductions: [8, 4, 2, 1],
    dropPath: 0.1,
  },
  { name: "resnet", depths: [1, 1, 1, 1], stem: 8, planes: 2 },
  { name: "resnet-multigrid", depths: [1, 1, 1, 3], stem: 8, planes: 2 },
  {
    name: "swin",
    width: 4,
    depths: [2, 1, 1, 1],
    heads: [1, 2, 2, 4],
    window: 4,
    dropPath: 0.1,
  },
  {
    name: "beit",
    width: 8,
    depth: 4,
    heads: 2,
    outputs: [0, 1, 2, 3],
    imageSize: 48,
    dropPath: 0.1,
    layerScale: 0.1,
  },
];

const dropout = 0.1;
const bins = [1, 2];
const dilations = [1, 3];
const DECODERS: readonly DecoderConfig[] = [
  { name: "daformer", channels: 8, fusion: "separable-aspp", dilations, dropout },
  { name: "segformer", channels: 8, dropout },
  { name: "deeplabv2", dilations },
  { name: "psp", channels: 8, bins, dropout },
  { name: "deeplabv3+", channels: 8, fineChannels: 4, dilations, dropout },
  { name: "upernet", channels: 8, bins, dropout },
  { name: "isa", channels: 8, relationChannels: 4, cell: 2, dropout },
  { name: "danet", channels: 8, reduced: 4, dropout },
  { name: "semi-deeplabv2", dilations },
  { name: "semi-deeplabv3+", channels: 8, inner: 4, dilations, dropout },
  { name: "semi-psp", channels: 8, bins },
];

const auxiliaryOf = (decoder: DecoderConfig): AuxiliaryConfig => {
  const shape = { channels: 4, dropout, weight: 0.4 };
  return decoder.name.startsWith("semi-")
    ? { name: "semi-fcn", ...shape }
    : { name: "fcn", level: 2, ...shape };
};

/** Decoders that read every map; the others may leave what makes a map alone unused. */
const READ_ALL = ["daformer", "segformer", "upernet"];

/** Trained parameters that no loss reaches, as in the published networks. */
function unusedIn(encoder: string, decoder: string): RegExp[] {
  const unused: RegExp[] = [];
  if (decoder === "segformer") unused.push(/^decode_head\.conv_seg\./);
  if (decoder === "semi-deeplabv3+") unused.push(/^decoder\.representation\./);
  if (READ_ALL.includes(decoder)) return unused;
  if (encoder === "swin") unused.push(/^backbone\.norm[01]\./);
  if (encoder === "beit") unused.push(/^neck\./);
  return unused;
}

for (const encoder of ENCODERS) {
  for (const decoder of DECODERS) {
    onEachBackend(`${encoder.name} with ${decoder.name} is a network`, async () => {
      const built = buildNetwork(
        { encoder, decoder, auxiliary: auxiliaryOf(decoder) },
        CLASSES,
      );
      const names = built.parameters.map(({ name }) => name);
      assert.equal(new Set(names).size, names.length, "names are unique");
      const weights = initialWeights(built.parameters, 1);
      const images = randomTensor<tf.Rank.R4>([2, HEIGHT, WIDTH, 3]);

      const before = tf.memory().numTensors;
      await trains(built, weights, images, unusedIn(encoder.name, decoder.name));
      assert.equal(tf.memory().numTensors, before, "training keeps no tensor");
      const seen = await predicts(built, weights, images);
      assert.equal(tf.memory().numTensors, before, "predicting keeps no tensor");
      const again = await saved(built, weights);
      assert.deepEqual(await predicts(built, again, images), seen, "files keep all");

      releaseWeights(again);
      releaseWeights(weights);
      images.dispose();
    });
  }
}

type Weights = ReturnType<typeof initialWeights>;

async function trains(
  built: Network,
  weights: Weights,
  images: tf.Tensor4D,
  unused: readonly RegExp[],
): Promise<void> {
  const { value, gradient } = gradientOf(
    built.parameters,
    weights,
    () =>
      tf.tidy(() => {
        const chance = { seed: 1, stream: 2, iteration: 3 };
        const { logits, sides, features } = built.forward(weights, images, {
          training: true,
          chance,
        });
        assert.ok(sides.length > 0, "the auxiliary head answers in training");
        features.forEach((map, i) => assert.equal(map.shape[3], built.encoder.widths[i]));
        for (const map of [logits, ...sides.map(({ logits }) => logits)]) {
          const [B, H, W, C] = map.shape;
          assert.deepEqual([B, C], [2, CLASSES]);
          assert.ok(H > 0 && W > 0);
        }
        const losses = [logits, ...sides.map(({ logits }) => logits)].map((map) =>
          tf.mean(tf.mul(map, randomTensor(map.shape)))
        );
        return tf.addN(losses) as tf.Scalar;
      }),
  );
  assert.ok(Number.isFinite((await readBack(value))[0]), "the loss is finite");
  const reached = built.parameters.filter(({ trained, name }) =>
    trained && !unused.some((pattern) => pattern.test(name))
  );
  const missing = reached.filter(({ name }) => !gradient.has(name));
  assert.deepEqual(missing.map(({ name }) => name), [], "every parameter learns");
  const sizes = tf.tidy(() =>
    tf.stack([...gradient.values()].map((slope) => tf.sum(tf.abs(slope))))
  );
  assert.ok((await readBack(sizes)).every((size: number) => Number.isFinite(size)));
  tf.dispose([value, sizes]);
  releaseWeights(gradient);
}

async function predicts(
  built: Network,
  weights: Weights,
  images: tf.Tensor4D,
): Promise<readonly number[]> {
  const logits = tf.tidy(() => built.forward(weights, images, EVALUATION).logits);
  const values = Array.from(await readBack(logits));
  assert.ok(values.every((value) => Number.isFinite(value)), "logits are finite");
  logits.dispose();
  return values;
}

/** Weights as a file gives them back. */
async function saved({ parameters }: Network, weights: Weights): Promise<Weights> {
  const host = await weightsToHost(parameters, weights);
  const { tensors } = parseSafetensors(encodeSafetensors(host));
  const shapes = new Map(parameters.map((one) => [one.name, pytorchShape(one)]));
  return weightsFromHost(parameters, matchWeights(shapes, tensors, "memory").tensors);
}

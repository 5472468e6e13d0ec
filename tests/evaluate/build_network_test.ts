// Every encoder with every decoder is asked the same questions: what a network of any
// shape must answer, whoever wrote its parts.
import assert from "node:assert/strict";
import type { AuxiliaryHeadConfig, DecoderConfig } from "../../src/config/decoder.ts";
import type { EncoderConfig } from "../../src/config/encoder.ts";
import { readBack } from "../../src/core/backend.ts";
import { EVAL_CONTEXT, type Network } from "../../src/core/network.ts";
import * as tf from "../../src/core/tf.ts";
import {
  initializeWeights,
  pytorchShape,
  releaseWeights,
  weightsFromHost,
  weightsToHost,
} from "../../src/core/weights.ts";
import { buildNetwork } from "../../src/evaluate/build_network.ts";
import { matchWeights } from "../../src/weights/match_weights.ts";
import { parseSafetensors } from "../../src/weights/safetensors.ts";
import { encodeSafetensors } from "../support/safetensors.ts";
import { onCpu, onEachBackend, randomTensor } from "../support/mod.ts";
import { assertFiniteGradients, TRAINING } from "../support/network_checks.ts";
import { TINY_ENCODERS } from "../support/tiny_encoders.ts";

const CLASSES = 3;
// Neither side is a multiple of anything.
const [HEIGHT, WIDTH] = [37, 45];

const ENCODERS: readonly EncoderConfig[] = Object.values(TINY_ENCODERS);

const dropout = 0.1;
const poolScales = [1, 2];
const dilations = [1, 3];
const DECODERS: readonly DecoderConfig[] = [
  {
    name: "daformer",
    channels: 8,
    fusion: "separable-aspp",
    dilations,
    imagePool: true,
    dropout,
  },
  { name: "segformer", channels: 8, fusionKernelSize: 3, dropout },
  { name: "deeplabv2", dilations },
  { name: "psp", channels: 8, poolScales, dropout },
  { name: "deeplabv3+", channels: 8, lowLevelChannels: 4, dilations, dropout },
  { name: "upernet", channels: 8, poolScales, dropout },
  { name: "isa", channels: 8, isaChannels: 4, downFactor: 2, dropout },
  { name: "danet", channels: 8, pamChannels: 4, dropout },
  { name: "dpt", channels: 4, levelChannels: [3, 4, 5, 6] },
  { name: "vfm-uda" },
  { name: "lraspp", channels: 8, lowIndex: 1 },
  { name: "semi-deeplabv2", dilations },
  {
    name: "semi-deeplabv3+",
    channels: 8,
    innerPlanes: 4,
    dilations,
    representationHead: true,
    dropout,
  },
  { name: "semi-psp", channels: 8, poolScales },
];

const auxiliaryHeadOf = (decoder: DecoderConfig): AuxiliaryHeadConfig => {
  const shape = { channels: 4, dropout, lossWeight: 0.4 };
  return decoder.name.startsWith("semi-")
    ? { name: "semi-fcn", ...shape }
    : { name: "fcn", inIndex: 2, ...shape };
};

/** Decoders that read every map; the others may leave what makes a map alone unused. */
const READ_ALL = ["daformer", "segformer", "upernet", "dpt"];

/** Trained parameters that no loss reaches, as in the published networks. */
function unusedIn(encoder: string, decoder: string): RegExp[] {
  const unused: RegExp[] = [];
  if (decoder === "segformer") unused.push(/^decode_head\.conv_seg\./);
  if (decoder === "semi-deeplabv3+") unused.push(/^decoder\.representation\./);
  if (decoder === "dpt") unused.push(/\.refinenet4\.resConfUnit1\./);
  if (encoder === "dinov2") unused.push(/^backbone\.mask_token$/);
  if (READ_ALL.includes(decoder)) return unused;
  if (encoder === "swin") unused.push(/^backbone\.norm[01]\./);
  if (encoder === "beit") unused.push(/^neck\./);
  return unused;
}

for (const encoder of ENCODERS) {
  for (const decoder of DECODERS) {
    // A pair has the kernels of its parts, which a software driver takes seconds to compile:
    // on WebGPU each encoder is tried with one decoder, and each decoder with one encoder.
    const isOnWebGpu = encoder === ENCODERS[0] || decoder === DECODERS[0];
    const register = isOnWebGpu ? onEachBackend : onCpu;
    register(`${encoder.name} with ${decoder.name} is a network`, async () => {
      const built = buildNetwork(
        { encoder, decoder, auxiliaryHead: auxiliaryHeadOf(decoder) },
        CLASSES,
      );
      const names = built.parameters.map(({ name }) => name);
      assert.equal(new Set(names).size, names.length, "names are unique");
      const weights = initializeWeights(built.parameters, 1);
      const images = randomTensor<tf.Rank.R4>([2, HEIGHT, WIDTH, 3]);

      await assertFiniteGradients(
        built.parameters,
        weights,
        () => lossOf(built, weights, images),
        unusedIn(encoder.name, decoder.name),
      );
      const before = tf.memory().numTensors;
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

type Weights = ReturnType<typeof initializeWeights>;

function lossOf(network: Network, weights: Weights, images: tf.Tensor4D): tf.Scalar {
  const { logits, auxiliaryLogits, features } = network.forward(
    weights,
    images,
    TRAINING,
  );
  assert.ok(auxiliaryLogits.length > 0, "the auxiliary head answers in training");
  features.forEach((map, i) => assert.equal(map.shape[3], network.encoder.channels[i]));
  const losses = [logits, ...auxiliaryLogits.map(({ logits }) => logits)].map((map) => {
    const [B, H, W, C] = map.shape;
    assert.deepEqual([B, C], [2, CLASSES]);
    assert.ok(H > 0 && W > 0);
    return tf.mean(tf.mul(map, randomTensor(map.shape)));
  });
  return tf.addN(losses) as tf.Scalar;
}

async function predicts(
  built: Network,
  weights: Weights,
  images: tf.Tensor4D,
): Promise<readonly number[]> {
  const logits = tf.tidy(() => built.forward(weights, images, EVAL_CONTEXT).logits);
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

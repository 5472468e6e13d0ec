import assert from "node:assert/strict";
import { readBack } from "../../src/core/backend.ts";
import {
  EVAL_CONTEXT,
  type ForwardContext,
  type Network,
} from "../../src/core/network.ts";
import * as tf from "../../src/core/tf.ts";
import { initializeWeights, releaseWeights } from "../../src/core/weights.ts";
import { type DaformerFusion, daformerHead } from "../../src/models/daformer_head.ts";
import { mit } from "../../src/models/mit.ts";
import { danetHead } from "../../src/models/danet_head.ts";
import {
  encoderDecoder,
  withActivationCheckpointing,
} from "../../src/models/encoder_decoder.ts";
import { fcnHead } from "../../src/models/fcn_head.ts";
import { segformerHead } from "../../src/models/segformer_head.ts";
import { assertClose, onEachBackend, randomTensor } from "../support/mod.ts";
import { assertFiniteGradients, oddImages, TRAINING } from "../support/network_checks.ts";

const WIDTHS = [8, 8, 12, 16];
const CLASSES = 5;
const FUSIONS: readonly DaformerFusion[] = [
  "conv1",
  "aspp",
  "separable-aspp",
  "bottleneck",
  "isa",
];

const encoder = () =>
  mit("backbone", {
    embedDims: WIDTHS,
    depths: [1, 1, 1, 1],
    numHeads: [1, 2, 3, 4],
    srRatios: [8, 4, 2, 1],
    dropPathRate: 0.2,
  });

const NETWORKS: Record<string, () => Network> = {
  segformer: () => {
    const options = { classes: CLASSES, channels: 8, dropout: 0.1 };
    return encoderDecoder(
      encoder(),
      segformerHead("decode_head", WIDTHS, options),
      CLASSES,
    );
  },
};
for (const fusion of FUSIONS) {
  NETWORKS[`daformer, ${fusion}`] = () => {
    const dilations = [1, 2, 3];
    const options = { classes: CLASSES, channels: 8, fusion, dilations, dropout: 0.1 };
    return encoderDecoder(
      encoder(),
      daformerHead("decode_head", WIDTHS, options),
      CLASSES,
    );
  };
}

for (const [name, build] of Object.entries(NETWORKS)) {
  onEachBackend(
    `encoderDecoder() has finite gradients on odd sizes: ${name}`,
    async () => {
      const built = build();
      const weights = initializeWeights(built.parameters, 1);
      const images = oddImages();
      await assertFiniteGradients(
        built.parameters,
        weights,
        () => {
          const { logits } = built.forward(weights, images, TRAINING);
          assert.deepEqual(logits.shape, [2, 10, 13, CLASSES]);
          return tf.mean(tf.square(logits));
        },
        // SegFormer's head declares a classifier that it does not apply.
        name === "segformer" ? [/^decode_head\.conv_seg\./] : [],
      );
      releaseWeights(weights);
    },
  );
}

onEachBackend(
  "encoderDecoder() draws dropout anew per iteration and not in evaluation",
  async () => {
    const built = NETWORKS.segformer?.() ?? assert.fail();
    const weights = initializeWeights(built.parameters, 1);
    const images = randomTensor<tf.Rank.R4>([1, 32, 32, 3]);
    const run = async (iteration: number) => {
      const rngKey = { seed: 1, stream: 2, iteration };
      // Evaluation statistics, so that nothing but dropout differs.
      const { logits } = built.forward(weights, images, { training: false, rngKey });
      return await readBack(logits);
    };
    assert.deepEqual(await run(3), await run(3));
    assert.notDeepEqual(await run(3), await run(4));
    const withoutDropout = await readBack(
      built.forward(weights, images, EVAL_CONTEXT).logits,
    );
    assert.notDeepEqual(withoutDropout, await run(3));
  },
);

const withAuxiliaryHead = () => {
  const options = { classes: CLASSES, channels: 8, dropout: 0.1 };
  const auxiliary = fcnHead("auxiliary_head", WIDTHS, {
    ...options,
    inIndex: 2,
    convolutions: 1,
  });
  const decoder = danetHead("decode_head", WIDTHS, { ...options, pamChannels: 4 });
  return encoderDecoder(encoder(), decoder, CLASSES, [
    { decoder: auxiliary, lossWeight: 0.4 },
  ]);
};

onEachBackend(
  "Network.decode() is the second half of forward(), auxiliary heads included",
  async () => {
    const network = withAuxiliaryHead();
    const weights = initializeWeights(network.parameters, 1);
    const images = randomTensor<tf.Rank.R4>([2, 64, 64, 3]);
    for (const context of [EVAL_CONTEXT, TRAINING]) {
      // Each call updates running statistics, which no pass in training reads.
      const { features, ...whole } = network.forward(weights, images, context);
      const half = network.decode(weights, features, context);
      const lossWeights = half.auxiliaryLogits.map(({ lossWeight }) => lossWeight);
      assert.deepEqual(lossWeights, context.training ? [1, 1, 0.4] : []);
      for (const output of [half, whole]) {
        assert.equal(output.auxiliaryLogits.length, lossWeights.length);
      }
      await assertClose(half.logits, whole.logits, 0);
      for (const [i, { logits, lossWeight }] of whole.auxiliaryLogits.entries()) {
        assert.equal(lossWeight, lossWeights[i]);
        await assertClose(half.auxiliaryLogits[i]?.logits ?? assert.fail(), logits, 0);
      }
    }
    releaseWeights(weights);
    images.dispose();
  },
);

onEachBackend("withActivationCheckpointing() sets the context of every function", () => {
  const seen: (boolean | undefined)[] = [];
  const note =
    <T>(result: T) => (_: unknown, _x: unknown, context: ForwardContext): T => {
      seen.push(context.activationCheckpointing);
      return result;
    };
  const logits = tf.zeros<tf.Rank.R4>([1, 1, 1, CLASSES]);
  const decoder = {
    parameters: [],
    apply: note(logits),
    applyWithRepresentation: note({ logits, representation: logits }),
  };
  const encoder = { parameters: [], strides: [1], channels: [1], apply: note([logits]) };
  const network = withActivationCheckpointing(encoderDecoder(encoder, decoder, CLASSES));
  const weights = new Map();
  network.encoder.apply(weights, logits, EVAL_CONTEXT);
  network.decode(weights, [logits], EVAL_CONTEXT);
  network.forward(weights, logits, EVAL_CONTEXT);
  network.forwardWithRepresentation?.(weights, logits, EVAL_CONTEXT);
  assert.deepEqual(seen, Array(6).fill(true));
  logits.dispose();
});

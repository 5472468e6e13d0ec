import assert from "node:assert/strict";
import { readBack } from "../../src/core/backend.ts";
import { lossAndGradient } from "../../src/core/backward.ts";
import { type Decoder, EVAL_CONTEXT } from "../../src/core/network.ts";
import * as tf from "../../src/core/tf.ts";
import { initializeWeights, releaseWeights } from "../../src/core/weights.ts";
import { encoderDecoder } from "../../src/models/encoder_decoder.ts";
import { resnetMultigrid } from "../../src/models/resnet.ts";
import { semiDeeplabV2Head } from "../../src/models/deeplab_v2_head.ts";
import { semiDeeplabV3PlusHead } from "../../src/models/deeplab_v3_plus_head.ts";
import { semiFcnHead } from "../../src/models/fcn_head.ts";
import { semiPspHead } from "../../src/models/psp_head.ts";
import { assertClose, onEachBackend, randomTensor } from "../support/mod.ts";
import { assertFiniteGradients, oddImages, TRAINING } from "../support/network_checks.ts";

const CLASSES = 5;
const SHAPE = { depths: [1, 1, 2, 3], stemChannels: 4, baseChannels: 2 } as const;
const WIDTHS = [8, 16, 32, 64];
// Of images of 37×50, whose stem has 19×25 pixels: ⌊n/2⌋ + 1, then half, rounded up.
const FINE = [10, 13];
const COARSE = [5, 7];
const dropout = 0.1;

const headOf = (representationHead: boolean) =>
  semiDeeplabV3PlusHead("decoder", WIDTHS, {
    classes: CLASSES,
    channels: 6,
    innerPlanes: 3,
    dilations: [12, 24],
    representationHead,
    dropout,
  });

const deeplabV3Plus = () => {
  const { applyWithRepresentation, ...head } = headOf(true);
  assert.ok(applyWithRepresentation);
  return { ...head, applyWithRepresentation };
};

const representationMaps = () =>
  WIDTHS.map((width, i) =>
    randomTensor<tf.Rank.R4>(i === 0 ? [2, 9, 7, width] : [2, 5, 4, width])
  );

const HEADS: Record<string, readonly [() => Decoder, size: readonly number[]]> = {
  "DeepLabV2": [
    () => semiDeeplabV2Head("decoder", WIDTHS, { classes: CLASSES, dilations: [6, 12] }),
    COARSE,
  ],
  "PSPNet": [
    () =>
      semiPspHead("decoder", WIDTHS, {
        classes: CLASSES,
        channels: 6,
        poolScales: [1, 2, 3, 6],
      }),
    COARSE.map((side) => 8 * side),
  ],
  "DeepLabV3+": [deeplabV3Plus, FINE],
  "DeepLabV3+ without representation": [() => headOf(false), FINE],
};

for (const [name, [head, size]] of Object.entries(HEADS)) {
  onEachBackend(
    `encoderDecoder() of semi-supervised heads has finite gradients on odd sizes: ${name}`,
    async () => {
      const encoder = resnetMultigrid("encoder", SHAPE);
      assert.deepEqual(encoder.channels, WIDTHS);
      const auxiliaryHead = semiFcnHead("auxor.aux", WIDTHS, {
        classes: CLASSES,
        channels: 6,
        dropout,
      });
      const built = encoderDecoder(encoder, head(), CLASSES, [
        { decoder: auxiliaryHead, lossWeight: 0.4 },
      ]);
      const weights = initializeWeights(built.parameters, 1);
      const images = oddImages();
      const before = tf.memory().numTensors;
      await assertFiniteGradients(
        built.parameters,
        weights,
        () => {
          const { features, logits, auxiliaryLogits } = built.forward(
            weights,
            images,
            TRAINING,
          );
          assert.deepEqual(
            features.map(({ shape }) => shape),
            WIDTHS.map((width, i) => [2, ...(i === 0 ? FINE : COARSE), width]),
          );
          assert.deepEqual(logits.shape, [2, ...size, CLASSES]);
          const [auxiliary] = auxiliaryLogits;
          assert.ok(auxiliary);
          assert.deepEqual(auxiliary.logits.shape, [2, ...COARSE, CLASSES]);
          return tf.add(tf.mean(tf.square(logits)), tf.mean(tf.square(auxiliary.logits)));
        },
        [/^decoder\.representation\./],
      );
      tf.tidy(() => {
        const { logits, auxiliaryLogits } = built.forward(weights, images, EVAL_CONTEXT);
        assert.deepEqual(logits.shape, [2, ...size, CLASSES]);
        assert.equal(auxiliaryLogits.length, 0, "auxiliary heads run in training only");
      });
      assert.equal(tf.memory().numTensors, before, "no tensor is leaked in evaluation");
      releaseWeights(weights);
    },
  );
}

onEachBackend("resnetMultigrid() reduces 513 pixels to 129, 65, 65 and 65", () => {
  const encoder = resnetMultigrid("encoder", {
    depths: [1, 1, 1, 1],
    stemChannels: 2,
    baseChannels: 1,
  });
  const weights = initializeWeights(encoder.parameters, 1);
  const sizes = tf.tidy(() =>
    encoder.apply(weights, tf.zeros([1, 513, 9, 3]), EVAL_CONTEXT)
      .map(({ shape }) => shape[1])
  );
  assert.deepEqual(sizes, [129, 65, 65, 65]);
  releaseWeights(weights);
});

// The width of the receptive field of one pixel on the last map if the residual branch of
// only one block is active: no weight is negative, so nothing cancels or is clipped.
async function receptiveFieldWidth(activeBlock: string): Promise<number> {
  const encoder = resnetMultigrid("encoder", {
    depths: [1, 1, 2, 3],
    stemChannels: 2,
    baseChannels: 1,
  });
  const weights = new Map(
    encoder.parameters.map(({ name, shape }) => {
      const isInactive = name.endsWith("bn3.weight") && !name.includes(activeBlock);
      const zero = isInactive || /bias|running_mean/.test(name);
      return [name, zero ? tf.zeros([...shape]) : tf.fill([...shape], 0.5)];
    }),
  );
  const reached = tf.tidy(() => {
    const row = new Float32Array(401 * 3);
    row.fill(1, 200 * 3, 201 * 3); // one pixel in the middle
    const maps = encoder.apply(weights, tf.tensor4d(row, [1, 1, 401, 3]), EVAL_CONTEXT);
    return tf.max(maps.at(-1) ?? assert.fail(), [0, 1, 3]);
  });
  const columns = Array.from(await readBack(reached), (value: number) => value > 0);
  reached.dispose();
  releaseWeights(weights);
  return columns.lastIndexOf(true) - columns.indexOf(true);
}

onEachBackend(
  "resnetMultigrid() doubles the dilations and applies the multi-grid",
  async () => {
    const none = await receptiveFieldWidth("no block");
    for (
      const [block, dilation] of [
        ["layer3.0.", 1],
        ["layer3.1.", 2],
        ["layer4.0.", 4],
        ["layer4.1.", 8],
        ["layer4.2.", 16],
      ] as const
    ) {
      assert.equal(await receptiveFieldWidth(block), none + 2 * dilation, block);
    }
  },
);

onEachBackend(
  "semiDeeplabV3PlusHead() gives equal logits with and without the representation",
  async () => {
    const head = deeplabV3Plus();
    const weights = initializeWeights(head.parameters, 1);
    const maps = representationMaps();
    const before = tf.memory().numTensors;
    const logits = tf.tidy(() => head.apply(weights, maps, EVAL_CONTEXT));
    const both = tf.tidy(() => head.applyWithRepresentation(weights, maps, EVAL_CONTEXT));
    await assertClose(both.logits, logits, 0);
    assert.deepEqual(both.representation.shape, [2, 9, 7, 6]);
    tf.dispose([logits, both.logits, both.representation]);
    assert.equal(tf.memory().numTensors, before);
    releaseWeights(weights);
  },
);

onEachBackend(
  "semiDeeplabV3PlusHead() updates representation statistics only if requested",
  async () => {
    const head = deeplabV3Plus();
    const weights = initializeWeights(head.parameters, 1);
    const maps = representationMaps();
    const training = { training: true, rngKey: null };
    const trackedBatches = async (branch: string) => {
      const key = `decoder.${branch}.1.num_batches_tracked`;
      return (await readBack(weights.get(key) ?? assert.fail()))[0];
    };
    tf.tidy(() => void head.apply(weights, maps, training));
    assert.deepEqual([
      await trackedBatches("classifier"),
      await trackedBatches("representation"),
    ], [
      1,
      0,
    ]);
    tf.tidy(() => void head.applyWithRepresentation(weights, maps, training));
    assert.deepEqual([
      await trackedBatches("classifier"),
      await trackedBatches("representation"),
    ], [
      2,
      1,
    ]);
    releaseWeights(weights);
  },
);

onEachBackend(
  "semiDeeplabV3PlusHead() gives no gradient to an unused representation",
  () => {
    const head = deeplabV3Plus();
    const weights = initializeWeights(head.parameters, 1);
    const maps = representationMaps();
    const { value, gradient } = lossAndGradient(
      head.parameters,
      weights,
      () => tf.sum(head.apply(weights, maps, { training: true, rngKey: null })),
    );
    const reached = [...gradient.keys()];
    assert.ok(reached.some((name) => name.startsWith("decoder.classifier.")));
    assert.ok(!reached.some((name) => name.startsWith("decoder.representation.")));
    value.dispose();
    releaseWeights(gradient);
    releaseWeights(weights);
  },
);

onEachBackend(
  "semiDeeplabV3PlusHead() without a representation gives the logits of one with it",
  async () => {
    const [whole, alone] = [headOf(true), headOf(false)];
    assert.equal(alone.applyWithRepresentation, undefined);
    assert.equal(alone.representationChannels, undefined);
    const names = (head: Decoder) => head.parameters.map(({ name }) => name);
    assert.deepEqual(
      names(alone),
      names(whole).filter((name) => !name.startsWith("decoder.representation.")),
    );
    const weights = initializeWeights(whole.parameters, 1);
    const maps = representationMaps();
    const [expected, logits] = [whole, alone].map((head) =>
      tf.tidy(() => head.apply(weights, maps, EVAL_CONTEXT))
    );
    assert.ok(expected && logits);
    await assertClose(logits, expected, 0);
    tf.dispose([expected, logits]);
    releaseWeights(weights);
  },
);

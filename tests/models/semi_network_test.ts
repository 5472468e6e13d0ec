import assert from "node:assert/strict";
import { readBack } from "../../src/core/backend.ts";
import { gradientOf } from "../../src/core/gradient.ts";
import { type Decoder, EVALUATION } from "../../src/core/network.ts";
import * as tf from "../../src/core/tf.ts";
import { initialWeights, releaseWeights } from "../../src/core/weights.ts";
import { network } from "../../src/models/network.ts";
import { resnetMultigrid } from "../../src/models/resnet_multigrid.ts";
import { semiDeeplabV2Head } from "../../src/models/semi_deeplab_v2_head.ts";
import { semiDeeplabV3PlusHead } from "../../src/models/semi_deeplab_v3_plus_head.ts";
import { semiFcnHead } from "../../src/models/semi_fcn_head.ts";
import { semiPspHead } from "../../src/models/semi_psp_head.ts";
import { assertClose, onEachBackend, randomTensor } from "../support/mod.ts";

const CLASSES = 5;
const SHAPE = { depths: [1, 1, 2, 3], stem: 4, planes: 2 } as const;
const WIDTHS = [8, 16, 32, 64];
// Of images of 37×50, whose stem has 19×25 pixels: ⌊n/2⌋ + 1, then half, rounded up.
const FINE = [10, 13];
const COARSE = [5, 7];
const dropout = 0.1;

const deeplabV3Plus = () =>
  semiDeeplabV3PlusHead("decoder", WIDTHS, {
    classes: CLASSES,
    channels: 6,
    inner: 3,
    dilations: [12, 24],
    dropout,
  });

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
        bins: [1, 2, 3, 6],
      }),
    COARSE.map((side) => 8 * side),
  ],
  "DeepLabV3+": [deeplabV3Plus, FINE],
};

for (const [name, [head, size]] of Object.entries(HEADS)) {
  onEachBackend(
    `a semi-supervised network answers odd sizes with finite gradients: ${name}`,
    async () => {
      const encoder = resnetMultigrid("encoder", SHAPE);
      assert.deepEqual(encoder.widths, WIDTHS);
      const beside = semiFcnHead("auxor.aux", WIDTHS, {
        classes: CLASSES,
        channels: 6,
        dropout,
      });
      const built = network(encoder, head(), CLASSES, [
        { decoder: beside, lossWeight: 0.4 },
      ]);
      const weights = initialWeights(built.parameters, 1);
      const images = randomTensor<tf.Rank.R4>([2, 37, 50, 3]);
      const before = tf.memory().numTensors;
      const { value, gradient } = gradientOf(
        built.parameters,
        weights,
        () =>
          tf.tidy(() => {
            const { features, logits, sides } = built.forward(weights, images, {
              training: true,
              chance: { seed: 1, stream: 2, iteration: 3 },
            });
            assert.deepEqual(
              features.map(({ shape }) => shape),
              WIDTHS.map((width, i) => [2, ...(i === 0 ? FINE : COARSE), width]),
            );
            assert.deepEqual(logits.shape, [2, ...size, CLASSES]);
            const [side] = sides;
            assert.ok(side);
            assert.deepEqual(side.logits.shape, [2, ...COARSE, CLASSES]);
            return tf.add(tf.mean(tf.square(logits)), tf.mean(tf.square(side.logits)));
          }),
      );
      assert.ok(Number.isFinite((await readBack(value))[0]));
      const sums = tf.tidy(() =>
        tf.stack([...gradient.values()].map((slope) => tf.sum(tf.abs(slope))))
      );
      const sizes = await readBack(sums);
      assert.ok(sizes.every((size: number) => Number.isFinite(size)));
      assert.ok(sizes.some((size: number) => size > 0));
      tf.dispose([value, sums]);
      releaseWeights(gradient);
      assert.equal(tf.memory().numTensors, before, "nothing else is kept");
      tf.tidy(() => {
        const { logits, sides } = built.forward(weights, images, EVALUATION);
        assert.deepEqual(logits.shape, [2, ...size, CLASSES]);
        assert.equal(sides.length, 0, "only training looks beside");
      });
      assert.equal(tf.memory().numTensors, before, "nor in evaluation");
      releaseWeights(weights);
    },
  );
}

onEachBackend("resnetMultigrid() makes 129, 65, 65 and 65 pixels of 513", () => {
  const encoder = resnetMultigrid("encoder", {
    depths: [1, 1, 1, 1],
    stem: 2,
    planes: 1,
  });
  const weights = initialWeights(encoder.parameters, 1);
  const sides = tf.tidy(() =>
    encoder.apply(weights, tf.zeros([1, 513, 9, 3]), EVALUATION)
      .map(({ shape }) => shape[1])
  );
  assert.deepEqual(sides, [129, 65, 65, 65]);
  releaseWeights(weights);
});

// How many columns of the last map apart one pixel of an image reaches if of all blocks
// only one looks around: no weight is negative, so nothing cancels or is cut off.
async function columnsReached(looking: string): Promise<number> {
  const encoder = resnetMultigrid("encoder", {
    depths: [1, 1, 2, 3],
    stem: 2,
    planes: 1,
  });
  const weights = new Map(
    encoder.parameters.map(({ name, shape }) => {
      const silent = name.endsWith("bn3.weight") && !name.includes(looking);
      const zero = silent || /bias|running_mean/.test(name);
      return [name, zero ? tf.zeros([...shape]) : tf.fill([...shape], 0.5)];
    }),
  );
  const reached = tf.tidy(() => {
    const row = new Float32Array(401 * 3);
    row.fill(1, 200 * 3, 201 * 3); // one pixel in the middle
    const maps = encoder.apply(weights, tf.tensor4d(row, [1, 1, 401, 3]), EVALUATION);
    return tf.max(maps.at(-1) ?? assert.fail(), [0, 1, 3]);
  });
  const columns = Array.from(await readBack(reached), (value: number) => value > 0);
  reached.dispose();
  releaseWeights(weights);
  return columns.lastIndexOf(true) - columns.indexOf(true);
}

onEachBackend(
  "resnetMultigrid() doubles its dilations and spreads the last",
  async () => {
    const none = await columnsReached("no block");
    for (
      const [block, dilation] of [
        ["layer3.0.", 1],
        ["layer3.1.", 2],
        ["layer4.0.", 4],
        ["layer4.1.", 8],
        ["layer4.2.", 16],
      ] as const
    ) {
      assert.equal(await columnsReached(block), none + 2 * dilation, block);
    }
  },
);

onEachBackend(
  "semiDeeplabV3PlusHead() gives the same logits with its representation",
  async () => {
    const head = deeplabV3Plus();
    const weights = initialWeights(head.parameters, 1);
    const maps = WIDTHS.map((width, i) =>
      randomTensor<tf.Rank.R4>(i === 0 ? [2, 9, 7, width] : [2, 5, 4, width])
    );
    const before = tf.memory().numTensors;
    const alone = tf.tidy(() => head.apply(weights, maps, EVALUATION));
    const both = tf.tidy(() => head.applyWithRepresentation(weights, maps, EVALUATION));
    await assertClose(both.logits, alone, 0);
    assert.deepEqual(both.representation.shape, [2, 9, 7, 6]);
    tf.dispose([alone, both.logits, both.representation]);
    assert.equal(tf.memory().numTensors, before);
    releaseWeights(weights);
  },
);

onEachBackend("only who asks for the representation moves its statistics", async () => {
  const head = deeplabV3Plus();
  const weights = initialWeights(head.parameters, 1);
  const maps = WIDTHS.map((width, i) =>
    randomTensor<tf.Rank.R4>(i === 0 ? [2, 9, 7, width] : [2, 5, 4, width])
  );
  const training = { training: true, chance: null };
  const counted = async (branch: string) => {
    const key = `decoder.${branch}.1.num_batches_tracked`;
    return (await readBack(weights.get(key) ?? assert.fail()))[0];
  };
  tf.tidy(() => void head.apply(weights, maps, training));
  assert.deepEqual([await counted("classifier"), await counted("representation")], [
    1,
    0,
  ]);
  tf.tidy(() => void head.applyWithRepresentation(weights, maps, training));
  assert.deepEqual([await counted("classifier"), await counted("representation")], [
    2,
    1,
  ]);
  releaseWeights(weights);
});

onEachBackend("no gradient reaches a representation that no loss sees", () => {
  const head = deeplabV3Plus();
  const weights = initialWeights(head.parameters, 1);
  const maps = WIDTHS.map((width, i) =>
    randomTensor<tf.Rank.R4>(i === 0 ? [2, 9, 7, width] : [2, 5, 4, width])
  );
  const { value, gradient } = gradientOf(
    head.parameters,
    weights,
    () => tf.sum(head.apply(weights, maps, { training: true, chance: null })),
  );
  const reached = [...gradient.keys()];
  assert.ok(reached.some((name) => name.startsWith("decoder.classifier.")));
  assert.ok(!reached.some((name) => name.startsWith("decoder.representation.")));
  value.dispose();
  releaseWeights(gradient);
  releaseWeights(weights);
});

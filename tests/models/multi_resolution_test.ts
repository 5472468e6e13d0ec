// Against the code of HRDA around a small encoder and head: tests/golden/hrda.json.
import assert from "node:assert/strict";
import { openBackend, readBack } from "../../src/core/backend.ts";
import { lossAndGradient } from "../../src/core/backward.ts";
import {
  type Decoder,
  EVAL_CONTEXT,
  type ForwardContext,
  type Weights,
} from "../../src/core/network.ts";
import { hashStreamName } from "../../src/core/random.ts";
import * as tf from "../../src/core/tf.ts";
import { releaseWeights } from "../../src/core/weights.ts";
import { drawCropCorner } from "../../src/models/detail_crop.ts";
import { multiResolution } from "../../src/models/multi_resolution.ts";
import {
  lossWithAuxiliary,
  meanCrossEntropy,
  resizeLogits,
} from "../../src/objectives/cross_entropy.ts";
import {
  assertHrdaWeights,
  DETAIL_SIZE,
  hrdaImages,
  hrdaLabels,
  hrdaNetwork as network,
  hrdaNetworkWith,
  hrdaValues,
  hrdaWeights,
  SIZE,
} from "../support/hrda_network.ts";
import { assertClose, onEachBackend } from "../support/mod.ts";

type Named = Readonly<Record<string, readonly number[]>>;

interface Output {
  readonly size: readonly [height: number, width: number];
  readonly logits: readonly number[];
  readonly buffers: Named;
}

const golden:
  & Readonly<Record<"teacher" | "evaluation" | "smaller" | "larger", Output>>
  & {
    readonly names: readonly string[];
    readonly training: Output & {
      readonly corner: unknown;
      readonly detailLogits: readonly number[];
      readonly features: readonly number[];
      readonly loss: number;
      readonly gradient: Named;
    };
  } = JSON.parse(
    await Deno.readTextFile(new URL("../golden/hrda.json", import.meta.url)),
  );
const TOLERANCE = 2e-5;

// The pass whose draw is the golden's place.
const rngKey = { seed: 0, stream: hashStreamName("dropout/source"), iteration: 10 };
const TRAINING: ForwardContext = { training: true, rngKey };

async function assertBuffers(weights: Weights, expected: Named): Promise<void> {
  for (const [name, values] of Object.entries(expected)) {
    await assertClose(weights.get(name) ?? assert.fail(name), values, TOLERANCE, name);
  }
}

Deno.test("multiResolution() names its parameters as HRDA", () => {
  assert.deepEqual(network.parameters.map(({ name }) => name), golden.names);
});

onEachBackend("multiResolution() in training equals HRDA", async () => {
  const { corner, gradient: expectedGradient, ...expected } = golden.training;
  assert.deepEqual(drawCropCorner(SIZE, DETAIL_SIZE, 8, rngKey).value, corner);
  const weights = hrdaWeights();
  const images = hrdaImages(1);
  const labels = tf.tensor([...hrdaLabels(2)], [2, SIZE.height, SIZE.width], "int32");
  const pixelWeights = tf.tensor(
    hrdaValues(3, labels.size).map((value) => value / 4 + 0.5),
    labels.shape,
  );
  const maps: tf.Tensor[] = [];
  const { value, gradient } = lossAndGradient(network.parameters, weights, () => {
    const output = network.forward(weights, images, TRAINING);
    const coarse = output.features.at(-1) ?? assert.fail();
    const [detail = assert.fail()] = output.auxiliaryLogits;
    for (const map of [output.logits, detail.logits, coarse]) maps.push(tf.keep(map));
    const loss = lossWithAuxiliary(
      output,
      (logits, crop) => meanCrossEntropy(logits, crop(labels), crop(pixelWeights)),
    );
    return tf.add(loss, tf.mul(tf.mean(tf.square(coarse)), 0.01));
  });
  const [logits = assert.fail(), detail = assert.fail(), coarse = assert.fail()] = maps;
  await assertClose(logits, expected.logits, TOLERANCE, "logits");
  await assertClose(detail, expected.detailLogits, TOLERANCE, "logits of the detail");
  await assertClose(coarse, expected.features, TOLERANCE, "context features");
  await assertClose(value, [expected.loss], TOLERANCE, "loss");
  assert.equal(gradient.size, Object.keys(expectedGradient).length);
  await assertHrdaWeights(gradient, expectedGradient, TOLERANCE, "gradient");
  await assertBuffers(weights, expected.buffers);
  tf.dispose([images, labels, pixelWeights, maps, value]);
  [weights, gradient].forEach(releaseWeights);
});

onEachBackend("multiResolution() without draws slides as HRDA's teacher", async () => {
  const weights = hrdaWeights();
  const context = { training: true, rngKey: null };
  const logits = tf.tidy(() => network.forward(weights, hrdaImages(1), context).logits);
  await assertClose(logits, golden.teacher.logits, TOLERANCE);
  await assertBuffers(weights, golden.teacher.buffers);
  logits.dispose();
  releaseWeights(weights);
});

onEachBackend("multiResolution() in evaluation equals HRDA at any size", async () => {
  const weights = hrdaWeights();
  const logitsOf = (images: tf.Tensor4D) =>
    tf.tidy(() => network.forward(weights, images, EVAL_CONTEXT).logits);
  await assertClose(logitsOf(hrdaImages(1)), golden.evaluation.logits, TOLERANCE);
  for (
    const [seed, { size, logits }] of [[4, golden.smaller], [5, golden.larger]] as const
  ) {
    const [height, width] = size;
    const images = hrdaImages(seed, 1, { height, width });
    await assertClose(logitsOf(images), logits, TOLERANCE, `${height}×${width}`);
  }
  // What is no multiple of 8 is the part of a larger image.
  const larger = hrdaImages(5, 1, { height: 40, width: 56 });
  const part = tf.slice(larger, [0, 0, 0, 0], [1, 35, 49, 3]);
  const padded = tf.pad(part, [[0, 0], [0, 5], [0, 7], [0, 0]]);
  const whole = tf.tidy(() => resizeLogits(logitsOf(padded), [40, 56]));
  const expected = tf.slice(whole, [0, 0, 0, 0], [1, 35, 49, 3]);
  const actual = logitsOf(part);
  assert.deepEqual(actual.shape, [1, 35, 49, 3]);
  assert.deepEqual(await readBack(actual), await readBack(expected));
  releaseWeights(weights);
});

Deno.test("multiResolution() says which settings place crops between pixels", async () => {
  await openBackend("wasm");
  const weights = hrdaWeights();
  const forward = (more: object, size: typeof SIZE, context: ForwardContext) => () =>
    tf.tidy(() =>
      hrdaNetworkWith(more).forward(weights, hrdaImages(1, 1, size), context).logits
    );
  const divisor = '"model\\.multiResolution\\.coordinateDivisor"';
  assert.throws(
    forward({ coordinateDivisor: 4 }, SIZE, TRAINING),
    new RegExp(`4 pixels from the edge: logits of 4×5 .* ${divisor} must be .* of 8$`),
  );
  assert.throws(
    forward({ detailSize: { height: 16, width: 20 } }, SIZE, EVAL_CONTEXT),
    new RegExp(`10 pixels .* ${divisor} and half of "detailSize" there must be .* of 4$`),
  );
  assert.throws(
    forward({}, { height: 35, width: 40 }, TRAINING),
    new RegExp(
      `on images of 35×40 pixels: both sides must be multiples of ${divisor}, 8$`,
    ),
  );
  assert.throws(
    () => network.decode(weights, [], EVAL_CONTEXT),
    /its details come from the images; call forward\(\)$/,
  );
  releaseWeights(weights);
});

Deno.test("multiResolution() gives context and detail draws of their own", async () => {
  await openBackend("wasm");
  const seen: ForwardContext[] = [];
  const map: Decoder = {
    parameters: [],
    apply: (_weights, [map = assert.fail()]) => tf.clone(map),
  };
  const observed = multiResolution(
    {
      ...{ parameters: [], strides: [4], channels: [3] },
      apply(_weights, images, context) {
        seen.push(context);
        context.tokenMask?.([1, 1, 1, 1]);
        const [, H, W] = images.shape;
        return [resizeLogits(images, [H / 4, W / 4])];
      },
    },
    map,
    map,
    3,
    {
      detailSize: DETAIL_SIZE,
      contextScale: 0.5,
      detailLossWeight: 0.1,
      coordinateDivisor: 8,
    },
  );
  const masked: unknown[] = [];
  const context: ForwardContext = {
    ...{ ...TRAINING, activationCheckpointing: true },
    tokenMask(shape, draws) {
      masked.push(draws);
      return tf.zeros(shape);
    },
  };
  const images = hrdaImages(1);
  tf.tidy(() => observed.forward(new Map(), images, context).logits);
  const keys = seen.map(({ rngKey }) => rngKey ?? assert.fail());
  assert.equal(new Set(keys.map(({ stream }) => stream)).size, 2);
  assert.ok(keys.every(({ iteration }) => iteration === rngKey.iteration));
  assert.equal(new Set(masked).size, 2);
  assert.ok(seen.every(({ activationCheckpointing }) => activationCheckpointing));
  images.dispose();
});

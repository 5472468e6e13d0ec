// Against the definition, in loops: the Jaccard losses of growing sets of mistaken pixels and
// their differences. Against the authors' code: tests/objectives/criterion_test.ts.
import assert from "node:assert/strict";
import { readBack } from "../../src/core/backend.ts";
import { createRandom } from "../../src/core/random.ts";
import * as tf from "../../src/core/tf.ts";
import { lovaszExtension } from "../../src/ops/lovasz_extension/lovasz_extension.ts";
import { assertClose, onEachBackend } from "../support/mod.ts";

interface Sizes {
  readonly segments: number;
  readonly pixels: number;
  readonly classes: number;
}

/** Probabilities in steps of 1 / 64, of which many are the same; class 1 is absent. */
function drawn({ segments, pixels, classes }: Sizes) {
  const random = createRandom(4, `pixels ${pixels}`);
  const draw = (length: number, value: () => number) => Array.from({ length }, value);
  return {
    probabilities: draw(segments * pixels * classes, () => random.integer(65) / 64),
    labels: draw(segments * pixels, () => {
      const label = random.integer(classes + 1);
      return label === classes ? 255 : label === 1 ? 0 : label;
    }),
  };
}

/** The losses and, for a gradient of 1 each, the gradient. */
function byDefinition(
  { probabilities, labels }: ReturnType<typeof drawn>,
  { segments, pixels, classes }: Sizes,
) {
  const losses = new Float64Array(segments * classes);
  const gradient = new Float64Array(probabilities.length);
  for (let s = 0; s < segments; s++) {
    const valid = [...Array(pixels).keys()].map((i) => s * pixels + i)
      .filter((at) => labels[at] !== 255);
    for (let c = 0; c < classes; c++) {
      const isOwn = (at: number) => labels[at] === c;
      const error = (at: number) =>
        Math.abs(Number(isOwn(at)) - (probabilities[at * classes + c] ?? NaN));
      // Array.prototype.sort is stable.
      const sorted = [...valid].sort((a, b) => error(b) - error(a));
      const all = valid.filter(isOwn).length;
      let [missed, wrong, before] = [0, 0, 0];
      for (const at of sorted) {
        if (isOwn(at)) missed++;
        else wrong++;
        const jaccard = 1 - (all - missed) / (all + wrong);
        losses[s * classes + c] = (losses[s * classes + c] ?? 0) +
          error(at) * (jaccard - before);
        gradient[at * classes + c] = (isOwn(at) ? -1 : 1) * (jaccard - before);
        before = jaccard;
      }
    }
  }
  return { losses, gradient };
}

const SIZES: readonly Sizes[] = [
  { segments: 1, pixels: 1, classes: 3 },
  { segments: 3, pixels: 63, classes: 2 },
  { segments: 2, pixels: 1025, classes: 5 },
  { segments: 1, pixels: 3000, classes: 3 },
];

onEachBackend("lovaszExtension() is its definition, of equal errors too", async () => {
  for (const sizes of SIZES) {
    const { segments, pixels, classes } = sizes;
    const host = drawn(sizes);
    const expected = byDefinition(host, sizes);
    const labels = tf.tensor2d(host.labels, [segments, pixels], "int32");
    const probabilities = tf.tensor3d(host.probabilities, [segments, pixels, classes]);
    // All classes at once, and two in a round.
    for (const roundPairs of [undefined, 2 * segments * pixels]) {
      const f = (p: tf.Tensor) => lovaszExtension(p, labels, false, roundPairs);
      const before = tf.memory().numTensors;
      const losses = f(probabilities);
      assert.equal(tf.memory().numTensors, before + 1);
      const gradient = tf.grad(f)(probabilities);
      const what = `${pixels} pixels, ${roundPairs}`;
      await assertClose(tf.reshape(losses, [-1]), expected.losses, 2e-6, what);
      await assertClose(tf.reshape(gradient, [-1]), expected.gradient, 1e-6, what);
    }
  }
});

onEachBackend("lovaszExtension() has the same bits every time", async () => {
  const sizes = { segments: 1, pixels: 2500, classes: 3 };
  const { probabilities, labels } = drawn(sizes);
  const run = async () => {
    const p = tf.tensor3d(probabilities, [1, 2500, 3]);
    const y = tf.tensor2d(labels, [1, 2500], "int32");
    const { value, grad } = tf.valueAndGrad((p) =>
      tf.sum(lovaszExtension(p, y, true)) as tf.Scalar
    )(p);
    return [await readBack(value), await readBack(grad)];
  };
  const [first, second] = [await run(), await run()];
  first.forEach((values, i) =>
    assert.ok(values.every((one, j) => one === second[i]?.[j]))
  );
});

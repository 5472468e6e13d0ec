// Our backpropagation along the tape against that of tfjs.
import assert from "node:assert/strict";
import { valueAndGradients } from "../../src/core/backward.ts";
import { readBack } from "../../src/core/backend.ts";
import { measurePeakBytes } from "../support/peak_bytes.ts";
import * as tf from "../../src/core/tf.ts";
import { onEachBackend, randomTensor, tensorsKeptBy } from "../support/mod.ts";

const lossOf = (x: tf.Tensor, w: tf.Tensor) => {
  const y = tf.relu(tf.mul(x, w));
  const z = tf.add(tf.mul(y, y), x); // uses that have to be added up
  return tf.sum<tf.Scalar>(tf.mul(z, tf.add(z, y)));
};

const assertSame = async (a: tf.Tensor | undefined, b: tf.Tensor | undefined) =>
  assert.deepEqual(
    await readBack(a ?? assert.fail()),
    await readBack(b ?? assert.fail()),
  );

onEachBackend("valueAndGradients() equals tfjs bit for bit", async () => {
  const [x, w] = [randomTensor([4, 6], "x"), randomTensor([6], "w")];
  const expected = tf.grads((x, w) => lossOf(x as tf.Tensor, w as tf.Tensor))([x, w]);
  const { value, grads } = valueAndGradients(() => lossOf(x, w), [x, w]);
  await assertSame(value, lossOf(x, w));
  for (const [i, gradient] of expected.entries()) await assertSame(grads[i], gradient);
});

onEachBackend(
  "valueAndGradients() has no gradient for an unused input and leaks no tensors",
  () => {
    const [x, w] = [randomTensor([4, 6], "x"), randomTensor([6], "w")];
    const unused = tf.zeros([2]);
    const keptCount = tensorsKeptBy(() => {
      const { value, grads } = valueAndGradients(() => lossOf(x, w), [x, w, unused]);
      assert.equal(grads[2], undefined);
      tf.dispose([value, ...grads.filter((gradient) => gradient !== undefined)]);
    });
    assert.equal(keptCount, 0);
  },
);

onEachBackend(
  "valueAndGradients() may run within the backward pass of another",
  async () => {
    const x = randomTensor([4, 6], "x");
    const cube = (x: tf.Tensor) => tf.mul(x, tf.mul(x, x));
    const nested = (x: tf.Tensor) =>
      tf.differentiable({ x }, (save) => {
        save([x]);
        return cube(x);
      }, (dy, [x]) => {
        const { grads } = valueAndGradients(
          () => cube(x as tf.Tensor),
          [x as tf.Tensor],
          dy,
        );
        return { x: () => grads[0] ?? assert.fail() };
      });
    const loss = (f: (x: tf.Tensor) => tf.Tensor) => tf.sum(tf.mul(f(x), x));
    const expected = valueAndGradients(() => loss(cube), [x]).grads[0];
    await assertSame(valueAndGradients(() => loss(nested), [x]).grads[0], expected);
    // Within tfjs's backward pass, too.
    const outer = tf.grad((x) => tf.sum(tf.mul(nested(x as tf.Tensor), x as tf.Tensor)));
    await assertSame(outer(x), expected);
  },
);

onEachBackend("valueAndGradients() frees intermediate gradients of a long chain", () => {
  const x = randomTensor([1000], "x");
  const LENGTH = 20;
  const run = (differentiate: (f: () => tf.Scalar) => void) => () =>
    tf.tidy(() =>
      differentiate(() => {
        let y: tf.Tensor = x;
        for (let i = 0; i < LENGTH; i++) y = tf.mul(y, y);
        return tf.sum<tf.Scalar>(y);
      })
    );
  const peak = measurePeakBytes(run((f) => void valueAndGradients(f, [x])));
  assert.ok(peak <= (LENGTH + 8) * 4000, `${peak} bytes`);
});

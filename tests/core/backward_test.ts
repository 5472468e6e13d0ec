// Our walk back along the tape against that of tfjs.
import assert from "node:assert/strict";
import { gradients } from "../../src/core/backward.ts";
import { readBack } from "../../src/core/backend.ts";
import { peakBytesOf } from "../../src/core/live_bytes.ts";
import * as tf from "../../src/core/tf.ts";
import { onEachBackend, randomTensor, tensorsKeptBy } from "../support/mod.ts";

const maps = (x: tf.Tensor, w: tf.Tensor) => {
  const y = tf.relu(tf.mul(x, w));
  const z = tf.add(tf.mul(y, y), x); // uses that have to be added up
  return tf.sum<tf.Scalar>(tf.mul(z, tf.add(z, y)));
};

const assertSame = async (a: tf.Tensor | undefined, b: tf.Tensor | undefined) =>
  assert.deepEqual(
    await readBack(a ?? assert.fail()),
    await readBack(b ?? assert.fail()),
  );

onEachBackend("gradients are those of tfjs, bit for bit", async () => {
  const [x, w] = [randomTensor([4, 6], "x"), randomTensor([6], "w")];
  const expected = tf.grads((x, w) => maps(x as tf.Tensor, w as tf.Tensor))([x, w]);
  const { value, grads } = gradients(() => maps(x, w), [x, w]);
  await assertSame(value, maps(x, w));
  for (const [i, one] of expected.entries()) await assertSame(grads[i], one);
});

onEachBackend("what nothing depends on has no gradient, and nothing is left", () => {
  const [x, w] = [randomTensor([4, 6], "x"), randomTensor([6], "w")];
  const other = tf.zeros([2]);
  const kept = tensorsKeptBy(() => {
    const { value, grads } = gradients(() => maps(x, w), [x, w, other]);
    assert.equal(grads[2], undefined);
    tf.dispose([value, ...grads.filter((one) => one !== undefined)]);
  });
  assert.equal(kept, 0);
});

onEachBackend("a gradient may be taken on the way back of another", async () => {
  const x = randomTensor([4, 6], "x");
  const cube = (x: tf.Tensor) => tf.mul(x, tf.mul(x, x));
  const inside = (x: tf.Tensor) =>
    tf.differentiable({ x }, (save) => {
      save([x]);
      return cube(x);
    }, (dy, [x]) => {
      const { grads } = gradients(() => cube(x as tf.Tensor), [x as tf.Tensor], dy);
      return { x: () => grads[0] ?? assert.fail() };
    });
  const loss = (f: (x: tf.Tensor) => tf.Tensor) => tf.sum(tf.mul(f(x), x));
  const expected = gradients(() => loss(cube), [x]).grads[0];
  await assertSame(gradients(() => loss(inside), [x]).grads[0], expected);
  // Inside of tfjs's own walk, too.
  const outer = tf.grad((x) => tf.sum(tf.mul(inside(x as tf.Tensor), x as tf.Tensor)));
  await assertSame(outer(x), expected);
});

onEachBackend("a long chain of maps needs no memory for the gradients between", () => {
  const x = randomTensor([1000], "x");
  const LENGTH = 20;
  const run = (through: (f: () => tf.Scalar) => void) => () =>
    tf.tidy(() =>
      through(() => {
        let y: tf.Tensor = x;
        for (let i = 0; i < LENGTH; i++) y = tf.mul(y, y);
        return tf.sum<tf.Scalar>(y);
      })
    );
  const peak = peakBytesOf(run((f) => void gradients(f, [x])));
  assert.ok(peak <= (LENGTH + 8) * 4000, `${peak} bytes`);
});

// A teacher of one number per class that says, of every pixel, the class whose number is
// nearest to its colour.
import assert from "node:assert/strict";
import { readBack } from "../../src/core/backend.ts";
import type { Batch } from "../../src/core/batch.ts";
import type { Network, Weights } from "../../src/core/network.ts";
import * as tf from "../../src/core/tf.ts";
import {
  releaseOpinion,
  teacherOpinions,
  trusted,
} from "../../src/methods/teacher_opinion.ts";
import { assertClose, onEachBackend } from "../support/mod.ts";

const network = {
  decoder: {},
  forward(weights: Weights, images: tf.Tensor4D) {
    const numbers = weights.get("numbers") ?? assert.fail();
    const red = tf.slice(images, [0, 0, 0, 0], [...images.shape.slice(0, 3), 1]);
    const logits = tf.neg(tf.square(tf.sub(red, numbers))) as tf.Tensor4D;
    return { features: [], logits, sides: [] };
  },
} as unknown as Network; // nothing else is asked

const teacher = (...numbers: number[]): Weights =>
  new Map([["numbers", tf.tensor1d(numbers)]]);
const batchOf = (...red: number[]): Batch => {
  const images = tf.tensor4d(red.flatMap((one) => [one, 0, 0]), [1, 1, red.length, 3]);
  return { target: { images } } as unknown as Batch;
};
const OPTIONS = { threshold: 0, ignorePadding: false, compared: true };

onEachBackend("a teacher labels what lies around an image only if told to", async () => {
  const batch = batchOf(1, 0, 3);
  for (
    const [ignorePadding, expected] of [[true, [0, 255, 1]], [false, [0, 0, 1]]] as const
  ) {
    const opinions = teacherOpinions(network, { ...OPTIONS, ignorePadding });
    const opinion = opinions.label(teacher(1, 3), batch);
    assert.deepEqual([...await readBack(opinion.labels)], expected);
    releaseOpinion(opinion);
    opinions.forget();
  }
});

onEachBackend("opinions are compared with the last one, and used once", async () => {
  const batch = batchOf(1, 1.6, 3, 4);
  const opinions = teacherOpinions(network, OPTIONS);
  assert.throws(
    () => opinions.agreement(teacher(1, 3), batch),
    /^RangeError: Cannot compare a teacher's opinion: it is the first one$/,
  );
  opinions.forget();
  releaseOpinion(opinions.label(teacher(1, 3), batch)); // 0 0 1 1
  await assertClose(opinions.agreement(teacher(1, 2), batch), [3 / 4], 1e-6); // 0 1 1 1
  await assertClose(opinions.agreement(teacher(1, 4), batch), [3 / 4], 1e-6); // 0 0 1 1
  const last = opinions.label(teacher(9, 1), batch);
  assert.deepEqual([...await readBack(last.labels)], [0, 0, 1, 1], "not asked again");
  releaseOpinion(last);
  const fresh = opinions.label(teacher(9, 1), batch);
  assert.deepEqual([...await readBack(fresh.labels)], [1, 1, 1, 1]);
  releaseOpinion(fresh);
  opinions.forget();
});

onEachBackend("what is not confident is not told", async () => {
  const opinions = teacherOpinions(network, { ...OPTIONS, threshold: 0.9 });
  const opinion = opinions.label(teacher(1, 3), batchOf(1, 1.9, 2.1, 3));
  assert.deepEqual([...await readBack(trusted(opinion, 0.9))], [0, 255, 255, 1]);
  await assertClose(opinion.share, [2 / 4], 1e-6);
  releaseOpinion(opinion);
  opinions.forget();
});

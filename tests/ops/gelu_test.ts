import * as tf from "../../src/core/tf.ts";
import { gelu } from "../../src/ops/gelu/gelu.ts";
import {
  assertClose,
  assertGradients,
  onEachBackend,
  randomTensor,
} from "../support/mod.ts";

onEachBackend("gelu() equals x · Φ(x)", async () => {
  const x = [-30, -4, -1, -0.1, 0, 0.5, 1, 3, 30];
  // Φ from tables, to ten digits.
  const below = [
    0,
    0.0000316712,
    0.1586552539,
    0.4601721627,
    0.5,
    0.6914624613,
    0.8413447461,
    0.9986501020,
    1,
  ];
  const expected = x.map((value, i) => value * (below[i] ?? 0));
  await assertClose(gelu(tf.tensor1d(x)), expected, 1e-7);
});

onEachBackend("gelu() matches finite-difference gradients", async () => {
  await assertGradients((x) => gelu(x as tf.Tensor), [randomTensor<tf.Rank.R2>([7, 13])]);
});

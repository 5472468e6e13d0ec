// Every shader against its plain twin: on wasm the twin is what runs. Sizes around the
// workgroup of 64 invocations, and one beyond the 65,535 workgroups of an axis.
import { openBackend, readBack } from "../../src/core/backend.ts";
import * as tf from "../../src/core/tf.ts";
import * as batchNorm from "../../src/kernels/batch_norm/mod.ts";
import { columnSum } from "../../src/kernels/column_sum/mod.ts";
import {
  crossEntropy,
  crossEntropyGradient,
} from "../../src/kernels/cross_entropy/mod.ts";
import { dropout } from "../../src/kernels/dropout/mod.ts";
import { gelu, geluGradient } from "../../src/kernels/gelu/mod.ts";
import * as layerNorm from "../../src/kernels/layer_norm/mod.ts";
import { adamw, blend, sgd } from "../../src/ops/in_place.ts";
import { assertClose, onEachBackend, randomTensor } from "../support/mod.ts";

const SIZES = [1, 63, 64, 65];
const COLUMNS = 5;
const TOLERANCE = 2e-6;
const KEY = { seed: 1, stream: 2, iteration: 3 };

const matrix = (rows: number, name: string) =>
  randomTensor<tf.Rank.R2>([rows, COLUMNS], name);
const row = (name: string) => randomTensor<tf.Rank.R1>([COLUMNS], name);
const moments = () => ({
  mean: row("mean"),
  variance: tf.add(tf.abs(row("variance")), 0.1),
});
const labels = (rows: number) =>
  tf.tensor1d(Int32Array.from({ length: rows }, (_, i) => i % 7 === 6 ? 255 : i % 5));

const KERNELS: Record<string, (n: number) => tf.Tensor | tf.Tensor[]> = {
  columnSum: (n) => columnSum(matrix(n, "x")),
  gelu: (n) => gelu(matrix(n, "x")),
  geluGradient: (n) => geluGradient(matrix(n, "x"), matrix(n, "dy")),
  layerNorm: (n) => layerNorm.layerNorm(matrix(n, "x"), row("scale"), row("shift"), 1e-6),
  layerNormInputGradient(n) {
    const x = matrix(n, "x");
    const [, seen] = layerNorm.layerNorm(x, row("scale"), row("shift"), 1e-6);
    return layerNorm.layerNormInputGradient(x, row("scale"), seen, matrix(n, "dy"));
  },
  layerNormScaleGradient(n) {
    const x = matrix(n, "x");
    const [, seen] = layerNorm.layerNorm(x, row("scale"), row("shift"), 1e-6);
    return layerNorm.layerNormScaleGradient(x, seen, matrix(n, "dy"));
  },
  batchNormMoments(n) {
    const { mean, variance } = batchNorm.moments(matrix(n, "x"));
    return [mean, variance];
  },
  batchNormNormalise: (n) =>
    batchNorm.normalise(matrix(n, "x"), moments(), row("scale"), row("shift"), 1e-5),
  batchNormScaleGradient: (n) =>
    batchNorm.scaleGradient(matrix(n, "x"), moments(), matrix(n, "dy"), 1e-5),
  batchNormInputGradient: (n) =>
    batchNorm.inputGradient(
      matrix(n, "x"),
      moments(),
      row("scale"),
      matrix(n, "dy"),
      [row("dscale"), row("dshift")],
      1e-5,
    ),
  crossEntropy: (n) => crossEntropy(matrix(n, "z"), tf.cast(labels(n), "int32")),
  crossEntropyGradient: (n) => {
    const dy = randomTensor<tf.Rank.R1>([n], "dy");
    return crossEntropyGradient(matrix(n, "z"), tf.cast(labels(n), "int32"), dy);
  },
  dropout: (n) =>
    dropout(matrix(n, "x"), { outer: 1, inner: 1, before: 7, ...KEY, rate: 0.3 }),
  adamw(n) {
    const [p, m] = [matrix(n, "p"), matrix(n, "m")];
    const v = tf.abs(matrix(n, "v"));
    const betas = { beta1: 0.9, beta2: 0.999, take1: 1 - 0.9, take2: 1 - 0.999 };
    const scalars = { decay: 1e-3, ...betas, step: 1e-2, correction: 1.5, epsilon: 1e-8 };
    adamw(matrix(n, "g"), p, [m, v], scalars);
    return [p, m, v];
  },
  sgd(n) {
    const [p, b] = [matrix(n, "p"), matrix(n, "b")];
    sgd(matrix(n, "g"), p, b, { rate: 0.1, momentum: 0.9, decay: 1e-4 });
    return [p, b];
  },
  blend(n) {
    const target = matrix(n, "target");
    blend(target, matrix(n, "source"), 0.999);
    return target;
  },
};

for (const [name, run] of Object.entries(KERNELS)) {
  onEachBackend(`the shader of ${name} agrees with its twin`, async (backend) => {
    for (const n of SIZES) {
      const results = async () => await Promise.all([run(n)].flat().map(readBack));
      const found = await results();
      await openBackend("wasm");
      const expected = await results();
      await openBackend(backend);
      for (const [i, values] of found.entries()) {
        await assertClose(values, expected[i] ?? [], TOLERANCE, `${name} of ${n} rows`);
      }
    }
  });
}

onEachBackend("a kernel reaches every element beyond the limit of one axis", async () => {
  // 65,535 workgroups of 64 are 4,194,240 invocations; 2²³ need a second row of groups.
  const x = tf.fill([2 ** 23], 2);
  const average = tf.zeros([2 ** 23]);
  blend(average, x, 0.5);
  const [least, largest] = [tf.min(average), tf.max(average)];
  await assertClose(tf.stack([least, largest]), [1, 1], 1e-6);
  tf.dispose([x, average, least, largest]);
});

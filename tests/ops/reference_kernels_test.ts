// Every kind of kernel against its CPU reference, which is what wasm runs. Sizes around the
// workgroup of 64 invocations, and one beyond the 65,535 workgroups of an axis.
import { openBackend, readBack } from "../../src/core/backend.ts";
import * as tf from "../../src/core/tf.ts";
import { batchMoments, batchNorm } from "../../src/ops/batch_norm/batch_norm.ts";
import { softmaxCrossEntropy } from "../../src/ops/cross_entropy/cross_entropy.ts";
import { dropout } from "../../src/ops/dropout/dropout.ts";
import { gelu } from "../../src/ops/gelu/gelu.ts";
import { adamw, lerp, sgd } from "../../src/ops/in_place/in_place.ts";
import { layerNorm } from "../../src/ops/layer_norm/layer_norm.ts";
import { relu6 } from "../../src/ops/relu/relu6.ts";
import { columnSum } from "../../src/ops/sums/sums.ts";
import { assertClose, onEachBackend, randomTensor } from "../support/mod.ts";

const SIZES = [1, 63, 64, 65];
const COLUMNS = 5;
const TOLERANCE = 2e-6;
const KEY = { seed: 1, stream: 2, iteration: 3 };

const matrix = (rows: number, name: string) =>
  randomTensor<tf.Rank.R2>([rows, COLUMNS], name);
const row = (name: string) => randomTensor<tf.Rank.R1>([COLUMNS], name);
const labels = (rows: number) =>
  tf.tensor1d(
    Int32Array.from({ length: rows }, (_, i) => i % 7 === 6 ? 255 : i % 5),
    "int32",
  );

/** The result and the gradients by all inputs. */
function withGradients(f: (...inputs: tf.Tensor[]) => tf.Tensor, inputs: tf.Tensor[]) {
  const y = f(...inputs);
  const dy = randomTensor(y.shape as tf.ShapeMap[tf.Rank], "dy");
  return [y, ...tf.grads(f)(inputs, dy)];
}

type Three = [tf.Tensor, tf.Tensor, tf.Tensor];

const KERNELS: Record<string, (n: number) => tf.Tensor | tf.Tensor[]> = {
  columnSum: (n) => columnSum(matrix(n, "x")),
  gelu: (n) => withGradients((x) => gelu(x as tf.Tensor), [matrix(n, "x")]),
  relu6: (n) => withGradients((x) => relu6(x as tf.Tensor), [tf.mul(matrix(n, "x"), 5)]),
  layerNorm: (n) =>
    withGradients(
      (...inputs) => layerNorm(...inputs as Three, 1e-6),
      [matrix(n, "x"), row("scale"), row("shift")],
    ),
  batchMoments(n) {
    const { mean, variance } = batchMoments(matrix(n, "x"));
    return [mean, variance];
  },
  batchNorm(n) {
    const moments = { mean: row("mean"), variance: tf.add(tf.abs(row("variance")), 0.1) };
    return withGradients((...inputs) => {
      const [x, scale, shift] = inputs as Three;
      return batchNorm(x, { scale, shift, epsilon: 1e-5 }, moments);
    }, [matrix(n, "x"), row("scale"), row("shift")]);
  },
  softmaxCrossEntropy: (n) =>
    withGradients((z) => softmaxCrossEntropy(z as tf.Tensor, labels(n)), [
      matrix(n, "z"),
    ]),
  dropout: (n) => dropout(matrix(n, "x"), 0.3, "element", { ...KEY, sampleOffset: 7 }),
  adamw(n) {
    const [p, m] = [matrix(n, "p"), matrix(n, "m")];
    const v = tf.abs(matrix(n, "v"));
    const betas = {
      beta1: 0.9,
      beta2: 0.999,
      oneMinusBeta1: 1 - 0.9,
      oneMinusBeta2: 1 - 0.999,
    };
    const scalars = {
      ...betas,
      weightDecayStep: 1e-3,
      stepSize: 1e-2,
      biasCorrection: 1.5,
      epsilon: 1e-8,
    };
    adamw(matrix(n, "g"), p, [m, v], scalars);
    return [p, m, v];
  },
  sgd(n) {
    const [p, b] = [matrix(n, "p"), matrix(n, "b")];
    sgd(matrix(n, "g"), p, b, { learningRate: 0.1, momentum: 0.9, weightDecay: 1e-4 });
    return [p, b];
  },
  lerp(n) {
    const target = matrix(n, "target");
    lerp(target, matrix(n, "source"), 0.999);
    return target;
  },
};

for (const [name, run] of Object.entries(KERNELS)) {
  onEachBackend(`${name}() matches its CPU reference`, async (backend) => {
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

onEachBackend("lerp() updates every element beyond 65,535 workgroups", async () => {
  // 65,535 workgroups of 64 are 4,194,240 invocations; 2²³ need a second row of groups.
  const x = tf.fill([2 ** 23], 2);
  const average = tf.zeros([2 ** 23]);
  lerp(average, x, 0.5);
  const [minimum, maximum] = [tf.min(average), tf.max(average)];
  await assertClose(tf.stack([minimum, maximum]), [1, 1], 1e-6);
  tf.dispose([x, average, minimum, maximum]);
});

import * as tf from "../../src/core/tf.ts";
import {
  adamw,
  lerp,
  multiTensorAdamWFutures,
  multiTensorSgdFutures,
  sgd,
} from "../../src/ops/in_place/in_place.ts";
import { randomTensor, testWasmKernels } from "../support/mod.ts";

function bySize(compute: (of: (name: string) => tf.Tensor1D) => tf.Tensor[]) {
  return Object.fromEntries([1, 2, 3, 4, 4095, 4097].map((n) => [
    `${n} elements`,
    () => compute((name) => randomTensor<tf.Rank.R1>([n], name)),
  ]));
}

testWasmKernels(
  "adamw",
  bySize((of) => {
    const [p, m, v] = [of("p"), of("m"), tf.abs(of("v"))];
    adamw(of("g"), p, [m, v], {
      weightDecayStep: 1e-3,
      beta1: 0.9,
      beta2: 0.999,
      oneMinusBeta1: 1 - 0.9,
      oneMinusBeta2: 1 - 0.999,
      stepSize: 1e-2,
      biasCorrection: 1.5,
      epsilon: 1e-8,
    });
    return [p, m, v];
  }),
  3e-7,
);

testWasmKernels(
  "sgd",
  bySize((of) => {
    const [p, b] = [of("p"), of("b")];
    sgd(of("g"), p, b, { learningRate: 0.1, momentum: 0.9, weightDecay: 1e-4 });
    return [p, b];
  }),
  3e-7,
);

testWasmKernels(
  "lerp",
  bySize((of) =>
    [0.999, 0].map((decay) => {
      const target = of("target");
      lerp(target, of("source"), decay);
      return target;
    })
  ),
  3e-7,
);

testWasmKernels(
  "futures",
  bySize((of) =>
    [0.9, 0].flatMap((decay) => {
      const entry = (name: string) => ({
        ...{ average: of(`average by ${name}`), parameter: of("p"), first: of("m") },
        shift: 0.1,
      });
      const [byAdamW, bySgd] = [entry("AdamW"), entry("SGD")];
      const shared = { decay, oneMinusDecay: 1 - decay };
      const root = { biasCorrection: 1.5, epsilon: 0.01 };
      const second = tf.abs(of("v"));
      multiTensorAdamWFutures([{ ...byAdamW, second }], { ...shared, ...root });
      multiTensorSgdFutures([{ ...bySgd, second: null }], shared);
      return [byAdamW.average, bySgd.average];
    })
  ),
  3e-7,
);

/** Golden files of optimizers: a few steps of one parameter. @module */
import type { Parameter, Weights } from "../../../src/core/network.ts";
import * as tf from "../../../src/core/tf.ts";
import * as z from "../../../src/core/zod.ts";
import { sgd } from "../../../src/ops/in_place/in_place.ts";
import { adamwStep } from "../../../src/optim/optimizer.ts";
import type { CheckResult } from "../../../src/doctor/check.ts";
import type { Golden } from "../golden_file.ts";
import { compareTensor, failedCheck, withNote } from "./compare.ts";
import { orderedTensor, sidecarValue, valuesOf } from "./vector_file.ts";

const Optimizers = z.array(z.object({ name: z.string(), what: z.string() })).default([]);

// What the golden asks of parameters, plus 1e-5 of the rate. Of moments it asks nothing;
// 1 − β₂ is off by 1.3e-5 where it is taken in float32.
const PARAMETER_TOLERANCE = { relative: 1e-6 };
const LEARNING_RATE_SHARE = 1e-5;
const MOMENT_TOLERANCE = { relative: 1e-6 };

/** A parameter with its optimizer, ready to take gradients. */
interface OptimizerRun {
  readonly learningRate: number;
  readonly value: tf.Tensor;
  /** Moments by their name in the golden. */
  readonly state: Readonly<Record<string, tf.Tensor>>;
  step(gradient: tf.Tensor): void;
}

/** Verifies every optimizer of the file. */
export async function verifyOptimizers(golden: Golden): Promise<CheckResult[]> {
  const results: CheckResult[] = [];
  for (const { name, what } of sidecarValue(golden, "optimizers", Optimizers)) {
    results.push(...await verifyOptimizer(golden, name, what));
  }
  return results;
}

async function verifyOptimizer(
  golden: Golden,
  name: string,
  description: string,
): Promise<CheckResult[]> {
  const statedRate = optimizerSetting(description, "lr");
  const learningRate = statedRate ?? inferLearningRate(golden, name);
  const run = startOptimizer(
    orderedTensor(golden, `input/${name}/param`),
    description,
    learningRate,
  );
  if (run === null) {
    return [failedCheck(name, `the optimizer "${description}" is unknown`)];
  }
  const { value, state, step } = run;
  const tolerance = {
    ...PARAMETER_TOLERANCE,
    absolute: LEARNING_RATE_SHARE * learningRate,
  };
  const results: CheckResult[] = [];
  for (let i = 0; golden.tensors.has(`input/${name}/grad${i}`); i++) {
    const gradient = orderedTensor(golden, `input/${name}/grad${i}`, null);
    step(gradient);
    gradient.dispose();
    const path = `output/${name}/param_after${i}`;
    // A copy, because comparing releases it and the next step writes into the original.
    const current = tf.tidy(() => tf.add(value, 0));
    const result = await compareTensor(path, current, valuesOf(golden, path), tolerance);
    const note =
      `the golden states no learning rate; ${learningRate} was inferred from its first step`;
    results.push(statedRate === null ? withNote(result, note) : result);
  }
  for (const [key, tensor] of Object.entries(state)) {
    const path = `output/${name}/${key}`;
    const result = await compareTensor(
      path,
      tensor,
      valuesOf(golden, path),
      MOMENT_TOLERANCE,
    );
    results.push(withNote(result, "the golden gives no tolerance for moments"));
  }
  value.dispose();
  return results;
}

// Settings are spelled as in "AdamW betas 0.8 0.95 eps 1e-6 wd 0.1".
function optimizerSetting(description: string, key: string, index = 1): number | null {
  const match = new RegExp(`\\b${key} (\\S+)(?: (\\S+))?`).exec(description);
  return match === null ? null : Number(match[index]);
}

// One golden names no rate. The first step of AdamW changes a parameter by about the rate,
// whatever the gradient.
function inferLearningRate(golden: Golden, name: string): number {
  const before = valuesOf(golden, `input/${name}/param`);
  const after = valuesOf(golden, `output/${name}/param_after0`);
  const changes = Array.from(before, (p, i) => Math.abs(p - (after[i] ?? NaN)));
  const median = changes.toSorted((a, b) => a - b)[changes.length >> 1] ?? NaN;
  return Number(median.toPrecision(1));
}

function startOptimizer(
  value: tf.Tensor,
  description: string,
  learningRate: number,
): OptimizerRun | null {
  if (description.startsWith("AdamW")) {
    // The other defaults are PyTorch's.
    return startAdamW(value, learningRate, {
      betas: [
        optimizerSetting(description, "betas") ?? 0.9,
        optimizerSetting(description, "betas", 2) ?? 0.999,
      ],
      eps: optimizerSetting(description, "eps") ?? 1e-8,
      weightDecay: optimizerSetting(description, "wd") ?? 0.01,
      headLrMultiplier: 1,
    });
  }
  if (description.startsWith("SGD")) {
    const buffer = tf.zerosLike(value);
    const momentum = optimizerSetting(description, "momentum") ?? 0;
    const scalars = {
      learningRate,
      momentum,
      weightDecay: optimizerSetting(description, "wd") ?? 0,
    };
    const step = (gradient: tf.Tensor) => sgd(gradient, value, buffer, scalars);
    return { learningRate, value, state: { state_momentum_buffer: buffer }, step };
  }
  value.dispose();
  return null;
}

function startAdamW(
  value: tf.Tensor,
  learningRate: number,
  options: Parameters<typeof adamwStep>[5],
): OptimizerRun {
  const parameter: Parameter = {
    name: "weight",
    shape: value.shape,
    layout: "plain",
    initializer: { kind: "constant", value: 0 },
    trainable: true,
  };
  const named = (tensor: tf.Tensor): Weights => new Map([[parameter.name, tensor]]);
  const [first, second] = [tf.zerosLike(value), tf.zerosLike(value)];
  const moments = { steps: 0, first: named(first), second: named(second) };
  return {
    learningRate,
    value,
    state: { state_exp_avg: first, state_exp_avg_sq: second },
    step: (gradient) =>
      adamwStep(
        [parameter],
        named(value),
        moments,
        named(gradient),
        learningRate,
        options,
      ),
  };
}

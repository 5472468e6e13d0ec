/** Golden files of optimizers: a few steps of one parameter. @module */
import type { Parameter, Weights } from "../../core/network.ts";
import * as tf from "../../core/tf.ts";
import { z } from "../../core/zod.ts";
import { sgd } from "../../ops/in_place.ts";
import { adamwStep } from "../../optim/adamw.ts";
import type { CheckResult } from "../check.ts";
import type { Golden } from "../golden_file.ts";
import { compareTensor, unknown, withNote } from "./compare.ts";
import { orderedTensor, partOf, valuesOf } from "./vector_file.ts";

const Optimizers = z.array(z.object({ name: z.string(), what: z.string() })).default([]);

// What the golden asks of parameters, plus 1e-5 of the rate. Of moments it asks nothing;
// 1 − β₂ is off by 1.3e-5 where it is taken in float32.
const PARAMETERS = { relative: 1e-6 };
const RATE_SHARE = 1e-5;
const MOMENTS = { relative: 1e-6 };

/** A parameter with its optimizer, ready to take gradients. */
interface Optimization {
  readonly rate: number;
  readonly value: tf.Tensor;
  /** Moments by their name in the golden. */
  readonly state: Readonly<Record<string, tf.Tensor>>;
  step(gradient: tf.Tensor): void;
}

/** Verifies every optimizer of the file. */
export async function verifyOptimizers(golden: Golden): Promise<CheckResult[]> {
  const results: CheckResult[] = [];
  for (const { name, what } of partOf(golden, "optimizers", Optimizers)) {
    results.push(...await verifyOptimizer(golden, name, what));
  }
  return results;
}

async function verifyOptimizer(
  golden: Golden,
  name: string,
  what: string,
): Promise<CheckResult[]> {
  const said = settingOf(what, "lr");
  const rate = said ?? rateOf(golden, name);
  const optimization = begin(orderedTensor(golden, `input/${name}/param`), what, rate);
  if (optimization === null) return [unknown(name, `the optimizer "${what}" is unknown`)];
  const { value, state, step } = optimization;
  const tolerance = { ...PARAMETERS, absolute: RATE_SHARE * rate };
  const results: CheckResult[] = [];
  for (let i = 0; golden.tensors.has(`input/${name}/grad${i}`); i++) {
    const gradient = orderedTensor(golden, `input/${name}/grad${i}`, null);
    step(gradient);
    gradient.dispose();
    const path = `output/${name}/param_after${i}`;
    // A copy, because comparing releases it and the next step writes into the original.
    const now = tf.tidy(() => tf.add(value, 0));
    const result = await compareTensor(path, now, valuesOf(golden, path), tolerance);
    const inferred = `the golden names no rate, its first step was taken with ${rate}`;
    results.push(said === null ? withNote(result, inferred) : result);
  }
  for (const [key, tensor] of Object.entries(state)) {
    const path = `output/${name}/${key}`;
    const result = await compareTensor(path, tensor, valuesOf(golden, path), MOMENTS);
    results.push(withNote(result, "the golden gives no tolerance for moments"));
  }
  value.dispose();
  return results;
}

// Settings are spelled as in "AdamW betas 0.8 0.95 eps 1e-6 wd 0.1".
function settingOf(what: string, key: string, place = 1): number | null {
  const match = new RegExp(`\\b${key} (\\S+)(?: (\\S+))?`).exec(what);
  return match === null ? null : Number(match[place]);
}

// One golden names no rate. The first step of AdamW changes a parameter by about the rate,
// whatever the gradient.
function rateOf(golden: Golden, name: string): number {
  const before = valuesOf(golden, `input/${name}/param`);
  const after = valuesOf(golden, `output/${name}/param_after0`);
  const changes = Array.from(before, (p, i) => Math.abs(p - (after[i] ?? NaN)));
  const middle = changes.toSorted((a, b) => a - b)[changes.length >> 1] ?? NaN;
  return Number(middle.toPrecision(1));
}

function begin(value: tf.Tensor, what: string, rate: number): Optimization | null {
  if (what.startsWith("AdamW")) {
    // The other defaults are PyTorch's.
    return beginAdamW(value, rate, {
      betas: [settingOf(what, "betas") ?? 0.9, settingOf(what, "betas", 2) ?? 0.999],
      epsilon: settingOf(what, "eps") ?? 1e-8,
      weightDecay: settingOf(what, "wd") ?? 0.01,
      headFactor: 1,
    });
  }
  if (what.startsWith("SGD")) {
    const buffer = tf.zerosLike(value);
    const momentum = settingOf(what, "momentum") ?? 0;
    const scalars = { rate, momentum, decay: settingOf(what, "wd") ?? 0 };
    const step = (gradient: tf.Tensor) => sgd(gradient, value, buffer, scalars);
    return { rate, value, state: { state_momentum_buffer: buffer }, step };
  }
  value.dispose();
  return null;
}

function beginAdamW(
  value: tf.Tensor,
  rate: number,
  options: Parameters<typeof adamwStep>[5],
): Optimization {
  const parameter: Parameter = {
    name: "weight",
    shape: value.shape,
    layout: "plain",
    initial: { kind: "constant", value: 0 },
    trained: true,
  };
  const named = (tensor: tf.Tensor): Weights => new Map([[parameter.name, tensor]]);
  const [first, second] = [tf.zerosLike(value), tf.zerosLike(value)];
  const moments = { steps: 0, first: named(first), second: named(second) };
  return {
    rate,
    value,
    state: { state_exp_avg: first, state_exp_avg_sq: second },
    step: (gradient) =>
      adamwStep([parameter], named(value), moments, named(gradient), rate, options),
  };
}

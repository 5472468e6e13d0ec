// Clipped gradients and rates by parameter, against PyTorch 2.13 (clip_grad_norm_, AdamW and
// SGD with a group per parameter).
import assert from "node:assert/strict";
import type { Parameter } from "../../src/core/network.ts";
import * as tf from "../../src/core/tf.ts";
import { clipGradient } from "../../src/optim/clip_gradient.ts";
import { adamwStep, sgdStep } from "../../src/optim/optimizer.ts";
import { assertClose, onEachBackend } from "../support/mod.ts";

const SIZES: Readonly<Record<string, number>> = {
  "backbone.conv.weight": 7,
  "backbone.norm.weight": 5,
  "backbone.late.weight": 70,
  "decode_head.conv.weight": 3,
};
const NAMES = Object.keys(SIZES);
const PARAMETERS = NAMES.map((name): Parameter => ({
  ...{ name, shape: [SIZES[name] ?? 0], layout: "plain", trainable: true },
  initializer: { kind: "constant", value: 0 },
}));
const LR_MULTIPLIERS = new Map([
  ["backbone.late.weight", 0.1],
  ["decode_head.conv.weight", 0.5],
]);

/** The same numbers as in PyTorch, exact in float32. */
const filled = (seed: number, scale = 1) =>
  new Map(PARAMETERS.map(({ name, shape: [size = 0] }, k) => [
    name,
    tf.tensor1d(Array.from(
      { length: size },
      (_, i) => scale * ((i * 37 + k * 11 + seed * 5) % 101 - 50) / 64,
    )),
  ]));
const zeros = () =>
  new Map(PARAMETERS.map(({ name, shape }) => [name, tf.zeros([...shape])]));

const NORMS = [4.197079658508301, 0.5196744203567505, 16.530038833618164];
/** The first three elements after three steps. */
const EXPECTED: Readonly<Record<"adamw" | "sgd", readonly (readonly number[])[]>> = {
  adamw: [
    [-0.20622709393501282, 0.3688811957836151, -0.6836425065994263],
    [-0.03480185195803642, 0.522456169128418, -0.5127063393592834],
    [0.1121038943529129, 0.6845463514328003, -0.3135845959186554],
    [0.41194748878479004, -0.8551062941551208, -0.0011387728154659271],
  ],
  sgd: [
    [-0.22221845388412476, 0.34521910548210144, -0.661043643951416],
    [-0.053691565990448, 0.5153626203536987, -0.49370822310447693],
    [0.10995545983314514, 0.6870113015174866, -0.3126676678657532],
    [0.2943407893180847, -0.7369111180305481, -0.08861201256513596],
  ],
};

for (const name of ["adamw", "sgd"] as const) {
  onEachBackend(
    `clipGradient() and rates by parameter equal PyTorch's, ${name}`,
    async () => {
      const weights = filled(7);
      const moments = { steps: 0, first: zeros(), second: zeros() };
      const shared = {
        ...{ weightDecay: 0.05, headLrMultiplier: 10 },
        lrMultipliers: LR_MULTIPLIERS,
      };
      for (const [step, scale] of [1, 0.125, 4].entries()) {
        const { gradient, norm } = clipGradient(filled(step, scale), 1.5);
        await assertClose(norm, [NORMS[step] ?? 0], 3e-6);
        if (name === "sgd") {
          const options = { ...shared, momentum: 0.9 };
          sgdStep(PARAMETERS, weights, moments, gradient, 0.01, options);
        } else {
          const options = { ...shared, betas: [0.9, 0.999] as const, eps: 1e-8 };
          adamwStep(PARAMETERS, weights, moments, gradient, 0.01, options);
        }
      }
      for (const [k, parameter] of NAMES.entries()) {
        const tensor = weights.get(parameter) ?? assert.fail();
        const first = tf.slice(tensor, [0], [3]);
        await assertClose(first, [...EXPECTED[name][k] ?? []], 1e-6, parameter);
      }
    },
  );
}

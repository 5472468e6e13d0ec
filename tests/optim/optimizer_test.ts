import assert from "node:assert/strict";
import type { Parameter } from "../../src/core/network.ts";
import * as tf from "../../src/core/tf.ts";
import { sgdStep } from "../../src/optim/optimizer.ts";
import { assertClose, onEachBackend } from "../support/mod.ts";

const parameter = (name: string): Parameter => ({
  ...{ name, shape: [1], layout: "plain", trainable: true },
  initializer: { kind: "constant", value: 0 },
});

for (const decayNorms of [false, true]) {
  onEachBackend(
    "sgdStep() applies its parameter groups and skips parameters without gradient" +
      (decayNorms ? ", and lets norms decay" : ""),
    () => assertGroups(decayNorms),
  );
}

async function assertGroups(decayNorms: boolean): Promise<void> {
  const names = [
    ...["encoder.conv", "encoder.norm", "encoder._bn0", "decoder.conv"],
    "decoder.unused",
  ];
  const isNorm = [false, true, true, false];
  const rates = [0.01, 0.01, 0.03, 0.1];
  const filled = (value: number) =>
    new Map(names.map((name) => [name, tf.tensor1d([value])]));
  const [weights, first] = [filled(2), filled(0)];
  const moments = { steps: 0, first, second: new Map() };
  const gradient = filled(1);
  gradient.delete("decoder.unused");
  const options = {
    ...{ momentum: 0.5, weightDecay: 0.1, headLrMultiplier: 10, decayNorms },
    lrMultipliers: new Map([["encoder._bn0", 3]]),
  };
  const expected = names.map(() => ({ p: 2, b: 0 }));
  for (let step = 1; step <= 2; step++) {
    sgdStep(names.map(parameter), weights, moments, gradient, 0.01, options);
    for (const [i, name] of names.entries()) {
      const reference = expected[i] ?? assert.fail();
      const rate = rates[i];
      if (rate !== undefined) {
        const decay = isNorm[i] && !decayNorms ? 0 : 0.1;
        reference.b = 0.5 * reference.b + 1 + decay * reference.p;
        reference.p -= rate * reference.b;
      }
      await assertClose(weights.get(name) ?? [], [reference.p], 1e-6, name);
      await assertClose(
        first.get(name) ?? [],
        [reference.b],
        1e-6,
        `momentum of ${name}`,
      );
    }
    assert.equal(moments.steps, step);
  }
}

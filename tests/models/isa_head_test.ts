import assert from "node:assert/strict";
import { EVAL_CONTEXT } from "../../src/core/network.ts";
import * as tf from "../../src/core/tf.ts";
import { initializeWeights, releaseWeights } from "../../src/core/weights.ts";
import { isaHead } from "../../src/models/isa_head.ts";
import { onEachBackend, randomTensor } from "../support/mod.ts";
import { assertFiniteGradients, TRAINING } from "../support/network_checks.ts";

const OPTIONS = { classes: 5, channels: 8, isaChannels: 6, downFactor: 4, dropout: 0.1 };
const tiny = () => isaHead("decode_head", [12, 16], OPTIONS);

// Smaller than downFactor, a multiple of it, and neither.
for (const [H, W] of [[1, 3], [8, 4], [5, 7]] as const) {
  onEachBackend(
    `isaHead() has finite gradients on maps of ${H}×${W} and leaks no tensors`,
    async () => {
      const head = tiny();
      const weights = initializeWeights(head.parameters, 1);
      const maps = [
        tf.zeros<tf.Rank.R4>([2, 1, 1, 12]),
        randomTensor<tf.Rank.R4>([2, H, W, 16]),
      ];
      await assertFiniteGradients(head.parameters, weights, () => {
        const logits = head.apply(weights, maps, TRAINING);
        assert.deepEqual(logits.shape, [2, H, W, OPTIONS.classes]);
        return tf.mean(tf.square(logits));
      });
      releaseWeights(weights);
      tf.dispose(maps);
    },
  );
}

Deno.test("isaHead() rejects maps of another encoder", () => {
  assert.throws(() => tiny().apply(new Map(), [], EVAL_CONTEXT), {
    name: "RangeError",
    message: /Cannot decode 0 maps.* built for 2/,
  });
});

// Runs with few labels go on bit for bit from within each of their phases, on WebGPU from
// recorded and replayed iterations too.
import assert from "node:assert/strict";
import { onEachBackend } from "../support/mod.ts";
import { assertResumes, configOf } from "./resuming.ts";
import { tinyNetwork } from "./tiny_network.ts";

const LOOK_AHEAD = "lookAhead: {depth: 2}";
const MASKED = "maskedConsistency: {}";

/** Each phase is long enough to be replayed. */
const PHASES = "supervisedOnlyIterations: 6, teacher: {copyIterations: 6, emaDecay: 0.9}";

/** Rules, and the iterations after which they crash. */
const METHODS: readonly [string, string, readonly number[]][] = [
  [
    "mean teacher",
    `{name: mean-teacher, perturbation: {name: cutmix}, ${LOOK_AHEAD}`,
    // Within labels alone, a shared teacher and one of its own, and between two of them.
    [2, 6, 8, 14],
  ],
  [
    "weak to strong with masked images",
    `{name: weak-to-strong, confidenceThreshold: 0.12, ${LOOK_AHEAD}, ${MASKED}`,
    [8, 14],
  ],
];

for (const [name, method, crashes] of METHODS) {
  onEachBackend(
    `${name}, depth 2, resumes bit for bit in each phase`,
    async (backend) => {
      const config = configOf(
        `${method}, ${PHASES}}`,
        "iterations=18",
        "logging.checkpointInterval=2",
        "data.batchSize=2",
        "optimizer={name: sgd, learningRate: 0.01}",
      );
      await assertResumes(config, backend, {
        crashes,
        constant: false,
        makeNetwork: tinyNetwork,
        seen(log, said) {
          const kept = log.map(({ losses }) =>
            losses.keptShare ?? losses.confidentShare ?? 0
          );
          assert.deepEqual(
            kept.map((share) => share > 0),
            kept.map((_, t) => t >= 6),
            `pseudo-labels count after the iterations with labels alone: ${kept}`,
          );
          if (backend === "wasm") return;
          const replayed = said.filter((line) => /^iterations are replayed/.test(line));
          assert.equal(replayed.length, 3, said.join("\n"));
        },
      });
    },
  );
}

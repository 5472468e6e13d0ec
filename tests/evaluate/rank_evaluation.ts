// Scores sets of pictures; as a program, with the ranks that mpirun has started, each into a
// file of a folder: lines of several would be mixed.
import { join } from "node:path";
import { openBackend } from "../../src/core/backend.ts";
import { initializeWeights } from "../../src/core/weights.ts";
import { openDataSet } from "../../src/data/open_data_set.ts";
import { openRanks } from "../../src/distributed/open_ranks.ts";
import { buildNetwork } from "../../src/evaluate/build_network.ts";
import { evaluate } from "../../src/evaluate/evaluate.ts";
import { tinyConfig } from "../support/commands.ts";

/** How many pictures there are: no multiple of a number of ranks, and fewer than ranks. */
const PICTURES = [5, 1];

/** What is counted on each of the sets, as JSON. */
export async function scoreSets(): Promise<string> {
  await openBackend("wasm");
  const { model, data: { normalization } } = tinyConfig();
  const results = [];
  for (const images of PICTURES) {
    const scenes = { domain: "worn", images, size: { height: 32, width: 48 } } as const;
    const data = await openDataSet({ kind: "embedded", ...scenes, labeled: true });
    const network = buildNetwork(model, data.classes.length);
    const weights = initializeWeights(network.parameters, 1);
    const result = await evaluate(network, weights, data, {
      ...{ mode: "whole", windowSize: null, stride: null, flip: false, scales: [1] },
      ...{ resize: null, normalization, maxImages: null, centerCrop: null, trimap: 2 },
    });
    results.push(result);
  }
  return JSON.stringify(results);
}

if (import.meta.main) {
  const [folder = ""] = Deno.args;
  const ranks = await openRanks();
  await Deno.writeTextFile(join(folder, `${ranks?.rank}.json`), await scoreSets());
  await ranks?.finalize();
  Deno.exit();
}

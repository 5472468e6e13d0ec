/** Verifies `net_*` goldens: a network's outputs, loss, gradients and buffers. @module */
import { readBack } from "../core/backend.ts";
import { gradientOf } from "../core/gradient.ts";
import { EVALUATION, type Network, type Weights } from "../core/network.ts";
import * as tf from "../core/tf.ts";
import { releaseWeights, weightsFromHost, weightsToHost } from "../core/weights.ts";
import { z } from "../core/zod.ts";
import { meanCrossEntropy } from "../objectives/cross_entropy.ts";
import { resizeLogits } from "../objectives/resize_logits.ts";
import {
  check,
  type CheckResult,
  extremes,
  norms,
  quantile,
  relativeError,
} from "./check.ts";
import { type Golden, labelsOf, mapsOf, numbersOf } from "./golden_file.ts";
import { nudged, tellingTies } from "./nudge.ts";
import { ReferenceModel, referenceNetwork } from "./reference_network.ts";

const Sidecar = z.object({
  config: z.object({ model: ReferenceModel }),
  loss: z.number(),
  max_abs_grad_over_all_params: z.number(),
  tolerance: z.object({
    eval_rel: z.number(),
    train_rel: z.number(),
    grad_rel_median: z.number(),
    grad_rel: z.number(),
    grad_rel_worst: z.number(),
    grad_l2: z.number(),
    bn_rel: z.number(),
  }),
});
type Sidecar = z.output<typeof Sidecar>;

const LOSS_TOLERANCE = 1e-4;
// Gradients are measured against this share of the network's largest one as well.
const SHARE_OF_LARGEST = 0.01;

/** Runs the network of a golden and compares everything that was recorded. */
export const verifyNetwork = (golden: Golden): Promise<CheckResult[]> =>
  tellingTies((nudge) => runNetwork(golden, nudge));

async function runNetwork(golden: Golden, nudge: number): Promise<CheckResult[]> {
  const sidecar = Sidecar.parse(golden.sidecar);
  const network = referenceNetwork(sidecar.config.model);
  const weights = weightsFromHost(network.parameters, section(golden, "weights/"));
  const unknown = namesOutside(golden, network);
  if (unknown.length > 0 || weights.size < network.parameters.length) {
    const missing = network.parameters.filter(({ name }) => !weights.has(name));
    const note = `unknown: ${unknown.join(", ")}; missing: ${
      missing.map(({ name }) => name).join(", ")
    }`;
    return [check("names", unknown.length + missing.length, 0, note)];
  }
  const images = nudged(mapsOf(golden, "input/img"), nudge);
  const results = [
    ...await inEvaluation(golden, network, weights, images, sidecar),
    ...await inTraining(golden, network, weights, images, sidecar),
  ];
  images.dispose();
  releaseWeights(weights);
  return results;
}

async function inEvaluation(
  golden: Golden,
  network: Network,
  weights: Weights,
  images: tf.Tensor4D,
  { tolerance }: Sidecar,
): Promise<CheckResult[]> {
  const [, H, W] = images.shape;
  const outputs = tf.tidy(() => {
    const { features, logits } = network.forward(weights, images, EVALUATION);
    return {
      maps: [...features, logits].map((map) => tf.transpose(map, [0, 3, 1, 2])),
      predicted: tf.argMax(resizeLogits(logits, [H, W]), 3),
    };
  });
  const results: CheckResult[] = [];
  for (const [i, map] of outputs.maps.entries()) {
    const name = i < network.encoder.widths.length ? `feat${i}` : "logits";
    const key = `output/eval/${name}`;
    const expected = golden.tensors.get(key);
    if (expected === undefined) continue;
    const error = relativeError(await readBack(map), numbersOf(expected));
    results.push(check(key, error, tolerance.eval_rel));
  }
  const expected = golden.tensors.get("output/eval/pred_up");
  if (expected !== undefined) {
    const labels = numbersOf(expected);
    const ours = await readBack(outputs.predicted);
    const wrong = Array.from(labels).filter((id, i) => id !== ours[i]).length;
    // Pixels whose two best logits agree within the tolerance may fall either way.
    results.push(check("output/eval/pred_up", wrong / labels.length, 1e-3));
  }
  tf.dispose([outputs.maps, outputs.predicted]);
  return results;
}

async function inTraining(
  golden: Golden,
  network: Network,
  weights: Weights,
  images: tf.Tensor4D,
  sidecar: Sidecar,
): Promise<CheckResult[]> {
  const { tolerance } = sidecar;
  const labels = labelsOf(golden, "input/gt");
  const [, H = 0, W = 0] = labels.shape;
  let logits: tf.Tensor | null = null;
  const { value, gradient } = gradientOf(network.parameters, weights, () => {
    const pass = network.forward(weights, images, { training: true, chance: null });
    logits = tf.keep(tf.transpose(pass.logits, [0, 3, 1, 2]));
    return meanCrossEntropy(resizeLogits(pass.logits, [H, W]), labels, null);
  });
  const [loss = NaN] = await readBack(value);
  const results = [
    check("output/train/loss", Math.abs(loss / sidecar.loss - 1), LOSS_TOLERANCE),
  ];
  const stored = golden.tensors.get("output/train/logits");
  if (logits !== null && stored !== undefined) {
    const error = relativeError(await readBack(logits), numbersOf(stored));
    results.push(check("output/train/logits", error, tolerance.train_rel));
  }
  const found = await weightsToHost(network.parameters, gradient);
  results.push(...gradientChecks(golden, found, sidecar));
  const buffers = network.parameters.filter(({ trained }) => !trained);
  for (const [name, after] of await weightsToHost(buffers, weights)) {
    const key = `output/bn_after/${name}`;
    const expected = golden.tensors.get(key);
    if (expected === undefined) continue;
    const { error, largest } = extremes(numbersOf(after), numbersOf(expected));
    const allowed = after.dtype === "I64" ? 0 : tolerance.bn_rel * largest + 1e-6;
    results.push(check(key, error, allowed));
  }
  tf.dispose([labels, value, logits ?? []]);
  releaseWeights(gradient);
  return results;
}

function gradientChecks(
  golden: Golden,
  found: Awaited<ReturnType<typeof weightsToHost>>,
  { tolerance, max_abs_grad_over_all_params: largestOfAll }: Sidecar,
): CheckResult[] {
  const floor = SHARE_OF_LARGEST * largestOfAll;
  const results: CheckResult[] = [];
  const scores: number[] = [];
  let [squaredError, squaredSize] = [0, 0];
  for (const [name, expected] of section(golden, "grad/weights/")) {
    const ours = found.get(name);
    const b = numbersOf(expected);
    const a = ours === undefined ? new Float32Array(b.length) : numbersOf(ours);
    const { error, largest } = extremes(a, b);
    const { difference, size } = norms(a, b);
    squaredError += difference ** 2;
    squaredSize += size ** 2;
    const score = error / (largest + floor);
    scores.push(score);
    results.push(check(`grad/${name}`, score, tolerance.grad_rel_worst));
  }
  return [
    ...results,
    check("grad: median", quantile(scores, 0.5), tolerance.grad_rel_median),
    check("grad: 95 %", quantile(scores, 0.95), tolerance.grad_rel),
    check(
      "grad: as one vector",
      Math.sqrt(squaredError / squaredSize),
      tolerance.grad_l2,
    ),
  ];
}

/** The tensors of a golden below a prefix, without it. */
export function section({ tensors }: Golden, prefix: string): Map<string, HostTensorOf> {
  return new Map(
    [...tensors].filter(([key]) => key.startsWith(prefix))
      .map(([key, tensor]) => [key.slice(prefix.length), tensor]),
  );
}

type HostTensorOf = Golden["tensors"] extends ReadonlyMap<string, infer T> ? T : never;

function namesOutside(golden: Golden, network: Network): string[] {
  const known = new Set(network.parameters.map(({ name }) => name));
  return [...section(golden, "weights/").keys()].filter((name) => !known.has(name));
}

/** Verifies `net_*` goldens: a network's outputs, loss, gradients and buffers. @module */
import { readBack } from "../core/backend.ts";
import { gradientOf } from "../core/gradient.ts";
import {
  EVALUATION,
  type Network,
  type SideLogits,
  type Weights,
} from "../core/network.ts";
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
import {
  encoderBeforeNeck,
  ReferenceModel,
  referenceNetwork,
} from "./reference_network.ts";
import { SemiConfig, semiSubject } from "./semi_network.ts";
import type { Subject } from "./subject.ts";

const Sidecar = z.object({
  config: z.union([
    z.object({ model: ReferenceModel }).transform(({ model }): Subject => {
      const backbone = encoderBeforeNeck(model);
      return {
        network: referenceNetwork(model),
        ...(backbone && { backbone }),
        loss: (logits, labels, options) =>
          meanCrossEntropy(logits, labels, null, options),
      };
    }),
    SemiConfig.transform(semiSubject),
  ]),
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
  const { network } = sidecar.config;
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
    ...constantChecks(golden, network),
    ...await inEvaluation(golden, weights, images, sidecar),
    ...await inTraining(golden, weights, images, sidecar),
  ];
  images.dispose();
  releaseWeights(weights);
  return results;
}

function constantChecks(golden: Golden, { constants }: Network): CheckResult[] {
  return constants.flatMap(({ name, value }) => {
    const key = `weights/${name}`;
    const expected = golden.tensors.get(key);
    if (expected === undefined) return [];
    const ours = value();
    const alike = ours.dtype === expected.dtype &&
      ours.shape.join() === expected.shape.join();
    const { error } = extremes(numbersOf(ours), numbersOf(expected));
    return [check(key, alike ? error : NaN, 0)];
  });
}

async function inEvaluation(
  golden: Golden,
  weights: Weights,
  images: tf.Tensor4D,
  { tolerance, config: { network, backbone, extras } }: Sidecar,
): Promise<CheckResult[]> {
  const [, H, W] = images.shape;
  const outputs = tf.tidy(() => {
    const { features, logits } = network.forward(weights, images, EVALUATION);
    const [beside] = network.auxiliary;
    const before = backbone?.apply(weights, images, EVALUATION);
    const maps = {
      ...numbered("feat", before ?? features),
      ...(before && numbered("neck", features)),
      logits,
      ...(beside && { aux_logits: beside.decoder.apply(weights, features, EVALUATION) }),
      ...extras?.(weights, features),
    };
    return {
      maps: Object.entries(maps).map(([name, map]) =>
        [name, channelsFirst(map)] as const
      ),
      predicted: tf.argMax(resizeLogits(logits, [H, W], network.decoder), 3),
    };
  });
  const results: CheckResult[] = [];
  for (const [name, map] of outputs.maps) {
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
  tf.dispose([outputs.maps.map(([, map]) => map), outputs.predicted]);
  return results;
}

const channelsFirst = (map: tf.Tensor4D) => tf.transpose(map, [0, 3, 1, 2]);

const numbered = (name: string, maps: readonly tf.Tensor4D[]) =>
  Object.fromEntries(maps.map((map, i) => [`${name}${i}`, map]));

async function inTraining(
  golden: Golden,
  weights: Weights,
  images: tf.Tensor4D,
  sidecar: Sidecar,
): Promise<CheckResult[]> {
  const { tolerance, config: { network, loss } } = sidecar;
  const { decoder, auxiliary } = network;
  const labels = labelsOf(golden, "input/gt");
  const outputs: (readonly [name: string, value: tf.Tensor])[] = [];
  const { value, gradient } = gradientOf(network.parameters, weights, () => {
    const pass = network.forward(weights, images, { training: true, chance: null });
    const keep = (name: string, one: tf.Tensor) => outputs.push([name, tf.keep(one)]);
    const lossOf = ({ logits, lossWeight }: SideLogits): tf.Scalar =>
      tf.mul(loss(logits, labels, decoder), lossWeight);
    const own = lossOf({ logits: pass.logits, lossWeight: 1 });
    const sides = pass.sides.map(lossOf);
    keep("logits", channelsFirst(pass.logits));
    keep("decode.loss_seg", own);
    const [beside, besides] = [pass.sides.at(-1), sides.at(-1)];
    if (auxiliary.length > 0 && beside && besides) {
      keep("aux_logits", channelsFirst(beside.logits));
      keep("aux.loss_seg", besides);
    }
    return sides.reduce<tf.Scalar>((sum, side) => tf.add(sum, side), own);
  });
  const [total = NaN] = await readBack(value);
  const results = [
    check("output/train/loss", Math.abs(total / sidecar.loss - 1), LOSS_TOLERANCE),
  ];
  for (const [name, output] of outputs) {
    const key = `output/train/${name}`;
    const expected = golden.tensors.get(key);
    if (expected === undefined) continue;
    const error = relativeError(await readBack(output), numbersOf(expected));
    const allowed = name.endsWith(".loss_seg") ? LOSS_TOLERANCE : tolerance.train_rel;
    results.push(check(key, error, allowed));
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
  tf.dispose([labels, value, outputs.map(([, output]) => output)]);
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

function namesOutside(golden: Golden, { parameters, constants }: Network): string[] {
  const known = new Set([...parameters, ...constants].map(({ name }) => name));
  return [...section(golden, "weights/").keys()].filter((name) => !known.has(name));
}

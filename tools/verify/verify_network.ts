/** Verifies `net_*` goldens: a network's outputs, loss, gradients and buffers. @module */
import { readBack } from "../../src/core/backend.ts";
import { lossAndGradient } from "../../src/core/backward.ts";
import {
  type AuxiliaryLogits,
  EVAL_CONTEXT,
  type Network,
  type Weights,
} from "../../src/core/network.ts";
import * as tf from "../../src/core/tf.ts";
import { releaseWeights, weightsToHost } from "../../src/core/weights.ts";
import * as z from "../../src/core/zod.ts";
import { meanCrossEntropy, resizeLogits } from "../../src/objectives/cross_entropy.ts";
import {
  checkError,
  type CheckResult,
  l2Norms,
  maxAbsolute,
  quantile,
  relativeError,
} from "../../src/doctor/check.ts";
import {
  channelsFirst,
  channelsLastTensor,
  type Golden,
  labelTensor,
  numbersOf,
  parseSidecar,
  recordedWeights,
  tensorsUnder,
} from "./golden_file.ts";
import { addRoundingNoise, verifyUpToRounding } from "./rounding_noise.ts";
import {
  referenceBackbone,
  ReferenceModel,
  referenceNetwork,
} from "./reference_network.ts";
import { SemiConfig, semiNetworkUnderTest } from "./semi_network.ts";
import { IMAGES, type NetworkUnderTest } from "./network_under_test.ts";

const ReferenceConfig = z.strictObject({
  ...IMAGES,
  model: ReferenceModel,
  num_classes: z.int().optional(),
});

const Sidecar = z.object({
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
type Sidecar = z.output<typeof Sidecar> & { readonly underTest: NetworkUnderTest };

/** The sidecar of a golden of either reference, and the network that it describes. */
function readSidecar(golden: Golden): Sidecar {
  const isSemiSupervised = z.object({
    config: z.object({ semi_seg_net: z.unknown() }),
  }).safeParse(golden.sidecar).data?.config.semi_seg_net !== undefined;
  if (isSemiSupervised) {
    const { config, ...sidecar } = parseSidecar(
      golden,
      Sidecar.extend({ config: SemiConfig }),
    );
    return { ...sidecar, underTest: semiNetworkUnderTest(config) };
  }
  const { config: { model }, ...sidecar } = parseSidecar(
    golden,
    Sidecar.extend({ config: ReferenceConfig }),
  );
  const backbone = referenceBackbone(model);
  return {
    ...sidecar,
    underTest: {
      network: referenceNetwork(model),
      ...(backbone && { backbone }),
      loss: (logits, labels, options) => meanCrossEntropy(logits, labels, null, options),
    },
  };
}

const LOSS_TOLERANCE = 1e-4;
// Gradients are measured against this share of the network's largest one as well.
const MIN_GRADIENT_SHARE = 0.01;

/** Runs the network of a golden and compares everything that was recorded. */
export const verifyNetwork = (golden: Golden): Promise<CheckResult[]> =>
  verifyUpToRounding((nudge) => runNetwork(golden, nudge));

async function runNetwork(golden: Golden, nudge: number): Promise<CheckResult[]> {
  const sidecar = readSidecar(golden);
  const { network } = sidecar.underTest;
  const weights = recordedWeights(golden, network.parameters, "weights/", {
    allowUnexpected: network.derivedBuffers.map(({ name }) => name),
  });
  const images = addRoundingNoise(channelsLastTensor(golden, "input/img"), nudge);
  const results = [
    ...constantChecks(golden, network),
    ...await evaluationChecks(golden, weights, images, sidecar),
    ...await trainingChecks(golden, weights, images, sidecar),
  ];
  images.dispose();
  releaseWeights(weights);
  return results;
}

function constantChecks(golden: Golden, { derivedBuffers }: Network): CheckResult[] {
  return derivedBuffers.flatMap(({ name, value }) => {
    const key = `weights/${name}`;
    const expected = golden.tensors.get(key);
    if (expected === undefined) return [];
    const ours = value();
    const alike = ours.dtype === expected.dtype &&
      ours.shape.join() === expected.shape.join();
    const { error } = maxAbsolute(numbersOf(ours), numbersOf(expected));
    return [checkError(key, alike ? error : NaN, 0)];
  });
}

async function evaluationChecks(
  golden: Golden,
  weights: Weights,
  images: tf.Tensor4D,
  { tolerance, underTest: { network, backbone, extraOutputs } }: Sidecar,
): Promise<CheckResult[]> {
  const [, H, W] = images.shape;
  const outputs = tf.tidy(() => {
    const { features, logits } = network.forward(weights, images, EVAL_CONTEXT);
    const [auxiliaryHead] = network.auxiliaryHeads;
    const backboneMaps = backbone?.apply(weights, images, EVAL_CONTEXT);
    const maps = {
      ...numberedMaps("feat", backboneMaps ?? features),
      ...(backboneMaps && numberedMaps("neck", features)),
      logits,
      ...(auxiliaryHead &&
        { aux_logits: auxiliaryHead.decoder.apply(weights, features, EVAL_CONTEXT) }),
      ...extraOutputs?.(weights, features),
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
    results.push(checkError(key, error, tolerance.eval_rel));
  }
  const expected = golden.tensors.get("output/eval/pred_up");
  if (expected !== undefined) {
    const labels = numbersOf(expected);
    const ours = await readBack(outputs.predicted);
    const wrong = Array.from(labels).filter((id, i) => id !== ours[i]).length;
    // Pixels whose two best logits agree within the tolerance may fall either way.
    results.push(checkError("output/eval/pred_up", wrong / labels.length, 1e-3));
  }
  tf.dispose([outputs.maps.map(([, map]) => map), outputs.predicted]);
  return results;
}

const numberedMaps = (name: string, maps: readonly tf.Tensor4D[]) =>
  Object.fromEntries(maps.map((map, i) => [`${name}${i}`, map]));

async function trainingChecks(
  golden: Golden,
  weights: Weights,
  images: tf.Tensor4D,
  sidecar: Sidecar,
): Promise<CheckResult[]> {
  const { tolerance, underTest: { network, loss } } = sidecar;
  const { decoder, auxiliaryHeads } = network;
  const labels = labelTensor(golden, "input/gt");
  const outputs: (readonly [name: string, value: tf.Tensor])[] = [];
  const { value, gradient } = lossAndGradient(network.parameters, weights, () => {
    const forwardOutput = network.forward(weights, images, {
      training: true,
      rngKey: null,
    });
    const keep = (name: string, tensor: tf.Tensor) =>
      outputs.push([name, tf.keep(tensor)]);
    const lossOf = ({ logits, lossWeight }: AuxiliaryLogits): tf.Scalar =>
      tf.mul(loss(logits, labels, decoder), lossWeight);
    const mainLoss = lossOf({ logits: forwardOutput.logits, lossWeight: 1 });
    const auxiliaryLosses = forwardOutput.auxiliaryLogits.map(lossOf);
    keep("logits", channelsFirst(forwardOutput.logits));
    keep("decode.loss_seg", mainLoss);
    const [lastAuxiliary, lastAuxiliaryLoss] = [
      forwardOutput.auxiliaryLogits.at(-1),
      auxiliaryLosses.at(-1),
    ];
    if (auxiliaryHeads.length > 0 && lastAuxiliary && lastAuxiliaryLoss) {
      keep("aux_logits", channelsFirst(lastAuxiliary.logits));
      keep("aux.loss_seg", lastAuxiliaryLoss);
    }
    return auxiliaryLosses.reduce<tf.Scalar>(
      (sum, auxiliaryLoss) => tf.add(sum, auxiliaryLoss),
      mainLoss,
    );
  });
  const [total = NaN] = await readBack(value);
  const results = [
    checkError("output/train/loss", Math.abs(total / sidecar.loss - 1), LOSS_TOLERANCE),
  ];
  for (const [name, output] of outputs) {
    const key = `output/train/${name}`;
    const expected = golden.tensors.get(key);
    if (expected === undefined) continue;
    const error = relativeError(await readBack(output), numbersOf(expected));
    const allowed = name.endsWith(".loss_seg") ? LOSS_TOLERANCE : tolerance.train_rel;
    results.push(checkError(key, error, allowed));
  }
  const found = await weightsToHost(network.parameters, gradient);
  results.push(...gradientChecks(golden, found, sidecar));
  const buffers = network.parameters.filter(({ trainable }) => !trainable);
  for (const [name, after] of await weightsToHost(buffers, weights)) {
    const key = `output/bn_after/${name}`;
    const expected = golden.tensors.get(key);
    if (expected === undefined) continue;
    const { error, largest } = maxAbsolute(numbersOf(after), numbersOf(expected));
    const allowed = after.dtype === "I64" ? 0 : tolerance.bn_rel * largest + 1e-6;
    results.push(checkError(key, error, allowed));
  }
  tf.dispose([labels, value, outputs.map(([, output]) => output)]);
  releaseWeights(gradient);
  return results;
}

function gradientChecks(
  golden: Golden,
  gradients: Awaited<ReturnType<typeof weightsToHost>>,
  { tolerance, max_abs_grad_over_all_params: largestOfAll }: Sidecar,
): CheckResult[] {
  const minGradient = MIN_GRADIENT_SHARE * largestOfAll;
  const results: CheckResult[] = [];
  const scores: number[] = [];
  let [squaredError, squaredSize] = [0, 0];
  for (const [name, expected] of tensorsUnder(golden, "grad/weights/")) {
    const ours = gradients.get(name);
    const b = numbersOf(expected);
    const a = ours === undefined ? new Float32Array(b.length) : numbersOf(ours);
    const { error, largest } = maxAbsolute(a, b);
    const { difference, size } = l2Norms(a, b);
    squaredError += difference ** 2;
    squaredSize += size ** 2;
    const score = error / (largest + minGradient);
    scores.push(score);
    results.push(checkError(`grad/${name}`, score, tolerance.grad_rel_worst));
  }
  return [
    ...results,
    checkError("grad: median", quantile(scores, 0.5), tolerance.grad_rel_median),
    checkError("grad: 95 %", quantile(scores, 0.95), tolerance.grad_rel),
    checkError(
      "grad: as one vector",
      Math.sqrt(squaredError / squaredSize),
      tolerance.grad_l2,
    ),
  ];
}

/** Comparing the steps and the weights of a trace with ours. @module */
import type { HostTensor } from "../../src/core/host_tensor.ts";
import type { Network } from "../../src/core/network.ts";
import { parameterGroupOf } from "../../src/optim/optimizer.ts";
import {
  checkError,
  type CheckResult,
  l2Norms,
  maxAbsolute,
  quantile,
} from "../../src/doctor/check.ts";
import { type Golden, numbersOf } from "./golden_file.ts";
import type { TraceSidecar } from "./trace_sidecar.ts";

/** What one loss evaluation of ours did. */
export interface RecordedEvaluation {
  readonly losses: ReadonlyMap<string, number>;
  readonly pseudoLabels: Int32Array | null;
  readonly mixedLabels: Int32Array | null;
  readonly pixelWeights: Float32Array | null;
}

type HostWeights = ReadonlyMap<string, HostTensor>;

// The golden's rules: losses relative, labels as a share of pixels, buffers relative.
const FIRST_LOSS_TOLERANCE = 1e-4;
const LATER_LOSS_TOLERANCE = 2e-3;
const LABEL_TOLERANCE = 1e-3;
const BUFFER_TOLERANCE = 1e-2;
// Sums and norms are printed with seven digits and stand for float32 sums.
const NORM_TOLERANCE = 2e-3;

/** Names of the losses in the reference's log, by ours. */
const LOSS_NAMES: readonly (readonly [string, string])[] = [
  ["source", "decode.loss_seg"],
  ["featureDistance", "src.loss_imnet_feat_dist"],
  ["mixed", "mix.decode.loss_seg"],
];

/** Losses, pseudo-labels, mixed labels and weights of every step. */
export function stepChecks(
  golden: Golden,
  { steps }: TraceSidecar,
  records: readonly RecordedEvaluation[],
): CheckResult[] {
  const results = [checkError("steps", Math.abs(records.length - steps.length), 0)];
  for (const [i, step] of steps.entries()) {
    const record = records[i];
    if (record === undefined) break;
    for (const [name, referenceName] of LOSS_NAMES) {
      const expected = step.log_vars[referenceName];
      if (typeof expected !== "number") continue;
      const error = Math.abs((record.losses.get(name) ?? NaN) / expected - 1);
      results.push(
        checkError(
          `step${i}/${referenceName}`,
          error,
          step.iter === 0 ? FIRST_LOSS_TOLERANCE : LATER_LOSS_TOLERANCE,
        ),
      );
    }
    const labels = (key: string, actual: Int32Array | null) => {
      const expected = golden.tensors.get(`output/step${i}/${key}`);
      if (expected === undefined) return;
      const mismatch = mismatchShare(actual, numbersOf(expected));
      results.push(checkError(`step${i}/${key}`, mismatch, LABEL_TOLERANCE));
    };
    labels("pseudo_label", record.pseudoLabels);
    labels("mixed_label", record.mixedLabels);
    const weightIsOne = record.pixelWeights &&
      Int32Array.from(record.pixelWeights, (w) => w === 1 ? 1 : 0);
    labels("pixel_weight_is_one", weightIsOne);
    const weightIsZero = record.pixelWeights &&
      Int32Array.from(record.pixelWeights, (w) => w === 0 ? 1 : 0);
    labels("pixel_weight_is_zero", weightIsZero);
    const { pseudo_weight_value: share } = step;
    if (share !== undefined && share !== null) {
      const error = Math.abs((record.losses.get("confidentShare") ?? NaN) - share);
      results.push(checkError(`step${i}/pseudo_weight_value`, error, LABEL_TOLERANCE));
    }
  }
  return results;
}

/** Weights against the golden, measured by how far they moved from the start. */
export function updateChecks(
  golden: Golden,
  { parameters }: Network,
  { tolerance, param_groups: groups }: TraceSidecar,
  current: HostWeights,
  prefix: string,
): CheckResult[] {
  if (!golden.tensors.has(`output/${prefix}/${parameters[0]?.name}`)) return [];
  const results: CheckResult[] = [];
  const relativeErrors: number[] = [];
  let [squaredError, squaredUpdate] = [0, 0];
  for (const parameter of parameters) {
    const { name } = parameter;
    const actual = current.get(name);
    const expected = golden.tensors.get(`output/${prefix}/${name}`);
    const start = golden.tensors.get(`weights/student/${name}`);
    if (!actual || !expected || !start) {
      results.push(checkError(`${prefix}/${name}`, NaN, 0, "missing"));
      continue;
    }
    const [a, b] = [numbersOf(actual), numbersOf(expected)];
    if (!parameter.trainable) {
      const { error, largest } = maxAbsolute(a, b);
      const allowed = actual.dtype === "I64" ? 0 : BUFFER_TOLERANCE * largest;
      results.push(checkError(`${prefix}/${name}`, error, allowed));
      continue;
    }
    const group = parameterGroupOf(parameter.name, {
      headLrMultiplier: groups[name]?.lr_mult ?? 1,
    });
    const sameGroup = group.hasWeightDecay === ((groups[name]?.weight_decay ?? 0) > 0);
    if (!sameGroup) {
      results.push(
        checkError(`${prefix}/${name}`, NaN, 0, "is in another parameter group"),
      );
    }
    const { difference } = l2Norms(a, b);
    const { difference: updateNorm } = l2Norms(numbersOf(start), b);
    squaredError += difference ** 2;
    squaredUpdate += updateNorm ** 2;
    if (updateNorm > 0) relativeErrors.push(difference / updateNorm);
  }
  return [
    ...results,
    checkError(
      `${prefix}: median`,
      quantile(relativeErrors, 0.5),
      tolerance.param_tensor_median,
    ),
    checkError(
      `${prefix}: 80 %`,
      quantile(relativeErrors, 0.8),
      tolerance.param_tensor_p80,
    ),
    checkError(
      `${prefix}: as one vector`,
      Math.sqrt(squaredError / squaredUpdate),
      tolerance.param_rel_l2,
    ),
  ];
}

/** Norms of the weights after the iterations of which the golden keeps nothing else. */
export function normChecks(
  { parameters }: Network,
  { sum_and_l2_norm_of_tensors_after_iterations_0_and_2: recordedNorms }: TraceSidecar,
  current: HostWeights,
  prefix: string,
): CheckResult[] {
  const errors: number[] = [];
  for (const { name, trainable } of parameters) {
    const [, expected] = recordedNorms[`output/${prefix}/${name}`] ?? [];
    const actual = current.get(name);
    if (expected === undefined || actual === undefined || !trainable) continue;
    const { size } = l2Norms([], numbersOf(actual));
    errors.push(Math.abs(size - expected) / Math.max(expected, 1e-3));
  }
  if (errors.length === 0) return [];
  return [checkError(`${prefix}: norms, 95 %`, quantile(errors, 0.95), NORM_TOLERANCE)];
}

function mismatchShare(a: Int32Array | null, b: ArrayLike<number>): number {
  if (a === null || a.length !== b.length) return NaN;
  let wrong = 0;
  for (let i = 0; i < b.length; i++) if (a[i] !== b[i]) wrong++;
  return wrong / b.length;
}

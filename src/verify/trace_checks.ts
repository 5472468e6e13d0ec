/** Comparing the steps and the weights of a trace with ours. @module */
import type { HostTensor } from "../core/host_tensor.ts";
import type { Network } from "../core/network.ts";
import { groupOf } from "../optim/parameter_group.ts";
import { check, type CheckResult, extremes, norms, quantile } from "./check.ts";
import { type Golden, numbersOf } from "./golden_file.ts";
import type { StepRecord } from "./trace.ts";
import type { TraceSidecar } from "./trace_sidecar.ts";

type Host = ReadonlyMap<string, HostTensor>;

// The golden's rules: losses relative, labels as a share of pixels, buffers relative.
const FIRST_LOSS = 1e-4;
const LATER_LOSS = 2e-3;
const WRONG_LABELS = 1e-3;
const BUFFERS = 1e-2;
// Sums and norms are printed with seven digits and stand for float32 sums.
const NORMS = 2e-3;

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
  records: readonly StepRecord[],
): CheckResult[] {
  const results = [check("steps", Math.abs(records.length - steps.length), 0)];
  for (const [i, step] of steps.entries()) {
    const record = records[i];
    if (record === undefined) break;
    for (const [ours, theirs] of LOSS_NAMES) {
      const expected = step.log_vars[theirs];
      if (typeof expected !== "number") continue;
      const error = Math.abs((record.losses.get(ours) ?? NaN) / expected - 1);
      results.push(
        check(`step${i}/${theirs}`, error, step.iter === 0 ? FIRST_LOSS : LATER_LOSS),
      );
    }
    const labels = (key: string, found: Int32Array | null) => {
      const expected = golden.tensors.get(`output/step${i}/${key}`);
      if (expected === undefined) return;
      const wrong = shareOfDifferences(found, numbersOf(expected));
      results.push(check(`step${i}/${key}`, wrong, WRONG_LABELS));
    };
    labels("pseudo_label", record.labels);
    labels("mixed_label", record.mixedLabels);
    const ones = record.weights &&
      Int32Array.from(record.weights, (w) => w === 1 ? 1 : 0);
    labels("pixel_weight_is_one", ones);
    const zeros = record.weights &&
      Int32Array.from(record.weights, (w) => w === 0 ? 1 : 0);
    labels("pixel_weight_is_zero", zeros);
    const { pseudo_weight_value: share } = step;
    if (share !== undefined && share !== null) {
      const error = Math.abs((record.losses.get("confident") ?? NaN) - share);
      results.push(check(`step${i}/pseudo_weight_value`, error, WRONG_LABELS));
    }
  }
  return results;
}

/** Weights against the golden, measured by how far they moved from the start. */
export function movementChecks(
  golden: Golden,
  { parameters }: Network,
  { tolerance, param_groups: groups }: TraceSidecar,
  now: Host,
  at: string,
): CheckResult[] {
  if (!golden.tensors.has(`output/${at}/${parameters[0]?.name}`)) return [];
  const results: CheckResult[] = [];
  const shares: number[] = [];
  let [squaredError, squaredMove] = [0, 0];
  for (const parameter of parameters) {
    const { name } = parameter;
    const found = now.get(name);
    const expected = golden.tensors.get(`output/${at}/${name}`);
    const start = golden.tensors.get(`weights/student/${name}`);
    if (!found || !expected || !start) {
      results.push(check(`${at}/${name}`, NaN, 0, "missing"));
      continue;
    }
    const [a, b] = [numbersOf(found), numbersOf(expected)];
    if (!parameter.trained) {
      const { error, largest } = extremes(a, b);
      const allowed = found.dtype === "I64" ? 0 : BUFFERS * largest;
      results.push(check(`${at}/${name}`, error, allowed));
      continue;
    }
    const group = groupOf(parameter, groups[name]?.lr_mult ?? 1);
    const sound = group.decayed === ((groups[name]?.weight_decay ?? 0) > 0);
    if (!sound) results.push(check(`${at}/${name}`, NaN, 0, "is in another group"));
    const { difference } = norms(a, b);
    const { difference: move } = norms(numbersOf(start), b);
    squaredError += difference ** 2;
    squaredMove += move ** 2;
    if (move > 0) shares.push(difference / move);
  }
  return [
    ...results,
    check(
      `${at}: median`,
      quantile(shares, 0.5),
      tolerance.param_tensor_median,
    ),
    check(`${at}: 80 %`, quantile(shares, 0.8), tolerance.param_tensor_p80),
    check(
      `${at}: as one vector`,
      Math.sqrt(squaredError / squaredMove),
      tolerance.param_rel_l2,
    ),
  ];
}

/** Norms of the weights after the iterations of which the golden keeps nothing else. */
export function sumChecks(
  { parameters }: Network,
  { sum_and_l2_norm_of_tensors_after_iterations_0_and_2: figures }: TraceSidecar,
  now: Host,
  at: string,
): CheckResult[] {
  const errors: number[] = [];
  for (const { name, trained } of parameters) {
    const [, expected] = figures[`output/${at}/${name}`] ?? [];
    const found = now.get(name);
    if (expected === undefined || found === undefined || !trained) continue;
    const { size } = norms([], numbersOf(found));
    errors.push(Math.abs(size - expected) / Math.max(expected, 1e-3));
  }
  if (errors.length === 0) return [];
  return [check(`${at}: norms, 95 %`, quantile(errors, 0.95), NORMS)];
}

function shareOfDifferences(a: Int32Array | null, b: ArrayLike<number>): number {
  if (a === null || a.length !== b.length) return NaN;
  let wrong = 0;
  for (let i = 0; i < b.length; i++) if (a[i] !== b[i]) wrong++;
  return wrong / b.length;
}

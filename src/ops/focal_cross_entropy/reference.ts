// deno-lint-ignore-file no-non-null-assertion -- indices are in bounds by construction
import type { Arrays } from "../../gpu/kernel.ts";
import {
  argmaxInRange,
  expNonPositive,
  sumOfExponentials,
} from "../softmax_reference.ts";

/** What the loss of a pixel depends on besides its logits and its label. */
interface FocalUniforms {
  readonly classes: number;
  readonly gamma: number;
  readonly labelSmoothing: number;
}

/** loss[r] = −Σ_c t_c · (1 − p_c)^γ · log p_c, 0 where the label is no class. */
export function focalCrossEntropyReference(
  { logits, labels, classWeights, loss }: Arrays<
    "logits" | "labels" | "classWeights" | "loss"
  >,
  { classes, gamma, labelSmoothing }: FocalUniforms,
): void {
  const spread = labelSmoothing / classes;
  let place = 0;
  for (let r = 0; r < labels.length; r++) {
    const label = labels[r]!;
    if (label < 0 || label >= classes) {
      loss[r] = 0;
      continue;
    }
    const first = r * classes;
    // A NaN may be passed over here, since the sum below still meets it.
    place = argmaxInRange(logits, first, classes, place);
    const largest = logits[first + place]!;
    const logSum = largest +
      Math.log(sumOfExponentials(logits, first, classes, largest));
    let sum = 0;
    // Without smoothing only the own class has a target.
    const [from, to] = spread === 0 ? [label, label + 1] : [0, classes];
    for (let c = from; c < to; c++) {
      const weight = classWeights[c]! * (spread + (c === label ? 1 - labelSmoothing : 0));
      if (weight === 0) continue;
      const logP = logits[first + c]! - logSum;
      const factor = gamma === 0 ? 1 : Math.pow(Math.max(-Math.expm1(logP), 0), gamma);
      sum -= weight * factor * logP;
    }
    // A class of weight 0 hides a NaN no more than another.
    loss[r] = sum + 0 * logSum;
  }
}

/** gradient[r, c] = dy[r] · (t_c · g_c − p_c · Σ_k t_k · g_k), see `gradient.wgsl`. */
export function focalCrossEntropyGradientReference(
  { logits, labels, classWeights, dy, gradient }: Arrays<
    "logits" | "labels" | "classWeights" | "dy" | "gradient"
  >,
  { classes, gamma, labelSmoothing }: FocalUniforms,
): void {
  const spread = labelSmoothing / classes;
  const probabilities = new Float64Array(classes);
  const own = new Float64Array(classes);
  let place = 0;
  for (let r = 0; r < labels.length; r++) {
    const first = r * classes;
    const label = labels[r]!;
    if (label < 0 || label >= classes || dy[r] === 0) {
      gradient.fill(0, first, first + classes);
      continue;
    }
    // A NaN may be passed over here, since the sum below still meets it.
    place = argmaxInRange(logits, first, classes, place);
    const largest = logits[first + place]!;
    let partition = 0;
    for (let c = 0; c < classes; c++) {
      partition += probabilities[c] = expNonPositive(logits[first + c]! - largest);
    }
    const logSum = largest + Math.log(partition);
    let sum = 0;
    for (let c = 0; c < classes; c++) {
      const weight = classWeights[c]! * (spread + (c === label ? 1 - labelSmoothing : 0));
      const p = probabilities[c]! /= partition;
      own[c] = weight === 0
        ? 0
        : weight * termGradient(p, logits[first + c]! - logSum, gamma);
      sum += own[c]!;
    }
    for (let c = 0; c < classes; c++) {
      gradient[first + c] = dy[r]! * (own[c]! - probabilities[c]! * sum);
    }
  }
}

/** g = (1 − p)^(γ − 1) · (γ · p · log p − (1 − p)) */
function termGradient(p: number, logP: number, gamma: number): number {
  if (gamma === 0) return -1;
  const rest = -Math.expm1(logP);
  if (rest <= 0) return 0;
  return Math.pow(rest, gamma - 1) * (gamma * (p > 0 ? p * logP : 0) - rest);
}

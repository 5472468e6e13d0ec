/** Softmax cross entropy and argmax of the pixels of logits [rows, C]. */
import { exponentials, largestOfRow, multiplyRow } from "./softmax";
import { ROWS_PER_ITEM } from "./sums";
import { FLOAT } from "./vectors";

/**
 * loss[r] = log Σ over c of exp(z[r, c]) − z[r, label[r]], 0 where the label is no class.
 *
 * Items are 64 rows.
 */
export function crossEntropy(
  logits: usize,
  labels: usize,
  rows: i32,
  C: i32,
  loss: usize,
  begin: i32,
  end: i32,
  scratch: usize,
): void {
  const rowBytes = FLOAT * <usize> C;
  for (let row = begin * ROWS_PER_ITEM; row < min(end * ROWS_PER_ITEM, rows); row++) {
    const z = logits + row * rowBytes, at = FLOAT * <usize> row;
    const label = load<i32>(labels + at);
    if (label < 0 || label >= C) {
      store<f32>(loss + at, 0);
      continue;
    }
    const largest = largestOfRow(z, rowBytes);
    const sum = exponentials(z, scratch, rowBytes, f32x4.splat(largest));
    const logit = load<f32>(z + FLOAT * <usize> label);
    store<f32>(loss + at, <f32> (<f64> largest + Math.log(sum) - logit));
  }
}

/**
 * gradient[r, c] = dy[r] · (softmax(z[r])[c] − [c = label[r]]), 0 where the label is no class.
 *
 * Items are 64 rows.
 */
export function crossEntropyGradient(
  logits: usize,
  labels: usize,
  dy: usize,
  rows: i32,
  C: i32,
  gradient: usize,
  begin: i32,
  end: i32,
): void {
  const rowBytes = FLOAT * <usize> C;
  for (let row = begin * ROWS_PER_ITEM; row < min(end * ROWS_PER_ITEM, rows); row++) {
    const z = logits + row * rowBytes, to = gradient + row * rowBytes;
    const label = load<i32>(labels + FLOAT * <usize> row);
    const weight = load<f32>(dy + FLOAT * <usize> row);
    if (label < 0 || label >= C || weight === 0) {
      memory.fill(to, 0, rowBytes);
      continue;
    }
    const sum = exponentials(z, to, rowBytes, f32x4.splat(largestOfRow(z, rowBytes)));
    multiplyRow(to, rowBytes, f32x4.splat(weight / sum));
    const at = to + FLOAT * <usize> label;
    store<f32>(at, load<f32>(at) - weight);
  }
}

/**
 * labels = the first class with the largest logit, confidence = its probability.
 *
 * Items are 64 rows.
 */
export function argmaxConfidence(
  logits: usize,
  rows: i32,
  C: i32,
  labels: usize,
  confidence: usize,
  begin: i32,
  end: i32,
  scratch: usize,
): void {
  const rowBytes = FLOAT * <usize> C;
  for (let row = begin * ROWS_PER_ITEM; row < min(end * ROWS_PER_ITEM, rows); row++) {
    const z = logits + row * rowBytes, at = FLOAT * <usize> row;
    const largest = largestOfRow(z, rowBytes);
    let label: i32 = 0;
    while (label < C - 1 && load<f32>(z + FLOAT * <usize> label) !== largest) label++;
    store<i32>(labels + at, label);
    const sum = exponentials(z, scratch, rowBytes, f32x4.splat(largest));
    store<f32>(confidence + at, 1 / sum);
  }
}

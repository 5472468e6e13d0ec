/** A bank of vectors per class: sampling it, comparing with it, replacing in it. @module */
import * as tf from "../../core/tf.ts";
import { defineKernel } from "../../gpu/kernel.ts";
import { launch } from "../../gpu/launch.ts";
import { SAMPLING_UNIFORMS, type SamplingKey } from "../sample_from_rows/reference.ts";
import uniformAt from "../sample_from_rows/uniform_at.wgsl" with { type: "text" };
import enqueueShader from "./enqueue.wgsl" with { type: "text" };
import {
  BANK_UNIFORMS,
  enqueueReference,
  sampleEntriesReference,
  similaritiesGradientReference,
  similaritiesReference,
} from "./reference.ts";
import sampleShader from "./sample.wgsl" with { type: "text" };
import similaritiesShader from "./similarities.wgsl" with { type: "text" };
import gradientShader from "./similarities_gradient.wgsl" with { type: "text" };

const SAMPLE_ENTRIES = defineKernel({
  name: "memoryBankSample",
  uniforms: { perClass: "u32", capacity: "u32", ...SAMPLING_UNIFORMS },
  inputs: { cursor: "f32", newCounts: "f32" },
  outputs: { index: "i32" },
  shader: uniformAt + sampleShader,
  forwardCountUniform: "forwardIndex",
  reference: sampleEntriesReference,
});

const ENTRIES = { positives: "f32", bank: "f32", keys: "f32", index: "i32" } as const;

const SIMILARITIES = defineKernel({
  name: "memoryBankSimilarities",
  uniforms: BANK_UNIFORMS,
  inputs: { anchors: "f32", ...ENTRIES },
  outputs: { out: "f32" },
  shader: similaritiesShader,
  reference: similaritiesReference,
});

const SIMILARITIES_GRADIENT = defineKernel({
  name: "memoryBankSimilaritiesGradient",
  uniforms: BANK_UNIFORMS,
  inputs: { dy: "f32", ...ENTRIES },
  outputs: { da: "f32" },
  shader: gradientShader,
  reference: similaritiesGradientReference,
});

const ENQUEUE = defineKernel({
  name: "memoryBankEnqueue",
  uniforms: { columns: "u32", capacity: "u32", maxNewKeys: "u32" },
  inputs: { keys: "f32", newCounts: "f32", cursor: "f32" },
  outputs: { bank: "f32" },
  shader: enqueueShader,
  reference: enqueueReference,
});

/** What queries are compared with. */
export interface BankEntries {
  /** One of each class. [C, D] */
  readonly positives: tf.Tensor2D;
  /** [C, S, D] */
  readonly bank: tf.Tensor3D;
  /** About to enter the bank. [C, M, D] */
  readonly newKeys: tf.Tensor3D;
  /** int32: below S an entry of the bank, from there on a new one, −1: none. [C, Q, N] */
  readonly index: tf.Tensor3D;
}

/**
 * Samples entries for queries, with replacement, as if the new ones were in the bank.
 *
 * @param cursor Next place and filled places of each class. [C, 3]
 * @param newCounts New entries. [C]
 * @returns int32, see {@linkcode BankEntries}. [C, Q, N]
 */
export function sampleEntries(
  cursor: tf.Tensor2D,
  newCounts: tf.Tensor1D,
  capacity: number,
  [queries, negatives]: readonly [number, number],
  { seed, stream, forwardIndex }: SamplingKey,
): tf.Tensor3D {
  const perClass = queries * negatives;
  return launch(SAMPLE_ENTRIES, {
    uniforms: { perClass, capacity, seed, stream, forwardIndex },
    inputs: { cursor, newCounts },
    outputs: { index: [cursor.shape[0], queries, negatives] },
  }).index as tf.Tensor3D;
}

/**
 * Products of anchors with the positive of their class and with sampled entries of its
 * bank, which are read where they lie. Only the anchors have a gradient.
 *
 * @param anchors [C, Q, D]
 * @param entries Must not change before the gradient is computed.
 * @returns The positive's product first. [C, Q, 1 + N]; the caller owns it.
 */
export function bankSimilarities(
  anchors: tf.Tensor3D,
  { positives, bank, newKeys: keys, index }: BankEntries,
): tf.Tensor3D {
  const [classes, capacity, columns] = bank.shape;
  const [, queries, negatives] = index.shape;
  const maxNewKeys = keys.shape[1];
  const uniforms = { columns, queries, negatives, capacity, maxNewKeys };
  const entries = { positives, bank, keys, index };
  return tf.differentiable<tf.Tensor3D>(
    { anchors },
    () =>
      launch(SIMILARITIES, {
        uniforms,
        inputs: { anchors, ...entries },
        outputs: { out: [classes, queries, negatives + 1] },
      }).out,
    (dy) => ({
      anchors: () =>
        launch(SIMILARITIES_GRADIENT, {
          uniforms,
          inputs: { dy, ...entries },
          outputs: { da: [classes, queries, columns] },
        }).da,
    }),
  );
}

/**
 * New entries replace the oldest ones, in place: bank[c, next + j] ← keys[c, j].
 *
 * @param bank [C, S, D]
 * @param keys [C, M, D], M ≤ S
 * @param newCounts How many of the keys of each class are new. [C]
 * @param cursor See {@linkcode sampleEntries}.
 */
export function enqueue(
  bank: tf.Tensor3D,
  keys: tf.Tensor3D,
  newCounts: tf.Tensor1D,
  cursor: tf.Tensor2D,
): void {
  const [, maxNewKeys, columns] = keys.shape;
  launch(ENQUEUE, {
    uniforms: { columns, capacity: bank.shape[1], maxNewKeys },
    inputs: { keys, newCounts, cursor },
    outputs: { bank },
    invocations: keys.size,
  });
}

/**
 * Host inputs: what the host computes anew in every iteration, such as batches, masks and
 * draws of augmentation.
 *
 * A host input is a function of its key, so that the replay of a recorded iteration can
 * compute it for the next key without running the code around it.
 *
 * @module
 */
import type { HostBatch } from "./host_batch.ts";
import * as tf from "./tf.ts";

/** All that a host input may depend on, except for constants. */
export interface StepKey {
  readonly host?: HostBatch;
  /** n, how many forward and backward passes came before. */
  readonly forwardIndex?: number;
}

/** Elements of a tensor, on the host. */
export type HostTypedArray = Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer>;

/** A value and how to compute it for other keys. */
export class HostInput<T> {
  /** The key of {@linkcode value}. */
  readonly key: StepKey;
  readonly #compute: (key: StepKey) => T;
  #last: { readonly key: StepKey; readonly value: T } | null = null;

  /** See {@linkcode hostInput}. */
  constructor(key: StepKey, compute: (key: StepKey) => T) {
    this.key = key;
    this.#compute = compute;
  }

  get value(): T {
    return this.valueAt(this.key);
  }

  /** The value for another key; computed once for calls with the same key in a row. */
  valueAt(key: StepKey): T {
    if (this.#last?.key !== key) this.#last = { key, value: this.#compute(key) };
    return this.#last.value;
  }
}

/** A constant or a host input. */
export type MaybeHostInput<T> = T | HostInput<T>;

/** Declares a host input; `compute` must depend on its argument and on constants alone. */
export function hostInput<K extends StepKey, T>(
  key: K,
  compute: (key: K) => T,
): HostInput<T> {
  // Only keys made from `key` ever come back.
  return new HostInput(key, (key) => compute(key as K));
}

/** A function of a host input; must depend on its argument and on constants alone. */
export function mapHostInput<T, U>(
  input: MaybeHostInput<T>,
  compute: (value: T) => U,
): MaybeHostInput<U> {
  return input instanceof HostInput
    ? new HostInput(input.key, (key) => compute(input.valueAt(key)))
    : compute(input);
}

/** The current value. */
export function hostValue<T>(input: MaybeHostInput<T>): T {
  return input instanceof HostInput ? input.value : input;
}

/** Called with every tensor made of a host input, before anything reads it. */
export type HostInputHook = (
  tensor: tf.Tensor,
  values: HostInput<HostTypedArray>,
) => void;

let hostInputHook: HostInputHook | null = null;

/** Installs the hook; null removes it. */
export function setHostInputHook(next: HostInputHook | null): void {
  hostInputHook = next;
}

/** Makes a tensor of a host input; its shape must be the same for every key. */
export function uploadHostInput<R extends tf.Rank>(
  values: MaybeHostInput<HostTypedArray>,
  shape: tf.ShapeMap[R],
  dtype: "float32" | "int32" = "float32",
): tf.Tensor<R> {
  const tensor = tf.tensor<R>(hostValue(values), shape, dtype);
  if (values instanceof HostInput) hostInputHook?.(tensor, values);
  return tensor;
}

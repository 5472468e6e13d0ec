/**
 * What the host decides anew in every iteration: batches, masks, draws of augmentation.
 *
 * A decision is a function of its occasion, so that whoever replays an iteration can take
 * it again for the next occasion, without running the code around it.
 *
 * @module
 */
import type { HostBatch } from "./host_batch.ts";
import * as tf from "./tf.ts";

/** What a decision may depend on; nothing else may differ between iterations. */
export interface Occasion {
  /** The batch it is about. */
  readonly host: HostBatch;
}

/** The occasion of one loss evaluation. */
export interface EvaluationOccasion extends Occasion {
  /** n, how many evaluations came before. */
  readonly evaluation: number;
}

/** Elements of a tensor, on the host. */
export type HostCells = Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer>;

/** A value with the function that it is of its occasion. */
export class Decided<T> {
  /** The occasion of the value. */
  readonly on: Occasion;
  readonly #make: (on: Occasion) => T;
  #last: { readonly on: Occasion; readonly value: T } | null = null;

  /** See {@linkcode decide}. */
  constructor(on: Occasion, make: (on: Occasion) => T) {
    this.on = on;
    this.#make = make;
  }

  /** What it is now. */
  get value(): T {
    return this.at(this.on);
  }

  /** What it would be on another occasion; asked twice in a row, it is made once. */
  at(on: Occasion): T {
    if (this.#last?.on !== on) this.#last = { on, value: this.#make(on) };
    return this.#last.value;
  }
}

/** Either a value or one that is decided anew in every iteration. */
export type OrDecided<T> = T | Decided<T>;

/** Decides; `make` must depend on its argument and on constants alone. */
export function decide<O extends Occasion, T>(on: O, make: (on: O) => T): Decided<T> {
  // Only occasions made from `on` ever come back.
  return new Decided(on, (later) => make(later as O));
}

/** A function of a decision; must depend on its argument and on constants alone. */
export function derive<T, U>(from: OrDecided<T>, make: (value: T) => U): OrDecided<U> {
  return from instanceof Decided
    ? new Decided(from.on, (on) => make(from.at(on)))
    : make(from);
}

/** The value in force. */
export function valueOf<T>(from: OrDecided<T>): T {
  return from instanceof Decided ? from.value : from;
}

/** Told of every tensor with decided elements, before anything reads it. */
export type DecisionListener = (
  tensor: tf.Tensor,
  cells: Decided<HostCells>,
) => void;

let listener: DecisionListener | null = null;

/** Makes somebody listen, or null for nobody. */
export function listenToDecisions(next: DecisionListener | null): void {
  listener = next;
}

/** Makes a tensor of decided elements; its shape must be the same on every occasion. */
export function upload<R extends tf.Rank>(
  cells: OrDecided<HostCells>,
  shape: tf.ShapeMap[R],
  dtype: "float32" | "int32" = "float32",
): tf.Tensor<R> {
  const tensor = tf.tensor<R>(valueOf(cells), shape, dtype);
  if (cells instanceof Decided) listener?.(tensor, cells);
  return tensor;
}

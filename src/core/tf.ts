/**
 * TensorFlow.js, named here and nowhere else.
 *
 * The umbrella package brings the gradients: tfjs-core alone has none in Deno.
 *
 * @module
 */
import * as tf from "npm:@tensorflow/tfjs@4.22.0";

export * from "npm:@tensorflow/tfjs@4.22.0";

// Named again for the documentation of the public API, which ends at this repository.

/** A tensor of any rank. */
export type AnyTensor = tf.Tensor;
/** Images or maps: batch, height, width, channels. */
export type Tensor4D = tf.Tensor4D;

/** What the tape needs to know of an operation; every entry may be asked for or not. */
export type InputGradients = Readonly<Record<string, () => tf.Tensor>>;

let playedBackend: string | null = null;

/** The backend in use or, in a rehearsal, the one that is played. */
export function getBackend(): string {
  return playedBackend ?? tf.getBackend();
}

/** Whether nothing is computed: tensors have a shape and nothing else. */
export function isRehearsal(): boolean {
  return playedBackend !== null;
}

/** Lets the backend in use be taken for another one; null for itself. */
export function playBackend(name: string | null): void {
  playedBackend = name;
}

interface TapeEngine {
  runKernelFunc(call: {
    forwardFunc(backend: unknown, save: (tensors: tf.Tensor[]) => void): tf.Tensor;
    backwardsFunc(dy: tf.Tensor, saved: tf.Tensor[]): InputGradients;
    inputs: Record<string, tf.Tensor>;
    attrs: Record<string, never>;
  }): tf.Tensor;
}

/**
 * Puts a function with a known gradient on the tape.
 *
 * Unlike `tf.customGrad`, the gradient of an input is computed only if someone asks for
 * it, so a constant image or a frozen weight costs nothing.
 *
 * @param inputs Everything the result depends on, by name.
 * @param forward Computes the result; `save` keeps tensors for `backward`.
 * @param backward Given d(loss)/d(result) and the saved tensors, one function per input.
 * @returns The result; the caller owns it.
 */
export function differentiable<T extends tf.Tensor = tf.Tensor>(
  inputs: Record<string, tf.Tensor>,
  forward: (save: (tensors: tf.Tensor[]) => void) => tf.Tensor,
  backward: (dy: tf.Tensor, saved: readonly tf.Tensor[]) => InputGradients,
): T {
  // runKernelFunc is private in the types; customGrad is a thin wrapper around it.
  const engine = tf.engine() as unknown as TapeEngine;
  return engine.runKernelFunc({
    forwardFunc: (_backend, save) => forward(save),
    backwardsFunc: backward,
    inputs,
    attrs: {},
  }) as T;
}

/** Whether a gradient is being recorded: backward functions may then read any tensor. */
export function isTaping(): boolean {
  const { state } = tf.engine() as unknown as { state: { gradientDepth: number } };
  return state.gradientDepth > 0;
}

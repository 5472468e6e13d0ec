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

/** Functions that compute the gradients of an operation's inputs, each if it is needed. */
export type InputGradients = Readonly<Record<string, () => tf.Tensor>>;

let dryRunBackend: string | null = null;

/** The backend in use or, in a dry run, the one whose memory is estimated. */
export function getBackend(): string {
  return dryRunBackend ?? tf.getBackend();
}

/** Whether this is a dry run: tensors have a shape and no elements. */
export function isDryRun(): boolean {
  return dryRunBackend !== null;
}

/** One run of a kernel in a dry run, of tfjs or of this code. */
export interface KernelCall {
  readonly kernel: string;
  readonly inputs: Readonly<Record<string, tf.TensorInfo>>;
  /** What it depends on besides its inputs. */
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly outputs: Readonly<Record<string, tf.TensorInfo>>;
}

let kernelObserver: ((call: KernelCall) => void) | undefined;

/**
 * Begins a dry run on behalf of a backend; null ends it.
 *
 * @param onKernel Is told of every kernel that would run.
 */
export function setDryRunBackend(
  name: string | null,
  onKernel?: (call: KernelCall) => void,
): void {
  dryRunBackend = name;
  kernelObserver = onKernel;
}

/** Tells the observer of the dry run that a kernel would have run. */
export function reportKernel(call: KernelCall): void {
  kernelObserver?.(call);
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
 * Unlike `tf.customGrad`, it computes the gradient of an input only where one is needed,
 * so a constant image or a frozen weight costs nothing.
 *
 * @param inputs Everything that the result depends on, by name.
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
export function isGradientRecording(): boolean {
  const { state } = tf.engine() as unknown as { state: { gradientDepth: number } };
  return state.gradientDepth > 0;
}

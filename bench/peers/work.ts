/** What is measured here and in other libraries, and the lines that runners speak. @module */
import type { RunConfig } from "../../src/config/schema.ts";
import type { BackendChoice } from "../../src/core/backend.ts";

/** A product of matrices or a convolution, in PyTorch's order of axes. */
export type Operation =
  | {
    readonly kind: "product";
    /** Of the first matrix, with a batch in front or without. */
    readonly left: readonly number[];
    /** Of the second matrix, likewise. */
    readonly right: readonly number[];
  }
  | {
    readonly kind: "convolution";
    /** [B, C, H, W] */
    readonly left: readonly number[];
    /** Of the filter. [O, C, K, K] */
    readonly right: readonly number[];
    readonly stride: number;
    readonly padding: number;
    readonly dilation: number;
  };

/** Something that every library can do. */
export type Work =
  /** An iteration of the configuration's method on a batch of its size. */
  | { readonly kind: "iteration"; readonly config: RunConfig; readonly classes: number }
  /** The label of every pixel of a square image by the configuration's network. */
  | {
    readonly kind: "prediction";
    readonly config: RunConfig;
    readonly classes: number;
    /** Of the image, in pixels. */
    readonly side: number;
  }
  | { readonly kind: "operation"; readonly operation: Operation };

/** The first line to a runner. */
export interface WorkTask {
  readonly work: Work;
  /**
   * A file of safetensors with weights, inputs and "output": the logits in evaluation, or
   * what the operation gives. The first runner writes it.
   */
  readonly file: string;
  /** Whether the file is there, and its output to be compared with. */
  readonly isWritten: boolean;
  /** Where ours computes. */
  readonly backend: BackendChoice;
  /** Where PyTorch computes. */
  readonly device: "cpu" | "cuda";
  /** Null: as many as the library takes by itself. */
  readonly threads: number | null;
  /** Whether PyTorch may round products on a GPU to TensorFloat-32. */
  readonly tf32: boolean;
}

/** The answer to the first line. */
export interface WorkAnswer {
  /** The library, and where it computes. */
  readonly description: string;
  /** Trained parameters; null for an operation. */
  readonly parameters: number | null;
  /** Largest difference from the file's output, relative to its largest value. */
  readonly difference: number;
  /** The backend of ours. */
  readonly backend?: "webgpu" | "wasm";
}

/** "warm up" comes first; "run" does the work once more. */
export type WorkCommand = "warm up" | "run";

/** The answer to a command. */
export interface WorkCost {
  readonly seconds: number;
  /** Of the processor, all threads together. */
  readonly cpuSeconds: number;
}

/** Multiplications and additions of an operation. */
export function flopsOf(operation: Operation): number {
  const product = (sizes: readonly number[]) =>
    sizes.reduce((all, size) => all * size, 1);
  const { left, right } = operation;
  if (operation.kind === "product") return 2 * product(left) * (right.at(-1) ?? 0);
  const [height, width] = convolutionSize(operation);
  return 2 * (left[0] ?? 0) * height * width * product(right);
}

/** Height and width of the result of a convolution. */
export function convolutionSize(
  { left, right, stride, padding, dilation }: Extract<Operation, { kind: "convolution" }>,
): [height: number, width: number] {
  const sizeAlong = (axis: number) => {
    const reach = dilation * ((right[axis] ?? 1) - 1);
    return Math.floor(((left[axis] ?? 0) + 2 * padding - reach - 1) / stride) + 1;
  };
  return [sizeAlong(2), sizeAlong(3)];
}

/** Largest difference of two results, relative to the largest value of the second. */
export function relativeDifference(result: Float32Array, expected: Float32Array): number {
  if (result.length !== expected.length) {
    throw new RangeError(
      `Cannot compare results of ${result.length} and ${expected.length} values`,
    );
  }
  const largest = (value: (i: number) => number) =>
    expected.reduce((most, _, i) => Math.max(most, Math.abs(value(i))), 0);
  const difference = largest((i) => (result[i] ?? NaN) - (expected[i] ?? NaN));
  return difference / largest((i) => expected[i] ?? NaN);
}

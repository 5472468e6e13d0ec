/** Whether a file's tensors are the ones a model asks for. @module */

import type { HostTensor } from "../core/host_tensor.ts";

/** A parameter whose shape is another one in the file. */
export interface WrongShape {
  /** In the file and in the model. */
  readonly name: string;
  /** What the model has, in PyTorch's layout. */
  readonly expected: readonly number[];
  /** What the file has. */
  readonly found: readonly number[];
}

/** How a file and a model differ. */
export interface Mismatch {
  /** Parameters the model has and the file lacks. */
  readonly missing: readonly string[];
  /** Tensors the file has and the model does not. */
  readonly unexpected: readonly string[];
  /** Parameters that both have, in different shapes. */
  readonly wrongShapes: readonly WrongShape[];
}

/** Names in a message before the rest is only counted. */
const SHOWN = 5;

function listed(what: string, items: readonly string[]): string[] {
  if (items.length === 0) return [];
  const rest = items.length > SHOWN ? ` and ${items.length - SHOWN} more` : "";
  return [`\n  ${items.length} ${what}: ${items.slice(0, SHOWN).join(", ")}${rest}`];
}

/** A file of weights that does not describe the model it is loaded into. */
export class WeightsMismatchError extends Error implements Mismatch {
  /** For callers that catch it. */
  override readonly name = "WeightsMismatchError";
  /** Parameters the model has and the file lacks. */
  readonly missing: readonly string[];
  /** Tensors the file has and the model does not. */
  readonly unexpected: readonly string[];
  /** Parameters that both have, in different shapes. */
  readonly wrongShapes: readonly WrongShape[];

  /**
   * Says how a file and a model differ.
   *
   * @param file For the message.
   */
  constructor(file: string, { missing, unexpected, wrongShapes }: Mismatch) {
    const shapes = wrongShapes.map(({ name, expected, found }) =>
      `${name} (model [${expected.join(", ")}], file [${found.join(", ")}])`
    );
    super(
      `Cannot load "${file}": it does not fit the model; was it saved by another network?` +
        [
          ...listed("missing", missing),
          ...listed("unexpected", unexpected),
          ...listed("of another shape", shapes),
        ].join(""),
    );
    this.missing = missing;
    this.unexpected = unexpected;
    this.wrongShapes = wrongShapes;
  }
}

/** What may differ, as patterns of names in which `*` stands for any text. */
export interface Tolerated {
  /** Parameters that the file need not have, as in `["decode_head.*"]`. */
  readonly allowMissing?: readonly string[];
  /** Tensors of the file that may be left out, as in `["*.num_batches_tracked"]`. */
  readonly allowUnexpected?: readonly string[];
}

/** What was loaded, and what was left out by request: worth a line of the log. */
export interface MatchedWeights {
  /** The file's tensors that the model has, in the model's order. */
  readonly tensors: Map<string, HostTensor>;
  /** Parameters of the model that keep their values. */
  readonly missing: readonly string[];
  /** Tensors of the file without use. */
  readonly unexpected: readonly string[];
}

/** Whether a name fits one of several patterns, in which `*` stands for any text. */
export function anyOf(patterns: readonly string[]): (name: string) => boolean {
  const tests = patterns.map((pattern) => {
    const literal = pattern.split("*").map((part) => RegExp.escape(part)).join(".*");
    return new RegExp(`^${literal}$`, "s");
  });
  return (name) => tests.some((test) => test.test(name));
}

/** Whether two shapes are equal. */
export const sameShape = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((side, axis) => side === b[axis]);

/**
 * Takes from a file exactly what a model asks for.
 *
 * @param expected Names and shapes of the model's parameters, in PyTorch's layout.
 * @param found The file's tensors.
 * @param file For messages.
 * @throws {WeightsMismatchError} If anything is missing, unexpected or of another shape
 * and not tolerated. Another shape is never tolerated.
 */
export function matchWeights(
  expected: ReadonlyMap<string, readonly number[]>,
  found: ReadonlyMap<string, HostTensor>,
  file: string,
  { allowMissing = [], allowUnexpected = [] }: Tolerated = {},
): MatchedWeights {
  const tensors = new Map<string, HostTensor>();
  const missing: string[] = [];
  const wrongShapes: WrongShape[] = [];
  for (const [name, shape] of expected) {
    const tensor = found.get(name);
    if (tensor === undefined) missing.push(name);
    else if (sameShape(tensor.shape, shape)) tensors.set(name, tensor);
    else wrongShapes.push({ name, expected: shape, found: tensor.shape });
  }
  const unexpected = [...found.keys()].filter((name) => !expected.has(name));

  const mayMiss = anyOf(allowMissing);
  const mayExceed = anyOf(allowUnexpected);
  const mismatch = {
    missing: missing.filter((name) => !mayMiss(name)),
    unexpected: unexpected.filter((name) => !mayExceed(name)),
    wrongShapes,
  };
  if (Object.values(mismatch).some(({ length }) => length > 0)) {
    throw new WeightsMismatchError(file, mismatch);
  }
  return { tensors, missing, unexpected };
}

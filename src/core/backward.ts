/**
 * Gradients, with less memory than tfjs's own.
 *
 * tfjs keeps what the forward pass saved, and the gradient of every map in between, until
 * the last gradient is computed. Here both are freed as soon as backpropagation is past
 * them, so a step needs most memory at the end of its forward pass, and not twice as much
 * later. What no wanted gradient depends on is not recorded at all. The sums are made in
 * tfjs's order: no result depends on any of this.
 *
 * @module
 */
import { tagPurpose } from "./dry_run.ts";
import type { Parameter, Weights } from "./network.ts";
import * as tf from "./tf.ts";

interface TapeNode {
  readonly kernelName: string;
  readonly inputs: Readonly<Record<string, tf.Tensor>>;
  readonly outputs: readonly tf.Tensor[];
  readonly saved: readonly tf.Tensor[];
  gradient?(dys: (tf.Tensor | null)[]): tf.InputGradients;
}

// Private members of tfjs-core 4.22.0.
interface TapeEngine {
  readonly state: { activeTape: TapeNode[] | null; gradientDepth: number };
  startTape(): void;
  endTape(): void;
  addTapeNode(
    kernelName: string,
    inputs: TapeNode["inputs"],
    outputs: TapeNode["outputs"],
    gradient: unknown,
    saved: TapeNode["saved"] | undefined,
    attributes: unknown,
  ): void;
}

/** The tensors, by id, that have a gradient in the forward pass that is being recorded. */
let differentiated: Set<number> | null = null;

/** Whether what is computed from a tensor has a gradient in the present forward pass. */
export function isDifferentiated({ id }: tf.Tensor): boolean {
  return differentiated?.has(id) ?? false;
}

/**
 * The gradient of a tensor with respect to others.
 *
 * May be called during another backpropagation, but not during its forward pass.
 *
 * @param f Computes the tensor, y.
 * @param dy d(loss)/dy, which the caller keeps; null if y is the loss.
 * @returns y, and a gradient for each of xs that y depends on; the caller owns them.
 */
export function valueAndGradients<T extends tf.Tensor>(
  f: () => T,
  xs: readonly tf.Tensor[],
  dy: tf.Tensor | null = null,
): { readonly value: T; readonly grads: readonly (tf.Tensor | undefined)[] } {
  const engine = tf.engine() as unknown as TapeEngine;
  const outer = engine.state.activeTape;
  const { addTapeNode } = engine;
  const outerDifferentiated = differentiated;
  const own = differentiated = new Set(xs.map(({ id }) => id));
  let value: T;
  let tape: TapeNode[];
  engine.startTape();
  engine.addTapeNode = (...node) => {
    const [, inputs, outputs, , saved = []] = node;
    if (Object.values(inputs).some(({ id }) => own.has(id))) {
      for (const { id } of outputs) own.add(id);
      addTapeNode.apply(engine, node);
    } else {
      tf.dispose([...saved]);
    }
  };
  try {
    value = tf.tidy(f);
  } finally {
    differentiated = outerDifferentiated;
    engine.addTapeNode = addTapeNode;
    engine.endTape();
    tape = engine.state.activeTape ?? [];
    engine.state.activeTape = outer;
  }
  let gradients: ReadonlyMap<number, tf.Tensor> = new Map();
  tf.tidy(() => {
    gradients = backpropagate(tape, new Set(xs.map(({ id }) => id)), value, dy);
    return [...gradients.values()];
  });
  return { value, grads: xs.map(({ id }) => gradients.get(id)) };
}

/** Runs code as if no gradient were wanted: what it computes is a constant. */
export function withoutGradient<T>(run: () => T): T {
  const { state } = tf.engine() as unknown as TapeEngine;
  const { gradientDepth } = state;
  state.gradientDepth = 0;
  try {
    return run();
  } finally {
    state.gradientDepth = gradientDepth;
  }
}

/**
 * The gradient of a scalar with respect to the trained parameters.
 *
 * @param loss Computes the scalar from the weights; may leave other results to its closure
 * with `tf.keep`.
 * @returns The scalar, and a gradient for every parameter that it depends on; the caller
 * owns both.
 */
export function lossAndGradient(
  parameters: readonly Parameter[],
  weights: Weights,
  loss: () => tf.Scalar,
): { readonly value: tf.Scalar; readonly gradient: Weights } {
  const trained = parameters.flatMap(({ name, trainable }) => {
    const value = weights.get(name);
    return trainable && value !== undefined ? [{ name, value }] : [];
  });
  // Unlike tf.grads, not every parameter need be used: published heads carry unused ones.
  const { value, grads } = valueAndGradients(loss, trained.map(({ value }) => value));
  const gradient = new Map<string, tf.Tensor>();
  trained.forEach(({ name }, i) => {
    const grad = grads[i];
    if (grad !== undefined) gradient.set(name, grad);
  });
  tagPurpose(gradient.values(), "gradient");
  return { value, gradient };
}

/** The gradient of a loss, which the caller owns; the value of the loss is freed. */
export function computeGradient(
  parameters: readonly Parameter[],
  weights: Weights,
  loss: () => tf.Scalar,
): Weights {
  let gradient: Weights = new Map();
  tf.tidy(() => {
    gradient = lossAndGradient(parameters, weights, loss).gradient;
    gradient.forEach((tensor) => tf.keep(tensor));
  });
  return gradient;
}

/** The sum of two gradients, whose own tensors are freed; the caller owns it. */
export function addGradients(a: Weights, b: Weights): Weights {
  const sum = new Map([...a, ...b]);
  for (const [name, x] of a) {
    const y = b.get(name);
    if (y === undefined) continue;
    sum.set(name, tf.add(x, y));
    tf.dispose([x, y]);
  }
  tagPurpose(sum.values(), "gradient");
  return sum;
}

/** @returns The gradients of the wanted tensors, by tensor id. */
function backpropagate(
  tape: readonly TapeNode[],
  wanted: ReadonlySet<number>,
  y: tf.Tensor,
  dy: tf.Tensor | null,
): ReadonlyMap<number, tf.Tensor> {
  const reachable = reachableFrom(wanted, tape);
  const gradients = new Map([[y.id, dy === null ? tf.onesLike(y) : tf.clone(dy)]]);
  for (let i = tape.length - 1; i >= 0; i--) {
    const node = tape[i];
    if (node === undefined) continue;
    const dys = node.outputs.map(({ id }) => gradients.get(id) ?? null);
    const inputs = Object.entries(node.inputs).filter(([, { id }]) => reachable.has(id));
    // Only what y depends on has a gradient.
    if (inputs.length > 0 && dys.some((one) => one !== null)) {
      backpropagateNode(node, dys, inputs, gradients);
    }
    for (const { id } of node.outputs) {
      if (wanted.has(id)) continue;
      gradients.get(id)?.dispose();
      gradients.delete(id);
    }
    tf.dispose([...node.saved]);
  }
  return gradients;
}

// Adds what the gradients of a node's results give for its inputs.
function backpropagateNode(
  node: TapeNode,
  dys: (tf.Tensor | null)[],
  inputs: readonly (readonly [string, tf.Tensor])[],
  gradients: Map<number, tf.Tensor>,
): void {
  if (node.gradient === undefined) {
    throw new TypeError(`Cannot differentiate "${node.kernelName}": it has no gradient`);
  }
  const { gradient } = node;
  tf.tidy(() => {
    // Some compute the gradients of all inputs at once.
    const byInput = gradient(dys);
    for (const [name, input] of inputs) {
      const compute = byInput[name];
      if (compute === undefined) {
        throw new TypeError(
          `Cannot differentiate "${node.kernelName}": it has no gradient for "${name}"`,
        );
      }
      const computed = tf.tidy(compute);
      // It may share the memory of a tensor that is freed below.
      const aliasesFreedMemory = dys.includes(computed) || node.saved.includes(computed);
      const inputGradient = aliasesFreedMemory ? tf.clone(computed) : computed;
      const before = gradients.get(input.id);
      gradients.set(
        input.id,
        before === undefined ? inputGradient : tf.add(before, inputGradient),
      );
      if (before !== undefined) tf.dispose([before, inputGradient]);
    }
    return inputs.flatMap(([, { id }]) => gradients.get(id) ?? []);
  });
}

// The wanted tensors and all that depend on them, by id.
function reachableFrom(
  wanted: ReadonlySet<number>,
  tape: readonly TapeNode[],
): ReadonlySet<number> {
  const reachable = new Set(wanted);
  for (const { inputs, outputs } of tape) {
    if (Object.values(inputs).some(({ id }) => reachable.has(id))) {
      for (const { id } of outputs) reachable.add(id);
    }
  }
  return reachable;
}

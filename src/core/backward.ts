/**
 * Gradients that give memory back on their way.
 *
 * tfjs keeps what the forward pass saved, and the gradient of every map in between, until
 * the last gradient is there. Here both are freed as soon as the walk from the loss to the
 * parameters is past them, so the largest moment of a step is the end of its forward pass
 * and not twice as much. The sums are made in tfjs's order: no result depends on it.
 *
 * @module
 */
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
  readonly state: { activeTape: TapeNode[] | null };
  startTape(): void;
  endTape(): void;
}

/**
 * The gradient of a tensor with respect to others.
 *
 * May be called while another such walk is under way, not while its forward pass is.
 *
 * @param f Its result is the tensor, y.
 * @param dy d(loss)/dy, which stays the caller's; null if y is the loss.
 * @returns y, and a gradient for each of xs that it depends on; the caller owns them.
 */
export function gradients<T extends tf.Tensor>(
  f: () => T,
  xs: readonly tf.Tensor[],
  dy: tf.Tensor | null = null,
): { readonly value: T; readonly grads: readonly (tf.Tensor | undefined)[] } {
  const engine = tf.engine() as unknown as TapeEngine;
  const outer = engine.state.activeTape;
  let value: T;
  let tape: TapeNode[];
  engine.startTape();
  try {
    value = tf.tidy(f);
  } finally {
    engine.endTape();
    tape = engine.state.activeTape ?? [];
    engine.state.activeTape = outer;
  }
  let slopes: ReadonlyMap<number, tf.Tensor> = new Map();
  tf.tidy(() => {
    slopes = walk(tape, new Set(xs.map(({ id }) => id)), value, dy);
    return [...slopes.values()];
  });
  return { value, grads: xs.map(({ id }) => slopes.get(id)) };
}

/** @returns The gradients by the number of a tensor, of those that are wanted. */
function walk(
  tape: readonly TapeNode[],
  wanted: ReadonlySet<number>,
  y: tf.Tensor,
  dy: tf.Tensor | null,
): ReadonlyMap<number, tf.Tensor> {
  const reached = reachedFrom(wanted, tape);
  const slopes = new Map([[y.id, dy === null ? tf.onesLike(y) : tf.clone(dy)]]);
  for (let i = tape.length - 1; i >= 0; i--) {
    const node = tape[i];
    if (node === undefined) continue;
    const dys = node.outputs.map(({ id }) => slopes.get(id) ?? null);
    const inputs = Object.entries(node.inputs).filter(([, { id }]) => reached.has(id));
    // A slope exists only for what leads to y.
    if (inputs.length > 0 && dys.some((one) => one !== null)) {
      pass(node, dys, inputs, slopes);
    }
    for (const { id } of node.outputs) {
      if (wanted.has(id)) continue;
      slopes.get(id)?.dispose();
      slopes.delete(id);
    }
    tf.dispose([...node.saved]);
  }
  return slopes;
}

// Hands the slopes of a node's results on to its inputs.
function pass(
  node: TapeNode,
  dys: (tf.Tensor | null)[],
  inputs: readonly (readonly [string, tf.Tensor])[],
  slopes: Map<number, tf.Tensor>,
): void {
  if (node.gradient === undefined) {
    throw new TypeError(`Cannot differentiate "${node.kernelName}": it has no gradient`);
  }
  const { gradient } = node;
  tf.tidy(() => {
    // Some compute all of them at once, whoever asks.
    const byInput = gradient(dys);
    for (const [name, input] of inputs) {
      const compute = byInput[name];
      if (compute === undefined) {
        throw new TypeError(
          `Cannot differentiate "${node.kernelName}": it has no gradient for "${name}"`,
        );
      }
      const found = tf.tidy(compute);
      // Its memory may be that of something that is freed below.
      const mine = dys.includes(found) || node.saved.includes(found);
      const slope = mine ? tf.clone(found) : found;
      const before = slopes.get(input.id);
      slopes.set(input.id, before === undefined ? slope : tf.add(before, slope));
      if (before !== undefined) tf.dispose([before, slope]);
    }
    return inputs.flatMap(([, { id }]) => slopes.get(id) ?? []);
  });
}

// The tensors that depend on the wanted ones, and these.
function reachedFrom(
  wanted: ReadonlySet<number>,
  tape: readonly TapeNode[],
): ReadonlySet<number> {
  const reached = new Set(wanted);
  for (const { inputs, outputs } of tape) {
    if (Object.values(inputs).some(({ id }) => reached.has(id))) {
      for (const { id } of outputs) reached.add(id);
    }
  }
  return reached;
}

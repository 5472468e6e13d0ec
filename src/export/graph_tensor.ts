/**
 * The tensors of a network as values of an ONNX graph.
 *
 * Maps are [B, H, W, C] here and [B, C, H, W] in most ONNX operators. A tensor therefore
 * exists in the order of axes in which it was made, and in another one as soon as an
 * operator asks for it; transposing and reshaping add a node only there.
 *
 * @module
 */
import { type GraphBuilder, type NodeOptions, permuted } from "./graph_builder.ts";
import { equalShapes, equalSizes, isVarying, type Size } from "./size.ts";
import type { SizeNodes } from "./size_nodes.ts";
import type { TracedTensor } from "./trace.ts";

/** Which axis of a tensor each axis of its value holds. */
export type AxisOrder = readonly number[];

/** The order of maps in ONNX: batch, channels, height, width. */
export const CHANNELS_FIRST: AxisOrder = [0, 3, 1, 2];

/** A tensor: what it is, and the values that hold it. */
export interface GraphTensor {
  readonly shape: readonly Size[];
  readonly source: Source;
  /** Values that exist, by the order of their axes. */
  readonly values: Map<string, string>;
}

type Source =
  | { readonly kind: "made"; readonly order: AxisOrder }
  | { readonly kind: "constant"; readonly constant: Constant }
  | { readonly kind: "reshaped"; readonly base: GraphTensor }
  /** Axis i is axis `axes[i]` of the base. */
  | {
    readonly kind: "transposed";
    readonly base: GraphTensor;
    readonly axes: readonly number[];
  };

/** Numbers that do not depend on the input. */
export interface Constant {
  readonly name: string;
  readonly values: Float32Array;
  /** Whether they were trained. */
  readonly isWeight: boolean;
  /** Whether they are the filter of a convolution. */
  readonly isFilter?: boolean;
}

/** The tensors of a traced graph and the ONNX graph that computes them. */
export class GraphTensors {
  readonly #tensors = new Map<TracedTensor, GraphTensor>();

  constructor(readonly builder: GraphBuilder, readonly sizes: SizeNodes) {}

  /** The value of a traced tensor, which a call before this one made. */
  get(traced: TracedTensor | undefined): GraphTensor {
    const tensor = traced && this.#tensors.get(traced);
    if (tensor === undefined) {
      throw new TypeError("Cannot export: a tensor has no origin");
    }
    return tensor;
  }

  /** Says what a traced tensor is. */
  set(traced: TracedTensor | undefined, tensor: GraphTensor): void {
    if (traced !== undefined) this.#tensors.set(traced, tensor);
  }

  /** A tensor that a node made; its lengths are known sizes from then on. */
  made(
    shape: readonly Size[],
    value: string,
    order: AxisOrder = plain(shape),
  ): GraphTensor {
    order.forEach((axis, at) => {
      const attributes = { start: at, end: at + 1 };
      this.sizes.define(
        shape[axis] ?? 0,
        () => this.builder.node("Shape", [value], { attributes }),
      );
    });
    const values = new Map([[String(order), value]]);
    return { shape, source: { kind: "made", order }, values };
  }

  /** A tensor of numbers. */
  constant(shape: readonly number[], constant: Constant): GraphTensor {
    return { shape, source: { kind: "constant", constant }, values: new Map() };
  }

  /** A node whose only output has the order in which its first operand was made. */
  apply(
    operator: string,
    x: GraphTensor,
    others: readonly string[] = [],
    options: NodeOptions = {},
  ): GraphTensor {
    const order = this.orderOf(x);
    const value = this.builder.node(operator, [this.value(x, order), ...others], options);
    return this.made(x.shape, value, order);
  }

  /** Softmax over the last axis. */
  softmax(x: GraphTensor): GraphTensor {
    const axis = this.orderOf(x).indexOf(x.shape.length - 1);
    return this.apply("Softmax", x, [], { attributes: { axis } });
  }

  /** The same elements in another shape. */
  reshape(x: GraphTensor, shape: readonly Size[]): GraphTensor {
    if (equalShapes(x.shape, shape)) return x;
    const { source } = x;
    if (source.kind === "constant") {
      return this.constant(shape.map(Number), source.constant);
    }
    const base = source.kind === "reshaped" ? source.base : x;
    if (equalShapes(base.shape, shape)) return base;
    return { shape, source: { kind: "reshaped", base }, values: new Map() };
  }

  /** The same tensor with axis `axes[i]` as axis i. */
  transpose(x: GraphTensor, axes: readonly number[]): GraphTensor {
    const shape = axes.map((axis) => x.shape[axis] ?? 1);
    return { shape, source: { kind: "transposed", base: x, axes }, values: new Map() };
  }

  /** The order of axes in which a tensor needs no further node. */
  orderOf({ shape, source }: GraphTensor): AxisOrder {
    if (source.kind === "made") return source.order;
    if (source.kind !== "transposed") return plain(shape);
    return this.orderOf(source.base).map((axis) => source.axes.indexOf(axis));
  }

  /** The value that holds a tensor, by default with its axes in their own order. */
  value(x: GraphTensor, order: AxisOrder = plain(x.shape)): string {
    const key = String(order);
    const known = x.values.get(key);
    if (known !== undefined) return known;
    const value = this.#make(x, order);
    x.values.set(key, value);
    return value;
  }

  #make(x: GraphTensor, order: AxisOrder): string {
    const { shape, source } = x;
    if (source.kind === "transposed") {
      return this.value(source.base, order.map((axis) => source.axes[axis] ?? axis));
    }
    if (source.kind === "constant") {
      const { name, values, isWeight } = source.constant;
      const lengths = shape.map(Number);
      const elements = permuted(values, lengths, order);
      const ordered = order.map((axis) => lengths[axis] ?? 1);
      return isWeight
        ? this.builder.weights(name, elements, ordered)
        : elements.length === 1 && ordered.length === 0
        ? this.builder.float(elements[0] ?? 0)
        : this.builder.floats(name, elements, ordered);
    }
    if (source.kind === "reshaped" && String(order) === String(plain(shape))) {
      const target = this.#targetShape(source.base.shape, shape);
      const value = this.builder.node("Reshape", [this.value(source.base), target]);
      order.forEach((axis) => {
        const attributes = { start: axis, end: axis + 1 };
        this.sizes.define(
          shape[axis] ?? 0,
          () => this.builder.node("Shape", [value], { attributes }),
        );
      });
      return value;
    }
    const from = source.kind === "made" ? source.order : plain(shape);
    const perm = order.map((axis) => from.indexOf(axis));
    return this.builder.node("Transpose", [this.value(x, from)], {
      attributes: { perm },
    });
  }

  // What Reshape takes: 0 copies a side of its operand, -1 is what remains.
  #targetShape(from: readonly Size[], to: readonly Size[]): string {
    const lengths = to.map((size, i) =>
      isVarying(size) && equalSizes(size, from[i] ?? NaN) ? 0 : size
    );
    const open = lengths.flatMap((size, i) => isVarying(size) ? [i] : []);
    const rest = open.find((i) => !this.sizes.isKnown(lengths[i] ?? 0)) ?? open[0];
    return this.sizes.list(lengths.map((size, i) => i === rest ? -1 : size));
  }

  /** A node of two operands that are broadcast as in NumPy. */
  binary(
    operator: string,
    a: GraphTensor,
    b: GraphTensor,
    shape: readonly Size[],
  ): GraphTensor {
    const isMap = (x: GraphTensor) =>
      x.shape.length === shape.length && x.source.kind !== "constant";
    const main = isMap(a) ? a : isMap(b) ? b : null;
    const order = main === null ? plain(shape) : this.orderOf(main);
    const operands = [a, b].map((x) => this.#broadcastable(x, order));
    return this.made(shape, this.builder.node(operator, operands), order);
  }

  // A value that broadcasting aligns with values in an order of axes.
  #broadcastable(x: GraphTensor, order: AxisOrder): string {
    const missing = order.length - x.shape.length;
    const isPlain = String(order) === String(plain(order));
    if (x.shape.length === 0 || (missing > 0 && isPlain)) return this.value(x);
    const ones = Array.from({ length: missing }, () => 1);
    return this.value(this.reshape(x, [...ones, ...x.shape]), order);
  }
}

/** The axes in their own order. */
export const plain = (shape: readonly unknown[]): AxisOrder => [...shape.keys()];

/** What the layer of some weights is called; undefined if they are not trained. */
export function layerNameOf({ source }: GraphTensor): string | undefined {
  if (source.kind !== "constant" || !source.constant.isWeight) return undefined;
  return source.constant.name.replace(/\.(weight|bias)$/, "");
}

/** A tensor's elements where they do not depend on the input. */
export const constantOf = ({ source }: GraphTensor): Constant | null =>
  source.kind === "constant" ? source.constant : null;

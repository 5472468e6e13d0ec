/** Putting the nodes and the constants of an ONNX graph together. @module */
import { numel } from "../core/host_tensor.ts";
import {
  ELEMENT_TYPES,
  type ElementType,
  type OnnxAttribute,
  type OnnxNode,
  type OnnxTensor,
} from "../formats/onnx_file.ts";

/** How a node is written. */
export interface NodeOptions {
  /** What follows the number in its name, such as the layer whose weights it has. */
  readonly name?: string | undefined;
  readonly attributes?: Readonly<Record<string, OnnxAttribute>>;
  /** @default {1} */
  readonly outputs?: number;
}

/** Whether weights are stored in half of the bytes. */
export interface GraphBuilderOptions {
  readonly half: boolean;
}

/** Numbers beyond this have no float16. */
export const MAX_FLOAT16 = 65504;

/** An ONNX graph that grows. Equal nodes and equal constants exist once. */
export class GraphBuilder {
  readonly nodes: OnnxNode[] = [];
  readonly initializers: OnnxTensor[] = [];
  readonly #known = new Map<string, readonly string[]>();
  readonly #names = new Set(["image", "pixel_values", "logits", "labels"]);

  constructor(readonly options: GraphBuilderOptions) {}

  /** Adds a node with one output. @returns The output. */
  node(operator: string, inputs: readonly string[], options: NodeOptions = {}): string {
    return this.nodeWithOutputs(operator, inputs, options)[0] ?? "";
  }

  /** Adds a node. @returns Its outputs. */
  nodeWithOutputs(
    operator: string,
    inputs: readonly string[],
    { name = operator, attributes = {}, outputs: count = 1 }: NodeOptions = {},
  ): readonly string[] {
    const key = JSON.stringify([operator, inputs, attributes, count]);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const nodeName = this.#freeName(name);
    const outputs = Array.from(
      { length: count },
      (_, i) => count === 1 ? `${nodeName}:0` : `${nodeName}:${i}`,
    );
    this.nodes.push({ name: nodeName, operator, inputs, outputs, attributes });
    this.#known.set(key, outputs);
    return outputs;
  }

  /** Adds whole numbers. A shape of [] makes a scalar. @returns Their name. */
  integers(values: readonly number[], shape: readonly number[] = [values.length]) {
    const key = JSON.stringify(["int64", values, shape]);
    const [known] = this.#known.get(key) ?? [];
    if (known !== undefined) return known;
    const bytes = new Uint8Array(BigInt64Array.from(values.map(BigInt)).buffer);
    const short = values.length <= MAX_NAMED_INTEGERS;
    const name = this.#freeName(short ? `int_${values.join("_")}` : "ints");
    this.initializers.push({ name, type: "int64", shape, bytes });
    this.#known.set(key, [name]);
    return name;
  }

  /** Adds a float. @returns Its name. */
  float(value: number): string {
    const key = `float ${value}`;
    const [known] = this.#known.get(key) ?? [];
    if (known !== undefined) return known;
    const name = this.floats(`float_${value}`, new Float32Array([value]), []);
    this.#known.set(key, [name]);
    return name;
  }

  /** Adds floats, which keep their precision. @returns Their name. */
  floats(name: string, values: Float32Array, shape: readonly number[]): string {
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    const key = `floats ${name} ${shape}`;
    const same = this.initializers.find((one) =>
      this.#known.get(key)?.includes(one.name) && equalBytes(one.bytes, bytes)
    );
    if (same !== undefined) return same.name;
    const free = this.#freeName(name);
    this.initializers.push({ name: free, type: "float", shape, bytes });
    this.#known.set(key, [...this.#known.get(key) ?? [], free]);
    return free;
  }

  /**
   * Adds trained weights. In half precision matrices and filters are float16, which a
   * node casts; vectors, and tensors with numbers that float16 lacks, stay as they are.
   *
   * @returns The name of their float32.
   */
  weights(name: string, values: Float32Array, shape: readonly number[]): string {
    const axes = shape.filter((side) => side > 1).length;
    const fits = axes > 1 && values.every((value) => Math.abs(value) <= MAX_FLOAT16);
    if (!this.options.half || !fits) return this.floats(name, values, shape);
    const free = this.#freeName(name);
    const bytes = new Uint8Array(Float16Array.from(values).buffer);
    this.initializers.push({ name: free, type: "float16", shape, bytes });
    return this.cast(free, "float", `${name}.cast`);
  }

  /** Adds a conversion to another type. @returns Its output. */
  cast(value: string, type: ElementType, name = "Cast"): string {
    return this.node("Cast", [value], { name, attributes: { to: ELEMENT_TYPES[type] } });
  }

  /** Bytes of all constants. */
  get constantBytes(): number {
    return this.initializers.reduce((sum, { bytes }) => sum + bytes.length, 0);
  }

  #freeName(wanted: string): string {
    let name = wanted;
    for (let i = 1; this.#names.has(name); i++) name = `${wanted}_${i}`;
    this.#names.add(name);
    return name;
  }
}

const equalBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, i) => byte === b[i]);

// Longer lists would make unreadable names.
const MAX_NAMED_INTEGERS = 4;

/** The elements of a tensor whose axes are put into another order. */
export function permuted(
  values: Float32Array,
  shape: readonly number[],
  order: readonly number[],
): Float32Array {
  const strides = shape.map((_, axis) => numel(shape.slice(axis + 1)));
  const lengths = order.map((axis) => shape[axis] ?? 1);
  const steps = order.map((axis) => strides[axis] ?? 1);
  const result = new Float32Array(values.length);
  const place = lengths.map(() => 0);
  let from = 0;
  for (let i = 0; i < result.length; i++) {
    result[i] = values[from] ?? 0;
    for (let axis = lengths.length - 1; axis >= 0; axis--) {
      const step = steps[axis] ?? 0;
      place[axis] = (place[axis] ?? 0) + 1;
      from += step;
      if ((place[axis] ?? 0) < (lengths[axis] ?? 0)) break;
      from -= step * (place[axis] ?? 0);
      place[axis] = 0;
    }
  }
  return result;
}

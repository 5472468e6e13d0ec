/**
 * Sizes that an ONNX graph computes from its input while it runs.
 *
 * A size is known by its values in the traces. Where it comes from follows from the step
 * that uses it: mostly it is a side of a tensor that exists already, at times a multiple,
 * a part or a product of such sides. Traces differ enough for a relation that holds in all
 * of them to be no coincidence.
 *
 * @module
 */
import type { GraphBuilder } from "./graph_builder.ts";
import { equalSizes, isVarying, mapSizes, type Size } from "./size.ts";
import { TraceDifferenceError } from "./trace.ts";

/** The largest number by which a side is divided and rounded. */
const MAX_DIVISOR = 64;

interface KnownSize {
  readonly size: readonly number[];
  /** Adds the nodes that compute it. @returns An int64 tensor of one element. */
  readonly emit: () => string;
}

/** Sizes as nodes of a graph; each is an int64 tensor of one element. */
export class SizeNodes {
  readonly #builder: GraphBuilder;
  readonly #known = new Map<string, KnownSize>();

  constructor(builder: GraphBuilder) {
    this.#builder = builder;
  }

  /** Says where a size can be had; of several places the first is used. */
  define(size: Size, emit: () => string): void {
    if (!isVarying(size)) return;
    const key = size.join();
    if (!this.#known.has(key)) this.#known.set(key, { size, emit });
  }

  /** Whether a size is fixed or has been defined. */
  isKnown(size: Size): boolean {
    return !isVarying(size) || this.#known.has(size.join());
  }

  /**
   * The node of a size.
   *
   * @throws {TraceDifferenceError} If it follows from no side of a tensor.
   */
  of(size: Size): string {
    if (!isVarying(size)) return this.#builder.integers([size]);
    const known = this.#known.get(size.join());
    if (known !== undefined) return known.emit();
    const name = this.#derive(size);
    this.define(size, () => name);
    return name;
  }

  /** The node of a list of sizes, such as a shape. */
  list(sizes: readonly Size[]): string {
    const parts: (string | number[])[] = [];
    for (const size of sizes) {
      const last = parts.at(-1);
      if (isVarying(size)) parts.push(this.of(size));
      else if (Array.isArray(last)) last.push(size);
      else parts.push([size]);
    }
    const names = parts.map((part) =>
      typeof part === "string" ? part : this.#builder.integers(part)
    );
    const [only = this.#builder.integers([])] = names;
    return names.length > 1
      ? this.#builder.node("Concat", names, { attributes: { axis: 0 } })
      : only;
  }

  /** ⌈a / b⌉, which is a known size from then on. */
  ceilDiv(a: Size, b: number): Size {
    const size = mapSizes([a], (value) => Math.ceil(value / b));
    this.define(size, () => this.#divide(this.#binary("Add", this.of(a), b - 1), b));
    return size;
  }

  /** a · b, which is a known size from then on. */
  product(a: Size, b: Size): Size {
    if (b === 1) return a;
    const size = mapSizes([a, b], (x, y) => x * y);
    this.define(size, () => this.#builder.node("Mul", [this.of(a), this.of(b)]));
    return size;
  }

  /** a + b, which is a known size from then on. */
  sum(a: Size, b: Size): Size {
    if (a === 0) return b;
    const size = mapSizes([a, b], (x, y) => x + y);
    this.define(size, () => this.#builder.node("Add", [this.of(a), this.of(b)]));
    return size;
  }

  /** a − b, which is a known size from then on. */
  difference(a: Size, b: Size): Size {
    if (b === 0) return a;
    const size = mapSizes([a, b], (x, y) => x - y);
    this.define(size, () => this.#builder.node("Sub", [this.of(a), this.of(b)]));
    return size;
  }

  /** The size as a scalar, as `Range` takes it. */
  scalar(size: Size): string {
    if (!isVarying(size)) return this.#builder.integers([size], []);
    return this.#builder.node("Squeeze", [this.of(size)]);
  }

  #binary(operator: string, name: string, by: number): string {
    return this.#builder.node(operator, [name, this.#builder.integers([by])]);
  }

  #divide(name: string, by: number): string {
    return this.#binary("Div", name, by);
  }

  // The multiple nearest to a side, or the last one up to a percentage of it.
  #multipleNear(side: Size, size: Size, emit: () => string): string | null {
    for (let by = 2; by <= MAX_DIVISOR; by++) {
      const rest = mapSizes([size], (value) => value % by);
      if (rest !== 0) continue;
      const nearest = mapSizes([side], (one) => by * Math.floor((one + by / 2) / by));
      if (equalSizes(nearest, size)) {
        const doubled = this.#binary("Add", this.#binary("Mul", emit(), 2), by);
        return this.#binary("Mul", this.#divide(doubled, 2 * by), by);
      }
      const least = mapSizes([size, side], (value, one) => Math.ceil(100 * value / one));
      const percent = Math.max(...isVarying(least) ? least : [least]);
      const below = mapSizes(
        [side],
        (one) => by * Math.floor(one * percent / (100 * by)),
      );
      if (!equalSizes(below, size)) continue;
      const hundredths = this.#binary("Mul", emit(), percent);
      return this.#binary("Mul", this.#divide(hundredths, 100 * by), by);
    }
    return null;
  }

  #derive(size: readonly number[]): string {
    const known = [...this.#known.values()].filter(({ size: side }) => side !== size);
    const matches = (other: Size) => equalSizes(other, size);
    for (const { size: side, emit } of known) {
      const factor = mapSizes([size, side], (value, one) => value / one);
      if (isVarying(factor)) continue;
      if (Number.isInteger(factor)) return this.#binary("Mul", emit(), factor);
      const divisor = mapSizes([size, side], (value, one) => one / value);
      if (!isVarying(divisor) && Number.isInteger(divisor)) {
        return this.#divide(emit(), divisor);
      }
    }
    for (const { size: side, emit } of known) {
      const added = mapSizes([size, side], (value, one) => value - one);
      if (!isVarying(added)) return this.#binary("Add", emit(), added);
    }
    for (const { size: side, emit } of known) {
      for (let by = 2; by <= MAX_DIVISOR; by++) {
        if (matches(mapSizes([side], (one) => Math.ceil(one / by)))) {
          return this.#divide(this.#binary("Add", emit(), by - 1), by);
        }
        if (matches(mapSizes([side], (one) => Math.floor(one / by)))) {
          return this.#divide(emit(), by);
        }
      }
    }
    for (const { size: side, emit } of known) {
      const rounded = this.#multipleNear(side, size, emit);
      if (rounded !== null) return rounded;
    }
    for (const [i, a] of known.entries()) {
      for (const b of known.slice(i)) {
        const factor = mapSizes([size, a.size, b.size], (value, x, y) => value / (x * y));
        if (isVarying(factor) || !Number.isInteger(factor)) continue;
        const product = this.#builder.node("Mul", [a.emit(), b.emit()]);
        return factor === 1 ? product : this.#binary("Mul", product, factor);
      }
    }
    throw new TraceDifferenceError(
      `the network computes sizes (${
        size.join(", ")
      }) that do not follow from a tensor's`,
    );
  }
}

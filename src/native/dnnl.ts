/**
 * oneDNN's objects: layouts, primitives and the memory that they run on.
 *
 * A primitive is one operation on fixed shapes, compiled for the processor; making one takes
 * milliseconds. {@linkcode openDnnl} keeps the newest, each under the key of its plan.
 *
 * @module
 */
import { createPrimitiveCache } from "./primitive_cache.ts";
import type { Symbols } from "./symbols.ts";

/** Memory of a tensor, from its first byte on; a view, never an address. */
export type View = Float32Array | Int32Array | Uint8Array;

/** Runs on memory, in the order that the plan names. */
export type Run = (...views: View[]) => void;

/** Says how a primitive is made. */
export interface PrimitivePlan {
  /** Equal for equal primitives, and only for them. */
  readonly key: string;
  /** Makes it, with objects that the builder owns. */
  build(builder: PrimitiveBuilder): Run;
}

/** A place that a primitive reads or writes: the argument's number and its layout. */
export type Port = readonly [argument: number, layout: bigint];

/** Makes what a primitive needs; descriptions live until it is made. */
export interface PrimitiveBuilder {
  readonly symbols: Symbols;
  /** Attributes of every primitive. */
  readonly attributes: bigint;
  /** float32 of a shape; row-major unless strides, in elements, are given. */
  layout(shape: readonly number[], strides?: readonly number[]): bigint;
  /** float32 of a shape, laid out as the primitive computes fastest. */
  anyLayout(shape: readonly number[]): bigint;
  /** A description of a primitive; `create` gets the place of the answer and the engine. */
  describe(
    create: (answer: BigUint64Array<ArrayBuffer>, engine: bigint) => number,
  ): bigint;
  /** The layout that a description has chosen. */
  chosenLayout(description: bigint, query: number): bigint;
  /** How many bytes a layout takes. */
  sizeOf(layout: bigint): number;
  /** The primitive of a description; it takes views in the order of the ports. */
  primitive(description: bigint, ports: readonly Port[]): Run;
  /** What copies from one layout to another; null where they are the same. */
  reorder(from: bigint, to: bigint): Run | null;
  /** Memory that all primitives share: what is in it lasts until the next call. */
  scratch(bytes: number): View;
}

/** Numbers of arguments, by `dnnl_types.h`. */
export const ARGUMENT = {
  source: 1,
  result: 17,
  weights: 33,
  bias: 41,
  mean: 49,
  variance: 50,
  scale: 51,
  shift: 52,
  sourceGradient: 129,
  resultGradient: 145,
  weightsGradient: 161,
  biasGradient: 169,
  scaleGradient: 255,
  shiftGradient: 256,
} as const;

/** Which layout of a description is asked for. */
export const QUERY = { weights: 131, weightsGradient: 132 } as const;

/** What a primitive is for. */
export const PROPAGATION = { training: 64, inference: 96, backward: 128 } as const;

const FLOAT32 = 3;
const ANY_TAG = 1;
const CPU = 1;
const IN_ORDER = 1;
const UNIMPLEMENTED = 3;
const STATUS = [
  "success",
  "out of memory",
  "invalid arguments",
  "unimplemented",
  "last implementation reached",
  "runtime error",
  "not required",
];

/** oneDNN allows no more dimensions. */
const MAX_RANK = 12;

/** The newest primitives that are kept. */
export const PRIMITIVE_CAPACITY = 512;

/** An open oneDNN. */
export interface Dnnl {
  /**
   * Runs what a plan describes.
   *
   * @param views Memory of its arguments; each must be as large as its layout.
   * @returns False where oneDNN has no such primitive; then nothing has been written.
   * @throws {RangeError} If a view is too small or missing: nothing is read or written
   * beyond the end of one.
   * @throws {Error} If oneDNN fails.
   */
  run(plan: PrimitivePlan, ...views: View[]): boolean;
  /** How many primitives are kept. */
  readonly primitiveCount: number;
  /** Destroys all primitives; those that are needed again are made again. */
  clear(): void;
  /** Destroys everything. */
  close(): void;
}

class Unimplemented extends Error {}

/** Starts oneDNN on the functions of its library. */
export function openDnnl(symbols: Symbols, capacity = PRIMITIVE_CAPACITY): Dnnl {
  const answer = new BigUint64Array(1);
  // Calls a function that answers through its first parameter.
  const make = (call: (answer: BigUint64Array<ArrayBuffer>) => number): bigint => {
    check(call(answer));
    return answer[0] ?? 0n;
  };
  // Ours holds what is used again; theirs would keep what ours has let go.
  check(symbols.dnnl_set_primitive_cache_capacity(0));
  const engine = make((at) => symbols.dnnl_engine_create(at, CPU, 0n));
  const stream = make((at) => symbols.dnnl_stream_create(at, engine, IN_ORDER));
  const attributes = make((at) => symbols.dnnl_primitive_attr_create(at));
  const setDeterministic = symbols.dnnl_primitive_attr_set_deterministic;
  if (setDeterministic) check(setDeterministic(attributes, 1));
  let scratchMemory = new Uint8Array(1 << 16);

  const build = (plan: PrimitivePlan): CachedPrimitive | null => {
    const descriptions: (() => void)[] = [];
    const objects: (() => void)[] = [];
    const owned = (
      list: (() => void)[],
      handle: bigint,
      destroy: (handle: bigint) => number,
    ) => {
      list.push(() => destroy(handle));
      return handle;
    };
    let isAlive = true;
    const builder: PrimitiveBuilder = {
      symbols,
      attributes,
      layout: (shape, strides = rowMajorStrides(shape)) =>
        owned(
          descriptions,
          make((at) =>
            symbols.dnnl_memory_desc_create_with_strides(
              ...[at, shape.length, dimensions(shape), FLOAT32, dimensions(strides)],
            )
          ),
          symbols.dnnl_memory_desc_destroy,
        ),
      anyLayout: (shape) =>
        owned(
          descriptions,
          make((at) =>
            symbols.dnnl_memory_desc_create_with_tag(
              ...[at, shape.length, dimensions(shape), FLOAT32, ANY_TAG],
            )
          ),
          symbols.dnnl_memory_desc_destroy,
        ),
      describe: (create) =>
        owned(
          descriptions,
          make((at) => create(at, engine)),
          symbols.dnnl_primitive_desc_destroy,
        ),
      chosenLayout: (description, query) =>
        symbols.dnnl_primitive_desc_query_md(description, query, 0),
      sizeOf: (layout) => Number(symbols.dnnl_memory_desc_get_size(layout)),
      primitive(description, ports) {
        const handle = owned(
          objects,
          make((at) => symbols.dnnl_primitive_create(at, description)),
          symbols.dnnl_primitive_destroy,
        );
        const memories = ports.map(([, layout]) =>
          owned(
            objects,
            make((at) => symbols.dnnl_memory_create(at, layout, engine, 0n)),
            symbols.dnnl_memory_destroy,
          )
        );
        const sizes = ports.map(([, layout]) => builder.sizeOf(layout));
        // An array of { int argument; dnnl_memory_t memory }.
        const table = new BigInt64Array(2 * ports.length);
        ports.forEach(([argument], i) =>
          table.set([BigInt(argument), memories[i] ?? 0n], 2 * i)
        );
        return (...views) => {
          if (!isAlive) throw new Error(`Cannot run "${plan.key}": it was destroyed`);
          assertSizes(plan.key, sizes, views);
          memories.forEach((memory, i) =>
            check(symbols.dnnl_memory_set_data_handle(memory, bufferOf(views[i])))
          );
          check(symbols.dnnl_primitive_execute(handle, stream, ports.length, table));
        };
      },
      reorder(from, to) {
        if (symbols.dnnl_memory_desc_equal(from, to) !== 0) return null;
        const description = builder.describe((at, engine) =>
          symbols.dnnl_reorder_primitive_desc_create(at, from, engine, to, engine, 0n)
        );
        const { source, result } = ARGUMENT;
        return builder.primitive(description, [[source, from], [result, to]]);
      },
      scratch(bytes) {
        if (bytes > scratchMemory.length) scratchMemory = new Uint8Array(bytes);
        return scratchMemory;
      },
    };
    const destroy = () => {
      isAlive = false;
      objects.forEach((each) => each());
    };
    try {
      return { run: plan.build(builder), destroy };
    } catch (error) {
      destroy();
      if (error instanceof Unimplemented) return null;
      throw error;
    } finally {
      descriptions.reverse().forEach((each) => each());
    }
  };

  const cache = createPrimitiveCache<CachedPrimitive | null>(
    capacity,
    (primitive) => primitive?.destroy(),
  );
  return {
    run(plan, ...views) {
      const primitive = cache.get(plan.key, () => build(plan));
      primitive?.run(...views);
      return primitive !== null;
    },
    get primitiveCount() {
      return cache.size;
    },
    clear: () => cache.clear(),
    close() {
      cache.clear();
      symbols.dnnl_primitive_attr_destroy(attributes);
      symbols.dnnl_stream_destroy(stream);
      symbols.dnnl_engine_destroy(engine);
    },
  };
}

interface CachedPrimitive {
  readonly run: Run;
  destroy(): void;
}

function check(status: number): void {
  if (status === 0) return;
  const message = `Cannot run oneDNN: ${STATUS[status] ?? `status ${status}`}`;
  throw status === UNIMPLEMENTED ? new Unimplemented(message) : new Error(message);
}

// Beyond the end of a view oneDNN would read and write what belongs to other tensors.
function assertSizes(
  key: string,
  sizes: readonly number[],
  views: readonly View[],
): void {
  if (views.length !== sizes.length) {
    throw new RangeError(
      `Cannot run "${key}": it takes ${sizes.length} arguments, not ${views.length}`,
    );
  }
  sizes.forEach((size, i) => {
    const bytes = views[i]?.byteLength ?? 0;
    // Asking for the buffer also pins a small array, which V8 could move until then. That
    // of a heap that has grown has no bytes left.
    if (bytes >= size && (views[i]?.buffer.byteLength ?? 0) >= size) return;
    throw new RangeError(
      `Cannot run "${key}": argument ${i} has ${bytes} bytes, not the ${size} of its shape`,
    );
  });
}

// Deno passes views of shared memory, too; its types do not say so.
function bufferOf(view: View | undefined): Uint8Array<ArrayBuffer> {
  return view as Uint8Array<ArrayBuffer>;
}

/** Numbers as oneDNN takes them. */
export function dimensions(values: readonly number[]): BigInt64Array<ArrayBuffer> {
  const all = new BigInt64Array(MAX_RANK);
  values.forEach((value, i) => all[i] = BigInt(value));
  return all;
}

function rowMajorStrides(shape: readonly number[]): number[] {
  let stride = 1;
  return shape.map((_, i) => {
    const own = stride;
    stride *= Math.max(1, shape[shape.length - 1 - i] ?? 1);
    return own;
  }).reverse();
}

/** Weights under our names, and the files that others write of the same networks. */
import type { HostTensor } from "../../../src/core/host_tensor.ts";
import type { DerivedBuffer, Parameter } from "../../../src/core/network.ts";
import { pytorchShape } from "../../../src/core/weights.ts";

interface Part {
  readonly parameters: readonly Parameter[];
  readonly derivedBuffers?: readonly DerivedBuffer[];
}

export type File = Map<string, HostTensor>;

export const tensor = (
  shape: readonly number[],
  values: readonly number[],
): HostTensor => ({
  dtype: "F32",
  shape,
  bytes: new Uint8Array(Float32Array.from(values).buffer),
});

export const numbersOf = ({ bytes }: HostTensor): number[] => [
  ...new Float32Array(bytes.slice().buffer),
];

let last = 0;

/** A tensor whose elements no other tensor has. */
export const distinct = (...shape: number[]): HostTensor =>
  tensor(
    shape,
    Array.from({ length: shape.reduce((all, side) => all * side, 1) }, () => ++last),
  );

const counter = (count: number): HostTensor => ({
  dtype: "I64",
  shape: [],
  bytes: new Uint8Array(BigInt64Array.of(BigInt(count)).buffer),
});

/** Values for all parameters and derived buffers of some parts of a network. */
export function ownWeights(...parts: readonly Part[]): File {
  const own: File = new Map();
  for (const { parameters, derivedBuffers = [] } of parts) {
    for (const one of parameters) {
      own.set(
        one.name,
        one.layout === "counter" ? counter(++last) : distinct(...pytorchShape(one)),
      );
    }
    for (const { name, value } of derivedBuffers) own.set(name, value());
  }
  return own;
}

const BATCH_NORM = [
  "weight",
  "bias",
  "running_mean",
  "running_var",
  "num_batches_tracked",
] as const;

/** Writes a foreign file of our weights, and knows which of them it has not written. */
export class Exporter {
  readonly file: File = new Map();
  readonly #rest: File;

  constructor(own: ReadonlyMap<string, HostTensor>) {
    this.#rest = new Map(own);
  }

  /** One of our values, for the last time. */
  take(name: string): HostTensor {
    const value = this.#rest.get(name);
    if (value === undefined) throw new Error(`no "${name}" or already taken`);
    this.#rest.delete(name);
    return value;
  }

  put(name: string, value: HostTensor): void {
    if (this.file.has(name)) throw new Error(`"${name}" twice`);
    this.file.set(name, value);
  }

  one(foreign: string, own: string): void {
    this.put(foreign, this.take(own));
  }

  /** Weight and bias. */
  pair(foreign: string, own: string): void {
    for (const part of ["weight", "bias"]) {
      this.one(`${foreign}.${part}`, `${own}.${part}`);
    }
  }

  norm(foreign: string, own: string): void {
    for (const part of BATCH_NORM) this.one(`${foreign}.${part}`, `${own}.${part}`);
  }

  /** A convolution without bias and its batch norm. */
  conv(foreign: readonly [string, string], own: readonly [string, string]): void {
    this.one(`${foreign[0]}.weight`, `${own[0]}.weight`);
    this.norm(foreign[1], own[1]);
  }

  /** Everything else that begins with a prefix, as it is. */
  same(prefix: string): void {
    for (const name of [...this.#rest.keys()]) {
      if (name.startsWith(prefix)) this.one(name, name);
    }
  }

  /** Our names that the file does not have. */
  rest(): string[] {
    return [...this.#rest.keys()];
  }
}

/** Rows of a matrix or elements of a vector. */
export function rows(value: HostTensor, from: number, to: number): HostTensor {
  const [, ...rest] = value.shape;
  const width = rest.reduce((all, side) => all * side, 1);
  return tensor([to - from, ...rest], numbersOf(value).slice(from * width, to * width));
}

/** `x.reshape(…, C, 4)[…, [0, 2, 1, 3]].transpose(−1, −2)`: what unfolds, as Swin merges. */
export function asMerged(value: HostTensor): HostTensor {
  const width = value.shape.at(-1) ?? 0;
  const channels = width / 4;
  const numbers = numbersOf(value);
  const result: number[] = [];
  for (let row = 0; row < numbers.length; row += width) {
    for (const pixel of [0, 2, 1, 3]) {
      for (let c = 0; c < channels; c++) result.push(numbers[row + 4 * c + pixel] ?? NaN);
    }
  }
  return tensor(value.shape, result);
}

/** The four levels of a fusing convolution from the last to the first. */
export function coarseFirst(value: HostTensor): HostTensor {
  const [outputs = 0, inputs = 0] = value.shape;
  const numbers = numbersOf(value);
  const result = Array.from({ length: outputs }, (_, o) => {
    const row = numbers.slice(o * inputs, (o + 1) * inputs);
    const level = (i: number) => row.slice(i * inputs / 4, (i + 1) * inputs / 4);
    return [...level(3), ...level(2), ...level(1), ...level(0)];
  });
  return tensor(value.shape, result.flat());
}

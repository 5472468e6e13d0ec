/**
 * Reference of the pixel contrast in loops over double-precision numbers, with banks that
 * are plain lists: written from the formulas, for tests. It shares only the hash behind
 * random draws with the tested code.
 *
 * @module
 */
import { hashStreamName, pcg4d } from "../../src/core/random.ts";

type Vector = readonly number[];

export interface ReferenceContrastOptions {
  readonly classCount: number;
  /** Channels of the representation. */
  readonly channels: number;
  readonly numQueries: number;
  readonly numNegatives: number;
  readonly temperature: number;
  readonly ranks: readonly [number, number];
  readonly currentClassThreshold: number;
  readonly queueSize: number;
  readonly maxEnqueued: number;
}

/** The memory of one class. */
export interface ReferenceMemory {
  /** Unit vectors, the oldest first. */
  readonly bank: readonly Vector[];
  readonly prototype: Vector | null;
}

/** Teacher outputs of a batch in row-major order; labeled images come first. */
export interface ReferenceInputs {
  /** Images, rows and columns of the maps. */
  readonly mapSize: readonly [number, number, number];
  /** Rows and columns of the labels. */
  readonly labelSize: readonly [number, number];
  /** Labeled images. */
  readonly labeledCount: number;
  readonly logits: Vector;
  readonly representation: Vector;
  readonly labels: Vector;
  /** Of the unlabeled images; meaningless where ignored. */
  readonly entropy: Vector;
  /** α / 100 and m. */
  readonly schedule: readonly [number, number];
}

export interface ReferenceContrast {
  readonly loss: number;
  /** d(loss)/d(student representation). */
  readonly gradient: number[];
  /** The memory after this forward pass, per class. */
  readonly nextMemory: readonly ReferenceMemory[];
}

const IGNORED = 255;
const at = (values: ArrayLike<number>, i: number): number => values[i] ?? NaN;
const dot = (a: Vector, b: Vector) => a.reduce((sum, x, i) => sum + x * at(b, i), 0);
const unit = (x: Vector) => x.map((value) => value / Math.sqrt(dot(x, x)));

export function emptyMemory({ classCount }: ReferenceContrastOptions): ReferenceMemory[] {
  return Array.from({ length: classCount }, () => ({ bank: [], prototype: null }));
}

/** The percentile with linear interpolation. */
export function percentile(values: readonly number[], fraction: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const position = fraction * (sorted.length - 1);
  const low = Math.floor(position);
  const [below, above] = [at(sorted, low), sorted[low + 1] ?? at(sorted, low)];
  return below + (above - below) * (position - low);
}

/** The i-th number in [0, 1) of a stream. */
export function uniformAt(
  seed: number,
  stream: string,
  forwardIndex: number,
  i: number,
): number {
  const words = Uint32Array.of(seed, hashStreamName(stream), forwardIndex, i);
  pcg4d(words);
  return (at(words, 0) >>> 8) * 2 ** -24;
}

export function referenceContrast(
  inputs: ReferenceInputs,
  student: Vector,
  memory: readonly ReferenceMemory[],
  options: ReferenceContrastOptions,
  key: { readonly seed: number; readonly forwardIndex: number },
): ReferenceContrast {
  const { classCount, channels: D, numQueries: Q, numNegatives: N } = options;
  const { mapSize: [images, h, w], labelSize: [H, W] } = inputs;
  const { schedule: [fraction, momentum] } = inputs;
  const [low, high] = options.ranks;
  const uniform = (stream: string, i: number) =>
    uniformAt(key.seed, `contrast/${stream}`, key.forwardIndex, i);
  const offset = inputs.labeledCount * H * W;
  const labeledEntropy = Array.from(inputs.entropy)
    .filter((_, i) => at(inputs.labels, offset + i) !== IGNORED);
  const [lowEntropyBound, highEntropyBound] = [
    percentile(labeledEntropy, fraction),
    percentile(labeledEntropy, 1 - fraction),
  ];

  const pixels = Array.from({ length: images * h * w }, (_, i) => {
    const [image, y, x] = [Math.floor(i / (h * w)), Math.floor(i / w) % h, i % w];
    const place = (image * H + Math.floor(y * H / h)) * W + Math.floor(x * W / w);
    const label = at(inputs.labels, place);
    const isLabeled = image < inputs.labeledCount;
    const entropy = isLabeled ? 0 : at(inputs.entropy, place - offset);
    const pixelLogits = inputs.logits.slice(i * classCount, (i + 1) * classCount);
    const powers = pixelLogits.map(Math.exp);
    const sum = powers.reduce((a, b) => a + b);
    const order = pixelLogits.map((_, c) => c)
      .sort((a, b) => at(pixelLogits, b) - at(pixelLogits, a) || a - b);
    return {
      label,
      isLabeled,
      isConfident: label !== IGNORED && (isLabeled || entropy <= lowEntropyBound),
      isUncertain: label !== IGNORED && (isLabeled || entropy >= highEntropyBound),
      probability: (c: number) => at(powers, c) / sum,
      rank: (c: number) => order.indexOf(c),
      teacher: inputs.representation.slice(i * D, (i + 1) * D),
      student: student.slice(i * D, (i + 1) * D),
    };
  });
  const indices = pixels.map((_, i) => i);
  const pick = (from: readonly number[], i: number) => pixels[from[i] ?? -1];

  const nextMemory = memory.map(({ bank, prototype }, c): ReferenceMemory => {
    const negatives = indices.filter((i) => {
      const { label, isLabeled, isUncertain, rank } = pixels[i] ?? fail();
      if (!isUncertain) return false;
      return isLabeled ? rank(c) < low && label !== c : rank(c) >= low && rank(c) < high;
    });
    const maximum = options.maxEnqueued;
    const chosen = negatives.length <= maximum
      ? negatives
      : Array.from({ length: maximum }, (_, j) => {
        const from = Math.floor(j * negatives.length / maximum);
        const end = Math.floor((j + 1) * negatives.length / maximum);
        return at(
          negatives,
          from + Math.floor(uniform("new", c * maximum + j) * (end - from)),
        );
      });
    const newEntries = chosen.map((_, j) => unit((pick(chosen, j) ?? fail()).teacher));
    const members = pixels.filter(({ isConfident, label }) => isConfident && label === c);
    const mean = members[0]?.teacher.map((_, d) =>
      members.reduce((sum, { teacher }) => sum + at(teacher, d), 0) / members.length
    );
    const averaged = mean && prototype
      ? mean.map((x, d) => momentum * at(prototype, d) + (1 - momentum) * x)
      : mean ?? prototype;
    return {
      bank: [...bank, ...newEntries].slice(-options.queueSize),
      prototype: averaged,
    };
  });

  const anchors = nextMemory.map((_, c) =>
    indices.filter((i) => {
      const { isConfident, label, probability } = pixels[i] ?? fail();
      return isConfident && label === c && probability(c) > options.currentClassThreshold;
    })
  );
  const activeClasses = nextMemory.flatMap(({ bank }, c) =>
    bank.length > 0 && (anchors[c]?.length ?? 0) > 0 ? [c] : []
  );
  const gradient: number[] = Array(student.length).fill(0);
  if (activeClasses.length < 2) return { loss: 0, gradient, nextMemory };
  let loss = 0;
  const factor = 1 / activeClasses.length / Q;
  for (const c of activeClasses) {
    const { bank, prototype } = nextMemory[c] ?? fail();
    const classAnchors = anchors[c] ?? fail();
    for (let q = 0; q < Q; q++) {
      const query = c * Q + q;
      const pixel = at(
        classAnchors,
        Math.floor(uniform("anchors", query) * classAnchors.length),
      );
      const a = (pixels[pixel] ?? fail()).student;
      const negatives = Array.from(
        { length: N },
        (_, k) =>
          bank[Math.floor(uniform("negatives", query * N + k) * bank.length)] ?? fail(),
      );
      const compared = [unit(prototype ?? fail()), ...negatives];
      const powers = compared.map((b) => Math.exp(dot(unit(a), b) / options.temperature));
      const sum = powers.reduce((x, y) => x + y);
      loss -= factor * Math.log(at(powers, 0) / sum);
      const outer = a.map((_, d) =>
        compared.reduce(
          (total, b, k) => total + (at(powers, k) / sum - (k === 0 ? 1 : 0)) * at(b, d),
          0,
        ) * factor / options.temperature
      );
      const along = dot(outer, unit(a));
      const length = Math.sqrt(dot(a, a));
      for (let d = 0; d < D; d++) {
        const i = pixel * D + d;
        gradient[i] = at(gradient, i) + (at(outer, d) - along * at(unit(a), d)) / length;
      }
    }
  }
  return { loss, gradient, nextMemory };
}

function fail(): never {
  throw new Error("Cannot happen");
}

/**
 * The contrast of pixels in loops over double-precision numbers, with banks that are plain
 * lists: written from the formulas, for tests. It shares the hash behind random draws with
 * what is tested, and nothing else.
 *
 * @module
 */
import { pcg4d, streamOf } from "../../src/core/random.ts";

type Vector = readonly number[];

export interface PlainOptions {
  readonly classes: number;
  /** Channels of the representation. */
  readonly channels: number;
  readonly queries: number;
  readonly negatives: number;
  readonly temperature: number;
  readonly ranks: readonly [number, number];
  readonly minimumProbability: number;
  readonly entriesPerClass: number;
  readonly newPerIteration: number;
}

/** One class's past. */
export interface PlainPast {
  /** Unit vectors, the oldest first. */
  readonly bank: readonly Vector[];
  readonly prototype: Vector | null;
}

/** A batch as a teacher sees it, row by row; images with known labels come first. */
export interface PlainView {
  /** Images, rows and columns of the small maps and of the labels. */
  readonly small: readonly [number, number, number];
  readonly large: readonly [number, number];
  /** Images whose labels are known. */
  readonly known: number;
  readonly logits: Vector;
  readonly representation: Vector;
  readonly labels: Vector;
  /** Of the images after the known ones; no meaning without a label. */
  readonly entropy: Vector;
  /** α / 100 and m. */
  readonly schedule: readonly [number, number];
}

export interface PlainResult {
  readonly loss: number;
  /** d(loss)/d(the student's representation). */
  readonly slope: number[];
  /** What the past would be, class by class. */
  readonly next: readonly PlainPast[];
}

const IGNORED = 255;
const at = (values: ArrayLike<number>, i: number): number => values[i] ?? NaN;
const dot = (a: Vector, b: Vector) => a.reduce((sum, x, i) => sum + x * at(b, i), 0);
const unit = (x: Vector) => x.map((one) => one / Math.sqrt(dot(x, x)));

export function emptyPast({ classes }: PlainOptions): PlainPast[] {
  return Array.from({ length: classes }, () => ({ bank: [], prototype: null }));
}

/** The percentile with linear interpolation. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const position = share * (sorted.length - 1);
  const low = Math.floor(position);
  const [below, above] = [at(sorted, low), sorted[low + 1] ?? at(sorted, low)];
  return below + (above - below) * (position - low);
}

/** The i-th number in [0, 1) of a stream. */
export function uniformAt(
  seed: number,
  stream: string,
  evaluation: number,
  i: number,
): number {
  const words = Uint32Array.of(seed, streamOf(stream), evaluation, i);
  pcg4d(words);
  return (at(words, 0) >>> 8) * 2 ** -24;
}

export function plainContrast(
  view: PlainView,
  student: Vector,
  past: readonly PlainPast[],
  options: PlainOptions,
  key: { readonly seed: number; readonly evaluation: number },
): PlainResult {
  const { classes, channels: D, queries: Q, negatives: N } = options;
  const { small: [images, h, w], large: [H, W], schedule: [share, momentum] } = view;
  const [low, high] = options.ranks;
  const uniform = (stream: string, i: number) =>
    uniformAt(key.seed, `contrast/${stream}`, key.evaluation, i);
  const offset = view.known * H * W;
  const told = Array.from(view.entropy)
    .filter((_, i) => at(view.labels, offset + i) !== IGNORED);
  const [sureBound, unsureBound] = [percentile(told, share), percentile(told, 1 - share)];

  const pixels = Array.from({ length: images * h * w }, (_, i) => {
    const [image, y, x] = [Math.floor(i / (h * w)), Math.floor(i / w) % h, i % w];
    const place = (image * H + Math.floor(y * H / h)) * W + Math.floor(x * W / w);
    const label = at(view.labels, place);
    const known = image < view.known;
    const entropy = known ? 0 : at(view.entropy, place - offset);
    const own = view.logits.slice(i * classes, (i + 1) * classes);
    const powers = own.map(Math.exp);
    const sum = powers.reduce((a, b) => a + b);
    const order = own.map((_, c) => c).sort((a, b) => at(own, b) - at(own, a) || a - b);
    return {
      label,
      known,
      sure: label !== IGNORED && (known || entropy <= sureBound),
      unsure: label !== IGNORED && (known || entropy >= unsureBound),
      chance: (c: number) => at(powers, c) / sum,
      rank: (c: number) => order.indexOf(c),
      teacher: view.representation.slice(i * D, (i + 1) * D),
      student: student.slice(i * D, (i + 1) * D),
    };
  });
  const indices = pixels.map((_, i) => i);
  const pick = (from: readonly number[], i: number) => pixels[from[i] ?? -1];

  const next = past.map(({ bank, prototype }, c): PlainPast => {
    const negatives = indices.filter((i) => {
      const { label, known, unsure, rank } = pixels[i] ?? fail();
      if (!unsure) return false;
      return known ? rank(c) < low && label !== c : rank(c) >= low && rank(c) < high;
    });
    const most = options.newPerIteration;
    const chosen = negatives.length <= most
      ? negatives
      : Array.from({ length: most }, (_, j) => {
        const from = Math.floor(j * negatives.length / most);
        const end = Math.floor((j + 1) * negatives.length / most);
        return at(
          negatives,
          from + Math.floor(uniform("new", c * most + j) * (end - from)),
        );
      });
    const fresh = chosen.map((_, j) => unit((pick(chosen, j) ?? fail()).teacher));
    const members = pixels.filter(({ sure, label }) => sure && label === c);
    const mean = members[0]?.teacher.map((_, d) =>
      members.reduce((sum, { teacher }) => sum + at(teacher, d), 0) / members.length
    );
    const blended = mean && prototype
      ? mean.map((x, d) => momentum * at(prototype, d) + (1 - momentum) * x)
      : mean ?? prototype;
    return {
      bank: [...bank, ...fresh].slice(-options.entriesPerClass),
      prototype: blended,
    };
  });

  const anchors = next.map((_, c) =>
    indices.filter((i) => {
      const { sure, label, chance } = pixels[i] ?? fail();
      return sure && label === c && chance(c) > options.minimumProbability;
    })
  );
  const counted = next.flatMap(({ bank }, c) =>
    bank.length > 0 && (anchors[c]?.length ?? 0) > 0 ? [c] : []
  );
  const slope: number[] = Array(student.length).fill(0);
  if (counted.length < 2) return { loss: 0, slope, next };
  let loss = 0;
  const factor = 1 / counted.length / Q;
  for (const c of counted) {
    const { bank, prototype } = next[c] ?? fail();
    const own = anchors[c] ?? fail();
    for (let q = 0; q < Q; q++) {
      const query = c * Q + q;
      const pixel = at(own, Math.floor(uniform("anchors", query) * own.length));
      const a = (pixels[pixel] ?? fail()).student;
      const others = Array.from(
        { length: N },
        (_, k) =>
          bank[Math.floor(uniform("negatives", query * N + k) * bank.length)] ?? fail(),
      );
      const compared = [unit(prototype ?? fail()), ...others];
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
        slope[i] = at(slope, i) + (at(outer, d) - along * at(unit(a), d)) / length;
      }
    }
  }
  return { loss, slope, next };
}

function fail(): never {
  throw new Error("Cannot happen");
}

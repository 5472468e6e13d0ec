/**
 * Counter-based random numbers: each depends on (seed, stream, iteration, index) and on
 * nothing else, so a run can be resumed, replayed or split over workers without saving the
 * state of a generator. The same hash runs in WGSL (`ops/dropout`).
 *
 * Source: pcg4d of Jarzynski and Olano, "Hash Functions for GPU Rendering", JCGT 9(3),
 * 2020, https://jcgt.org/published/0009/03/02/.
 *
 * @module
 */

/** A reproducible sequence of random numbers. */
export interface Random {
  /** @returns A number in [0, 1), a multiple of 2⁻²⁴. */
  uniform(): number;
  /** @returns An integer in [0, below). */
  integer(below: number): number;
  /** @returns A draw from the standard normal distribution. */
  normal(): number;
  /** @returns `count` different integers of [0, below), in random order. */
  sample(below: number, count: number): number[];
  /** @returns 32 random bits, for use as a key. */
  bits(): number;
}

/** Mixes four 32-bit words in place; each output word depends on all inputs. */
export function pcg4d(words: Uint32Array): void {
  let [x = 0, y = 0, z = 0, w = 0] = words;
  x = Math.imul(x, 1664525) + 1013904223 | 0;
  y = Math.imul(y, 1664525) + 1013904223 | 0;
  z = Math.imul(z, 1664525) + 1013904223 | 0;
  w = Math.imul(w, 1664525) + 1013904223 | 0;
  x = x + Math.imul(y, w) | 0;
  y = y + Math.imul(z, x) | 0;
  z = z + Math.imul(x, y) | 0;
  w = w + Math.imul(y, z) | 0;
  x ^= x >>> 16;
  y ^= y >>> 16;
  z ^= z >>> 16;
  w ^= w >>> 16;
  x = x + Math.imul(y, w) | 0;
  y = y + Math.imul(z, x) | 0;
  z = z + Math.imul(x, y) | 0;
  w = w + Math.imul(y, z) | 0;
  words[0] = x;
  words[1] = y;
  words[2] = z;
  words[3] = w;
}

/** The number of a stream: the 32-bit FNV-1a hash of its name. */
export function hashStreamName(name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) {
    hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  }
  return hash >>> 0;
}

/**
 * The sequence of one (seed, stream, iteration).
 *
 * @param seed The seed of the run.
 * @param stream What the numbers are for, or the number of its name; different names give
 * unrelated numbers.
 * @param iteration Which use of the stream, counted from 0.
 */
export function createRandom(
  seed: number,
  stream: string | number,
  iteration = 0,
): Random {
  const key = typeof stream === "number" ? stream : hashStreamName(stream);
  const words = new Uint32Array(4);
  let drawn = 0;

  const bits = () => {
    const lane = drawn % 4;
    if (lane === 0) {
      words.set([seed >>> 0, key, iteration >>> 0, drawn / 4]);
      pcg4d(words);
    }
    drawn++;
    return words[lane] ?? 0;
  };
  const uniform = () => (bits() >>> 8) * 2 ** -24;
  const integer = (below: number) => Math.floor(uniform() * below);

  return {
    bits,
    uniform,
    integer,
    normal() {
      // Box–Muller; 1 − u keeps the logarithm finite.
      const radius = Math.sqrt(-2 * Math.log(1 - uniform()));
      return radius * Math.cos(2 * Math.PI * uniform());
    },
    sample(below, count) {
      const pool = Array.from({ length: below }, (_, i) => i);
      const samples: number[] = [];
      for (let i = 0; i < count; i++) {
        const [sample = 0] = pool.splice(integer(pool.length), 1);
        samples.push(sample);
      }
      return samples;
    },
  };
}

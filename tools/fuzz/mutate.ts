/** Damaged copies of good files, the same ones for the same seed. @module */

import { decodeLatin1 } from "../../src/formats/latin1.ts";

/** Whole numbers from 0 to below a bound. */
export type Random = (bound: number) => number;

/** A generator of 32 bits of state (mulberry32). */
export function randomFrom(seed: number): Random {
  let state = seed | 0;
  return (bound) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor(((t ^ (t >>> 14)) >>> 0) / 2 ** 32 * bound);
  };
}

/** Inputs grow no further. */
const MAX_BYTES = 1 << 16;

/** At most so many mutations make one input. */
const MAX_MUTATIONS = 4;

/** Numbers at which parsers go wrong. */
const EXTREMES = [
  ...[0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 1e5, 1e9],
  ...[2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 53 - 1, 2 ** 53, 2 ** 63],
];

/** Texts at which parsers go wrong. */
const WORDS = [
  ...["__proto__", "constructor", "toString", "null", "true", "NaN", "1e999", "-1"],
  ...["-0", "1e-7", "[", "]", "{", "}", '"', "'", ":", ",", "\n", "\0", "..", "/", "\\"],
  ...["&a [*a, *a]", "<<: ", "!!js ", "\u202e", "\ud800", "\x1b[2J", "%s", "=", "~"],
];

type Mutation = (bytes: Uint8Array, random: Random, other: Uint8Array) => Uint8Array;

const replace = (bytes: Uint8Array, from: number, end: number, by: Uint8Array) =>
  Uint8Array.from([...bytes.subarray(0, from), ...by, ...bytes.subarray(end)]);

const range = (bytes: Uint8Array, random: Random): [from: number, end: number] => {
  const from = random(bytes.length + 1);
  return [from, Math.min(bytes.length, from + 1 + random(1 << random(9)))];
};

/** A number in a copy: of 1, 2, 4 or 8 bytes, in either order. */
function withNumber(bytes: Uint8Array, random: Random, next: (old: number) => number) {
  const size = 1 << random(4);
  const at = random(Math.max(1, bytes.length - size + 1));
  if (at + size > bytes.length) return bytes;
  const isLittle = random(2) === 0;
  const copy = bytes.slice();
  const view = new DataView(copy.buffer, at, size);
  const bits = 8 * size;
  const read = () => {
    if (size === 1) return view.getUint8(0);
    if (size === 2) return view.getUint16(0, isLittle);
    if (size === 4) return view.getUint32(0, isLittle);
    return Number(view.getBigUint64(0, isLittle));
  };
  const value = BigInt.asUintN(bits, BigInt(Math.trunc(next(read()))));
  if (size === 8) view.setBigUint64(0, value, isLittle);
  else if (size === 4) view.setUint32(0, Number(value), isLittle);
  else if (size === 2) view.setUint16(0, Number(value), isLittle);
  else view.setUint8(0, Number(value));
  return copy;
}

/** What may happen to a file. */
const MUTATIONS: readonly Mutation[] = [
  function flipBit(bytes, random) {
    const at = random(bytes.length);
    return bytes.map((byte, i) => i === at ? byte ^ (1 << random(8)) : byte);
  },
  function setByte(bytes, random) {
    const [at, value] = [random(bytes.length), random(256)];
    return bytes.map((byte, i) => i === at ? value : byte);
  },
  (bytes, random) =>
    withNumber(bytes, random, () => EXTREMES[random(EXTREMES.length)] ?? 0),
  (bytes, random) => withNumber(bytes, random, (old) => old + random(5) - 2),
  function changeLength(bytes, random) {
    // A number that could count bytes of this file becomes another one.
    for (let tries = 0; tries < 16; tries++) {
      const next = withNumber(bytes, random, (old) => {
        if (old === 0 || old > 2 * bytes.length) return old;
        const values = [
          0,
          old - 1,
          old + 1,
          2 * old,
          bytes.length,
          2 ** 31 - 1,
          2 ** 32 - 1,
        ];
        return values[random(values.length)] ?? 0;
      });
      if (next !== bytes) return next;
    }
    return bytes;
  },
  function changeDecimal(bytes, random) {
    const text = decodeLatin1(bytes);
    const numbers = [...text.matchAll(/\d+/g)];
    const chosen = numbers[random(numbers.length)];
    if (chosen === undefined) return bytes;
    const value = String(EXTREMES[random(EXTREMES.length)]);
    const end = chosen.index + chosen[0].length;
    return replace(bytes, chosen.index, end, new TextEncoder().encode(value));
  },
  function insertWord(bytes, random) {
    const word = new TextEncoder().encode(WORDS[random(WORDS.length)]);
    const at = random(bytes.length + 1);
    return replace(bytes, at, at + (random(2) && word.length), word);
  },
  function truncate(bytes, random) {
    return bytes.slice(0, random(bytes.length));
  },
  function remove(bytes, random) {
    const [from, end] = range(bytes, random);
    return replace(bytes, from, end, new Uint8Array());
  },
  function repeat(bytes, random) {
    const [from, end] = range(bytes, random);
    const times = 1 << random(7);
    const copies = Array.from({ length: times }, () => [...bytes.subarray(from, end)])
      .flat();
    return replace(bytes, end, end, Uint8Array.from(copies.slice(0, MAX_BYTES)));
  },
  function copyElsewhere(bytes, random) {
    const [from, end] = range(bytes, random);
    return bytes.slice().copyWithin(random(bytes.length), from, end);
  },
  function splice(bytes, random, other) {
    const [from, end] = range(other, random);
    const at = random(bytes.length + 1);
    return replace(
      bytes,
      at,
      random(2) === 0 ? at : bytes.length,
      other.slice(from, end),
    );
  },
  function fill(bytes, random) {
    const [from, end] = range(bytes, random);
    return bytes.slice().fill(random(2) === 0 ? 0 : 0xff, from, end);
  },
];

/**
 * Makes a damaged copy of one of some good files.
 *
 * @param seeds Good files.
 * @param random What decides: the same numbers make the same copy.
 */
export function mutate(seeds: readonly Uint8Array[], random: Random): Uint8Array {
  const pick = () => seeds[random(seeds.length)] ?? new Uint8Array();
  let bytes = pick();
  const count = 1 + random(MAX_MUTATIONS);
  for (let i = 0; i < count && bytes.length > 0; i++) {
    const change = MUTATIONS[random(MUTATIONS.length)];
    bytes = change?.(bytes, random, pick()).subarray(0, MAX_BYTES) ?? bytes;
  }
  return bytes.slice();
}

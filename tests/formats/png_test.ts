import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { crc32, deflateSync } from "node:zlib";
import { decodeImage } from "../../src/formats/image_codec.ts";
import { decodePng, encodePng } from "../../src/formats/png.ts";

interface Header {
  readonly width: number;
  readonly height: number;
  readonly depth: number;
  readonly type: number;
  readonly interlace?: number;
}

/** A palette. */
const COLORS = Uint8Array.from({ length: 768 }, (_, i) => (i * 41 + 3) % 256);

function chunk(type: string, body: Uint8Array): Uint8Array {
  const bytes = Buffer.alloc(12 + body.length);
  bytes.writeUInt32BE(body.length, 0);
  bytes.write(type, 4);
  bytes.set(body, 8);
  bytes.writeUInt32BE(crc32(bytes.subarray(4, 8 + body.length)), 8 + body.length);
  return bytes;
}

/** A PNG of rows that are filtered already. */
function pngOf(header: Header, rows: Uint8Array, parts = 1): Uint8Array {
  const head = Buffer.alloc(13);
  head.writeUInt32BE(header.width, 0);
  head.writeUInt32BE(header.height, 4);
  head.set([header.depth, header.type, 0, 0, header.interlace ?? 0], 8);
  const packed = deflateSync(rows);
  const size = Math.ceil(packed.length / parts);
  const pieces = Array.from(
    { length: parts },
    (_, i) => chunk("IDAT", packed.subarray(i * size, (i + 1) * size)),
  );
  return new Uint8Array(Buffer.concat([
    Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a),
    chunk("IHDR", head),
    chunk("tEXt", Buffer.from("Title\0nothing")),
    ...(header.type === 3 ? [chunk("PLTE", COLORS.subarray(0, 3 << header.depth))] : []),
    ...pieces,
    chunk("IEND", new Uint8Array()),
  ]));
}

/** Filters rows as a writer does, by the formulas of the specification. */
function filtered(rows: readonly number[][], step: number, filters: readonly number[]) {
  return Uint8Array.from(rows.flatMap((row, y) => {
    const filter = filters[y % filters.length] ?? 0;
    return [
      filter,
      ...row.map((x, i) => {
        const a = row[i - step] ?? 0;
        const b = rows[y - 1]?.[i] ?? 0;
        const c = rows[y - 1]?.[i - step] ?? 0;
        const p = a + b - c;
        const [pa, pb, pc] = [Math.abs(p - a), Math.abs(p - b), Math.abs(p - c)];
        const paeth = pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
        const guess = [0, a, b, Math.floor((a + b) / 2), paeth][filter] ?? 0;
        return (x - guess + 512) % 256;
      }),
    ];
  }));
}

const noise = (length: number, seed: number) =>
  Array.from({ length }, (_, i) => (i * i * 7 + i * 31 + seed * 97) % 256);

Deno.test("decodePng() undoes every filter, for every distance between pixels", () => {
  for (const [type, channels, depth] of [[0, 1, 8], [2, 3, 8], [6, 4, 8], [2, 3, 16]]) {
    assert.ok(type !== undefined && channels && depth);
    const [width, height, step] = [7, 11, channels * depth / 8];
    const rows = Array.from({ length: height }, (_, y) => noise(width * step, y));
    const file = pngOf(
      { width, height, depth, type },
      filtered(rows, step, [4, 1, 2, 3, 4, 0]),
      3,
    );
    const read = decodePng(file, "a.png");
    const bytes = rows.flat();
    const expected = depth === 8 ? bytes : Array.from(
      { length: bytes.length / 2 },
      (_, i) => (bytes[2 * i] ?? 0) * 256 + (bytes[2 * i + 1] ?? 0),
    );
    assert.deepEqual([read.channels, read.bitDepth], [channels, depth]);
    assert.deepEqual([...read.data], expected);
  }
});

/** Color type, channels and every bit depth. */
const FORMS = [
  [0, 1, [1, 2, 4, 8, 16]],
  [2, 3, [8, 16]],
  [3, 1, [1, 2, 4, 8]],
  [4, 2, [8, 16]],
  [6, 4, [8, 16]],
] as const;

/** The pass of each pixel of an 8×8 block, as the specification prints it. */
const PASSES = [
  "16462646",
  "77777777",
  "56565656",
  "77777777",
  "36463646",
  "77777777",
  "56565656",
  "77777777",
];

/** One row of samples, packed. */
function packed(samples: readonly number[], depth: number): number[] {
  if (depth === 16) return samples.flatMap((value) => [value >> 8, value & 255]);
  const bits = samples.map((value) => value.toString(2).padStart(depth, "0")).join("");
  return Array.from(
    { length: Math.ceil(bits.length / 8) },
    (_, i) => parseInt(bits.slice(8 * i, 8 * i + 8).padEnd(8, "0"), 2),
  );
}

const FILTERS = [4, 0, 1, 3, 2];

function interlaced(header: Header, channels: number, samples: readonly number[]) {
  const { width, height, depth } = header;
  const passes = Array.from({ length: 7 }, (_, pass) => {
    const rows = Array.from(
      { length: height },
      (_, y) =>
        Array.from({ length: width }, (_, x) => x)
          .filter((x) => PASSES[y % 8]?.[x % 8] === String(pass + 1))
          .flatMap((x) => {
            const at = (y * width + x) * channels;
            return samples.slice(at, at + channels);
          }),
    ).filter((row) => row.length > 0).map((row) => packed(row, depth));
    return [...filtered(rows, Math.max(1, channels * depth / 8), FILTERS)];
  });
  return pngOf({ ...header, interlace: 1 }, Uint8Array.from(passes.flat()), 2);
}

function plain(header: Header, channels: number, samples: readonly number[]) {
  const { width, height, depth } = header;
  const rows = Array.from(
    { length: height },
    (_, y) =>
      packed(samples.slice(y * width * channels, (y + 1) * width * channels), depth),
  );
  return pngOf(header, filtered(rows, Math.max(1, channels * depth / 8), FILTERS));
}

Deno.test("decodePng() reads interlaced files of every color type, bit depth and size", async () => {
  const sizes = [[1, 1], [2, 3], [5, 1], [1, 6], [4, 4], [7, 9], [8, 8], [
    13,
    17,
  ]] as const;
  for (const [type, channels, depths] of FORMS) {
    for (const depth of depths) {
      for (const [width, height] of sizes) {
        const header = { width, height, depth, type };
        const samples = noise(width * height * channels, depth)
          .map((value) => value * 257 >> (16 - depth) & (2 ** depth - 1));
        const file = interlaced(header, channels, samples);
        const read = decodePng(file, "a.png");
        assert.deepEqual([...read.data], samples, JSON.stringify(header));
        assert.deepEqual(read, decodePng(plain(header, channels, samples), "a.png"));
        // libpng agrees that it is the same image.
        const pixels = await decodeImage(file, "a.png");
        assert.deepEqual(
          pixels,
          await decodeImage(plain(header, channels, samples), "b"),
        );
      }
    }
  }
});

Deno.test("decodePng() refuses an interlaced file that is cut short, and other interlacing", () => {
  const header = { width: 9, height: 9, depth: 2, type: 0, interlace: 1 };
  const short = pngOf(header, new Uint8Array(20));
  assert.throws(
    () => decodePng(short, "a.png"),
    /20 bytes of pixels instead of \d+: is the file/,
  );
  const odd = pngOf({ ...header, interlace: 2 }, new Uint8Array(40));
  assert.throws(() => decodePng(odd, "a.png"), /its interlacing 2 is unknown/);
});

Deno.test("encodePng() writes files that libpng reads, and refuses samples that do not fit", async () => {
  const [width, height] = [5, 3];
  const palette = Array.from({ length: 256 }, (_, i) => [i, 255 - i, 7] as const);
  for (const channels of [1, 3, 4]) {
    const data = Uint8Array.from(noise(width * height * channels, 3));
    const rgb = (i: number, c: number) =>
      data[i * channels + (channels === 1 ? 0 : c)] ?? 0;
    const { data: pixels } = await decodeImage(
      encodePng({ width, height, channels, data }),
      "a",
    );
    pixels.forEach((value, at) => assert.equal(value, rgb(Math.floor(at / 3), at % 3)));
    if (channels > 1) continue;
    const indexed = encodePng({ width, height, channels, data, palette });
    const { data: colors } = await decodeImage(indexed, "a");
    colors.forEach((value, at) =>
      assert.equal(value, palette[data[Math.floor(at / 3)] ?? 0]?.[at % 3])
    );
  }
  assert.throws(
    () => encodePng({ width, height, channels: 3, data: new Uint8Array(44) }),
    /^RangeError: Cannot encode a PNG: 44 samples are not 5×3×3$/,
  );
});

Deno.test("decodePng() inflates no more than the header says, and no less", () => {
  const header = { width: 2, height: 2, depth: 8, type: 0 };
  assert.equal(decodePng(pngOf(header, new Uint8Array(6)), "a").data.length, 4);
  for (const length of [5, 7, 1 << 20]) {
    const file = pngOf(header, new Uint8Array(length));
    assert.throws(() => decodePng(file, "a.png"), /^SyntaxError: Cannot read "a\.png"/);
  }
  const wrong = pngOf(header, Uint8Array.of(9, 0, 0, 0, 0, 0));
  assert.throws(() => decodePng(wrong, "a.png"), /row 0 has the unknown filter 9/);
  const odd = pngOf({ ...header, depth: 4, type: 2 }, new Uint8Array(8));
  assert.throws(() => decodePng(odd, "a.png"), /there are no 4 bits of color type 2/);
});

/** Puts a chunk in front of another one, with a wrong checksum if asked to. */
function withChunk(
  file: Uint8Array,
  before: string,
  type: string,
  body: Uint8Array,
  damage = 0,
) {
  const bytes = chunk(type, body);
  bytes[bytes.length - 1] = (bytes[bytes.length - 1] ?? 0) ^ damage;
  const at = Buffer.from(file).indexOf(before) - 4;
  return Uint8Array.from([...file.subarray(0, at), ...bytes, ...file.subarray(at)]);
}

Deno.test("decodePng() minds damage only where it matters, as libpng does", async () => {
  const gray = pngOf({ width: 3, height: 2, depth: 8, type: 0 }, new Uint8Array(8), 2);
  const indexed = pngOf({ width: 3, height: 2, depth: 8, type: 3 }, new Uint8Array(8));
  const colors = new Uint8Array(6);
  const accepted = {
    "a damaged text": withChunk(gray, "IDAT", "tEXt", colors, 1),
    "a damaged gamma": withChunk(gray, "IDAT", "gAMA", new Uint8Array(4), 1),
    "a damaged orientation": withChunk(gray, "IDAT", "eXIf", colors, 1),
    "a damaged transparency": withChunk(indexed, "IDAT", "tRNS", colors, 1),
    "an unknown chunk": withChunk(gray, "IDAT", "abCd", colors),
    "bytes after its end": Uint8Array.from([...gray, 1, 2, 3]),
  };
  for (const [what, file] of Object.entries(accepted)) {
    assert.equal(decodePng(file, what).data.length, 6);
    await decodeImage(file, what);
  }
  const isolated = (type: string) => (bytes: Uint8Array) => {
    const at = Buffer.from(bytes).indexOf(type) + 4;
    const end = at + Buffer.from(bytes).readUInt32BE(at - 8);
    return Uint8Array.from(bytes, (byte, i) => i === end ? byte ^ 1 : byte);
  };
  const refused: readonly [Uint8Array, RegExp][] = [
    [isolated("IHDR")(gray), /the checksum of its chunk "IHDR" does not fit/],
    [isolated("IDAT")(gray), /the checksum of its chunk "IDAT" does not fit/],
    [isolated("PLTE")(indexed), /the checksum of its chunk "PLTE" does not fit/],
    [withChunk(gray, "IDAT", "ABCD", colors), /its chunk "ABCD" is unknown/],
    [withChunk(gray, "IEND", "a\0cd", colors), /a chunk has no name/],
    [
      withChunk(withChunk(gray, "IEND", "tEXt", colors), "IEND", "IDAT", colors),
      /its pixels are interrupted by another chunk/,
    ],
  ];
  for (const [file, message] of refused) {
    assert.throws(() => decodePng(file, "a.png"), { name: "SyntaxError", message });
    await assert.rejects(decodeImage(file, "a.png"), { name: "SyntaxError", message });
  }
});

Deno.test("decodePng() refuses what cannot be in a file before it takes memory", async () => {
  const row = new Uint8Array(64);
  for (const interlace of [0, 1]) {
    const header = { depth: 8, type: 0, interlace };
    const cases: readonly [Uint8Array, RegExp][] = [
      [
        pngOf({ ...header, width: 60_000, height: 60_000 }, row),
        /: it is 60000×60000, and 268435456 pixels are the most: cut it into tiles$/,
      ],
      [
        pngOf({ ...header, width: 16_000, height: 16_000 }, row),
        /: \d+ compressed bytes cannot hold its 256\d+ bytes of pixels: is the file complete\?$/,
      ],
      [
        pngOf({ width: 16_000, height: 16_000, depth: 16, type: 6, interlace }, row),
        /: its pixels take 2048\d+ bytes, and 1073741824 are the most: cut it into tiles$/,
      ],
    ];
    for (const [file, message] of cases) {
      assert.throws(() => decodePng(file, "a.png"), { name: "SyntaxError", message });
      await assert.rejects(decodeImage(file, "a.png"), { name: "SyntaxError", message });
    }
  }
});

Deno.test("decodePng() refuses to turn a label", () => {
  const turn = Buffer.from("4d4d002a000000080001011200030000000100060000", "hex");
  const file = pngOf({ width: 3, height: 2, depth: 8, type: 0 }, new Uint8Array(8));
  assert.throws(() => decodePng(withChunk(file, "IDAT", "eXIf", turn), "a.png"), {
    message:
      /: its EXIF orientation is 6, and only pictures are turned: save it turned and/,
  });
});

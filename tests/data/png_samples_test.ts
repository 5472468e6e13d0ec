import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { crc32, deflateSync } from "node:zlib";
import { decodePng } from "../../src/core/png.ts";
import { readPngSamples } from "../../src/core/png_samples.ts";

interface Header {
  readonly width: number;
  readonly height: number;
  readonly depth: number;
  readonly type: number;
  readonly interlace?: number;
}

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
    assert.deepEqual([read.channels, read.depth], [channels, depth]);
    assert.deepEqual([...read.data], expected);
  }
});

Deno.test("decodePng() reads an interlaced file too", () => {
  const header = { width: 1, height: 1, depth: 8, type: 0, interlace: 1 };
  const file = pngOf(header, Uint8Array.of(0, 42));
  assert.equal(readPngSamples(file), null);
  assert.deepEqual([...decodePng(file, "a.png").data], [42]);
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
  assert.throws(() => decodePng(odd, "a.png"), /there are no 4 bits of colour type 2/);
});

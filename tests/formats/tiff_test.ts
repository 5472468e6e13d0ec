/** Files of tifffile, written by its own program, and damaged ones. @module */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { decodeImage, decodeRaster } from "../../src/formats/image_codec.ts";
import { encodePng } from "../../src/formats/png.ts";
import { decodeTiff } from "../../src/formats/tiff.ts";
import { encodeTiff } from "../support/tiff_file.ts";

interface Shape {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly bitDepth: 8 | 16;
}

const fixture = (name: string): Uint8Array =>
  readFileSync(new URL(`tiff/${name}`, import.meta.url));

const { files: shapes }: { readonly files: Readonly<Record<string, Shape>> } = JSON.parse(
  new TextDecoder().decode(fixture("tifffile.json")),
);

/** What the fixtures hold, as their maker has computed it. */
function valuesOf({ height, width, channels, bitDepth }: Shape) {
  const values: number[] = [];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < channels; c++) {
        const value = y * 37 + x * 11 + c * 53 + (y * x) % 7 * 5;
        values.push(bitDepth === 8 ? value % 256 : (value * 257 + x * 13) % 65536);
      }
    }
  }
  return values;
}

Deno.test("decodeTiff() reads the values that tifffile wrote", () => {
  for (const [name, shape] of Object.entries(shapes)) {
    const { data, width, height, channels, bitDepth } = decodeTiff(fixture(name), name);
    assert.deepEqual({ height, width, channels, bitDepth }, shape, name);
    assert.equal(data instanceof Uint8Array, bitDepth === 8, name);
    assert.deepEqual([...data], valuesOf(shape), name);
  }
});

Deno.test("decodeTiff() says what it does not read, and what to do", () => {
  const reasons: [string, RegExp][] = [
    ["floats", /its values are floats: convert them to 8 or 16 bits without a sign$/],
    ["whole_numbers_with_a_sign", /its values are whole numbers with a sign: convert/],
    ["complex_numbers", /its values are complex numbers: convert/],
    ["32_bits", /its values have 32 bits: convert them to 8 or 16 bits$/],
    ["a_palette", /its pixels are indices of a palette: convert it to gray or RGB$/],
    ["cmyk", /its pixels are CMYK: convert/],
    ["white_zero", /its pixels are gray whose zero is white: convert/],
    ["lab", /its pixels are Lab: convert/],
    ["webp", /compressed with WebP: save it with LZW or deflate, or not compressed$/],
    ["jpeg", /its pixels are YCbCr: convert/],
    ["two_pages", /it has 2 pages: save the one that is meant as a file of its own$/],
    ["1_bit", /its pixels are gray whose zero is white: convert/],
    ["65_channels", /it has 65 channels, and 64 are the most$/],
    ["a_float_predictor", /its values are floats: convert/],
  ];
  for (const [name, reason] of reasons) {
    assert.throws(() => decodeTiff(fixture(`not_read_${name}.tif`), "x.tif"), {
      name: "SyntaxError",
      message: new RegExp(`^Cannot read "x\\.tif" as a TIFF: .*${reason.source}`),
    }, name);
  }
});

Deno.test("decodeTiff() refuses a file that is cut short anywhere, at once", () => {
  for (const name of Object.keys(shapes)) {
    if (name.includes("overview")) continue; // its pixels lie behind the directories
    const bytes = fixture(name);
    for (let length = 4; length < bytes.length; length += 1 + (bytes.length >> 5)) {
      assert.throws(() => decodeTiff(bytes.subarray(0, length), "x.tif"), {
        name: "SyntaxError",
        message: /is the file complete\?$/,
      }, `${name}, ${length} bytes`);
    }
  }
});

Deno.test("decodeTiff() takes no space for what a small file cannot hold", () => {
  const image = { width: 4, height: 2, channels: 1, data: new Uint8Array(8) };
  const withTags = (...tags: NonNullable<Parameters<typeof encodeTiff>[0]["tags"]>) =>
    encodeTiff({ ...image, tags });
  const huge = [[256, 4, [16384]], [257, 4, [16384]], [278, 4, [16384]]] as const;
  const reasons: [Uint8Array, RegExp][] = [
    [withTags([256, 4, [40000]], [257, 4, [40000]]), /pixels are the most: cut it/],
    [withTags(...huge), /8 stored bytes cannot hold its 268435456 bytes of pixels: is/],
    [withTags(...huge, [259, 2, [5]]), /8 stored bytes cannot hold its/],
    [withTags(...huge, [278, 4, [1]]), /it lists 1 of 16384 parts: is/],
    [
      withTags(...huge, [273, 4, [8]], [277, 2, [64]], [258, 2, [8]]),
      /1073741824 are the most: cut it into tiles$/,
    ],
    [withTags([256, 4, [0]]), /it is 0×2: is the file complete/],
  ];
  for (const [bytes, message] of reasons) {
    const start = performance.now();
    assert.throws(() => decodeTiff(bytes, "x.tif"), { name: "SyntaxError", message });
    assert.ok(performance.now() - start < 200);
  }
  const looped = withTags();
  const directory = new DataView(looped.buffer).getUint32(4, true);
  new DataView(looped.buffer).setUint32(directory + 2 + 12 * 9, directory, true);
  assert.throws(() => decodeTiff(looped, "x.tif"), /its directories have no end/);
});

const RGB8 = { channels: 3, bitDepth: 8 } as const;

Deno.test("decodeImage() reads a TIFF as OpenCV does", async () => {
  const names = [
    ["3_channels_16_bits_rgb_deflate.tif", (v: number) => Math.floor((v + 128) / 257)],
    ["3_channels_8_bits_rgb_lzw_with_differences_strips.tif", (v: number) => v],
  ] as const;
  for (const [name, toByte] of names) {
    const { data } = await decodeImage(fixture(name), name);
    assert.ok(data instanceof Uint8Array);
    assert.deepEqual([...data], valuesOf(shapes[name] as Shape).map(toByte), name);
  }
  const gray = encodeTiff({
    ...{ width: 2, height: 1, channels: 1, data: Uint16Array.of(0x12ff, 0xfe80) },
  });
  assert.deepEqual(
    [...(await decodeImage(gray, "gray.tif")).data],
    [0x12, 0x12, 0x12, 0xfe, 0xfe, 0xfe],
  );
  const withAlpha = "4_channels_8_bits_rgb_with_alpha.tif";
  const rgba = valuesOf(shapes[withAlpha] as Shape);
  assert.deepEqual(
    [...(await decodeImage(fixture(withAlpha), "a.tif")).data],
    rgba.filter((_, i) => i % 4 !== 3),
  );
});

Deno.test("decodeRaster() gives the values of a file of that many channels and bits", async () => {
  for (const [name, shape] of Object.entries(shapes)) {
    const { channels, data } = await decodeRaster(fixture(name), name, shape);
    assert.equal(channels, shape.channels);
    if (shape.channels === 3) continue; // as decodeImage()
    assert.deepEqual([...data], valuesOf(shape), name);
  }
  const rgba = {
    width: 3,
    height: 2,
    channels: 4,
    data: Uint8Array.from({ length: 24 }, (_, i) => i * 10),
  };
  const raster = await decodeRaster(encodePng(rgba), "a.png", {
    channels: 4,
    bitDepth: 8,
  });
  assert.deepEqual([...raster.data], [...rgba.data]);
  const gray = { width: 3, height: 2, channels: 1, data: rgba.data.subarray(0, 6) };
  const format = { channels: 1, bitDepth: 8 } as const;
  assert.deepEqual([...(await decodeRaster(encodePng(gray), "g.png", format)).data], [
    ...gray.data,
  ]);
});

Deno.test("decodeRaster() names the file, its channels or bits, and the key", async () => {
  const four = "4_channels_16_bits_big_endian.tif";
  const cases: [string, { channels: number; bitDepth: 8 | 16 }, RegExp][] = [
    [
      four,
      RGB8,
      /it has 4 channels, and "data\.channels" is 3: convert it, or train with "data\.channels" of 4$/,
    ],
    [four, { channels: 5, bitDepth: 16 }, /it has 4 channels, and "data\.channels" is 5/],
    [
      four,
      { channels: 4, bitDepth: 8 },
      /its values have 16 bits, and "data\.bitDepth" is 8: convert it, or train with "data\.bitDepth" of 16$/,
    ],
    ["1_channel_8_bits.tif", { channels: 4, bitDepth: 8 }, /it has 1 channel, and/],
    [
      "1_channel_8_bits.tif",
      { channels: 3, bitDepth: 16 },
      /its values have 8 bits, and/,
    ],
    [
      "2_channels_8_bits_gray_with_alpha_packbits.tif",
      { channels: 1, bitDepth: 8 },
      /it has 2 channels with alpha, and "data\.channels" is 1/,
    ],
  ];
  for (const [name, format, message] of cases) {
    await assert.rejects(decodeRaster(fixture(name), "photo.tif", format), {
      name: "SyntaxError",
      message: new RegExp(`^Cannot read "photo\\.tif" as an image: ${message.source}`),
    });
  }
});

Deno.test("decodeRaster() turns any number of channels by the orientation", async () => {
  // 1 2 3 / 4 5 6, in two channels
  const data = Uint16Array.of(1, 10, 2, 20, 3, 30, 4, 40, 5, 50, 6, 60);
  const turned: Record<number, readonly number[]> = {
    1: [1, 2, 3, 4, 5, 6],
    2: [3, 2, 1, 6, 5, 4],
    3: [6, 5, 4, 3, 2, 1],
    4: [4, 5, 6, 1, 2, 3],
    5: [1, 4, 2, 5, 3, 6],
    6: [4, 1, 5, 2, 6, 3],
    7: [6, 3, 5, 2, 4, 1],
    8: [3, 6, 2, 5, 1, 4],
  };
  for (const [orientation, expected] of Object.entries(turned)) {
    const tags = [[274, 2, [Number(orientation)]]] as const;
    const bytes = encodeTiff({ width: 3, height: 2, channels: 2, data, tags });
    const raster = await decodeRaster(bytes, "x.tif", { channels: 2, bitDepth: 16 });
    assert.deepEqual(
      [...raster.data],
      expected.flatMap((value) => [value, 10 * value]),
      orientation,
    );
    assert.equal(raster.width, Number(orientation) > 4 ? 2 : 3);
  }
});

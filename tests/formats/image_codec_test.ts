import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { decodeImage, encodeJpeg, readImage } from "../../src/formats/image_codec.ts";
import { decodePng, encodePng } from "../../src/formats/png.ts";
import { tinyImage } from "../data/tiny_folder.ts";

const GRAY = { width: 5, height: 3, channels: 1 };

Deno.test("decodePng() gives back what encodePng() wrote", () => {
  const data = Uint8Array.from({ length: 15 }, (_, i) => i * 17);
  const read = decodePng(encodePng({ ...GRAY, data }), "a.png");
  assert.deepEqual({ ...read }, { ...GRAY, data, bitDepth: 8, palette: null });
});

Deno.test("decodePng() keeps palette indices", () => {
  const data = Uint8Array.from({ length: 15 }, (_, i) => i % 2);
  const file = encodePng({ ...GRAY, data, palette: [[1, 2, 3], [250, 0, 9]] });
  const read = decodePng(file, "a.png");
  assert.deepEqual(read.data, data);
  assert.deepEqual(read.palette, [[1, 2, 3], [250, 0, 9]]);
});

Deno.test("decodePng() unpacks samples of fewer than 8 bits", () => {
  // 5×2 pixels of 2 bits each, gray: 0 1 2 3 0 and 3 3 0 0 1.
  const file = Uint8Array.from(
    atob(
      "iVBORw0KGgoAAAANSUhEUgAAAAUAAAACAgAAAAD/sVEgAAAADklEQVR4nGOQZmD44AAAAq0BTOx+vREAAAAASUVORK5CYII=",
    ),
    (c) => c.charCodeAt(0),
  );
  const read = decodePng(file, "two.png");
  assert.equal(read.bitDepth, 2);
  assert.deepEqual([...read.data], [0, 1, 2, 3, 0, 3, 3, 0, 0, 1]);
});

Deno.test("decodePng() names a file that is empty, cut short or damaged", () => {
  const whole = tinyImage(0);
  const damaged = whole.slice();
  damaged[45] = (damaged[45] ?? 0) ^ 4;
  const bad = [whole.slice(0, 0), whole.slice(0, 7), whole.slice(0, 60), damaged];
  for (const bytes of [...bad, whole.slice(0, whole.length - 12)]) {
    assert.throws(() => decodePng(bytes, "cut.png"), {
      name: "SyntaxError",
      message: /^Cannot read "cut\.png" as a PNG: [^:]+: is the file complete\?$/,
    });
  }
});

Deno.test("decodeImage() makes RGB of gray, RGBA and JPEG", async () => {
  const gray = await decodeImage(
    encodePng({ ...GRAY, data: new Uint8Array(15).fill(9) }),
    "g.png",
  );
  assert.deepEqual(gray, { width: 5, height: 3, data: new Uint8Array(45).fill(9) });

  const rgba = Uint8Array.from({ length: 16 }, (_, i) => i * 15);
  const read = await decodeImage(
    encodePng({ width: 2, height: 2, channels: 4, data: rgba }),
    "rgba.png",
  );
  assert.deepEqual([...read.data], [0, 15, 30, 60, 75, 90, 120, 135, 150, 180, 195, 210]);

  const flat = { width: 16, height: 8, data: new Uint8Array(16 * 8 * 3).fill(100) };
  const jpeg = await encodeJpeg(flat);
  assert.deepEqual(await decodeImage(jpeg, "j.jpg"), flat);
});

/** Pictures, and what OpenCV 5.0 makes of them: `cv2.imread(path, IMREAD_COLOR)`. */
const OPENCV = new URL("opencv/", import.meta.url);

const fixture = (name: string) => Deno.readFileSync(new URL(name, OPENCV));

/** A file with other bytes in place of `removed` ones. */
function splice(file: Uint8Array, at: number, removed: number, bytes: Uint8Array) {
  return Uint8Array.from([
    ...file.subarray(0, at),
    ...bytes,
    ...file.subarray(at + removed),
  ]);
}

const NOTHING = new Uint8Array();
const STRAY = Uint8Array.from({ length: 40 }, (_, i) => i + 1);

/** Where a JPEG has a marker: the first, or the last with it. */
function markerAt(file: Uint8Array, code: number, which: "first" | "last" = "first") {
  const isMarker = (_: number, i: number) => file[i] === 0xff && file[i + 1] === code;
  const found = which === "first"
    ? file.findIndex(isMarker)
    : file.findLastIndex(isMarker);
  assert.ok(found > 0);
  return found;
}

Deno.test("decodeImage() gives the values of OpenCV", async () => {
  const files = (await Array.fromAsync(Deno.readDir(OPENCV), ({ name }) => name))
    .filter((name) => !name.endsWith(".opencv.png"));
  assert.equal(files.length, 19);
  for (const name of files) {
    const read = await readImage(fileURLToPath(new URL(name, OPENCV)));
    const file = `${name.replace(".", "_")}.opencv.png`;
    const { width, height, data } = decodePng(fixture(file), file);
    assert.deepEqual([read.width, read.height], [width, height], name);
    const most = Math.max(
      ...Array.from(data, (value, i) => Math.abs(value - (read.data[i] ?? 0))),
    );
    // Other builds of libjpeg may round its transform otherwise.
    assert.ok(most <= (name.endsWith(".jpg") ? 2 : 0), `${name}: up to ${most}`);
  }
});

Deno.test("decodeImage() says by which EXIF orientation it has turned the pixels", async () => {
  const stored = fixture("exif.jpg");
  const at = stored.findIndex((_, i) => stored[i] === 1 && stored[i + 1] === 0x12) + 9;
  assert.equal(stored[at], 5);
  const pictures = await Promise.all(
    [1, 2, 3, 4, 5, 6, 7, 8, 9].map((value) =>
      decodeImage(splice(stored, at, 1, Uint8Array.of(value)), "a.jpg")
    ),
  );
  const [plain, ...turned] = pictures;
  assert.ok(plain);
  assert.deepEqual(pictures.map(({ orientation }) => orientation), [
    undefined,
    2,
    3,
    4,
    5,
    6,
    7,
    8,
    undefined,
  ]);
  // Where the stored pixel at x, y of a picture of w × h is shown.
  const [w, h] = [plain.width, plain.height];
  const places: ((x: number, y: number) => readonly [number, number])[] = [
    (x, y) => [w - 1 - x, y],
    (x, y) => [w - 1 - x, h - 1 - y],
    (x, y) => [x, h - 1 - y],
    (x, y) => [y, x],
    (x, y) => [h - 1 - y, x],
    (x, y) => [h - 1 - y, w - 1 - x],
    (x, y) => [y, w - 1 - x],
    (x, y) => [x, y],
  ];
  for (const [i, place] of places.entries()) {
    const { width = 0, data = NOTHING } = turned[i] ?? {};
    for (let at = 0; at < w * h; at++) {
      const [x, y] = place(at % w, Math.floor(at / w));
      assert.deepEqual(
        data.subarray(3 * (y * width + x), 3 * (y * width + x) + 3),
        plain.data.subarray(3 * at, 3 * at + 3),
        `orientation ${i + 2}`,
      );
    }
  }
});

Deno.test("decodeImage() accepts faults that cost no pixel", async () => {
  const baseline = fixture("baseline.jpg");
  const progressive = fixture("progressive.jpg");
  const scan = markerAt(baseline, 0xda);
  const insert = (file: Uint8Array, at: number) => splice(file, at, 0, STRAY);
  const jpegs: Record<string, [Uint8Array, Uint8Array]> = {
    "Samsung's header of a scan": [
      baseline,
      splice(baseline, scan + 11, 3, Uint8Array.of(0, 0, 0)),
    ],
    "bytes before tables": [baseline, insert(baseline, markerAt(baseline, 0xdb))],
    "bytes before the frame": [baseline, insert(baseline, markerAt(baseline, 0xc0))],
    "bytes before the scan": [baseline, insert(baseline, scan)],
    "bytes before the end": [baseline, insert(baseline, baseline.length - 2)],
    "bytes after the end": [baseline, insert(baseline, baseline.length)],
    "another picture after the end": [
      baseline,
      Uint8Array.from([...baseline, ...progressive]),
    ],
    "bytes like markers before the end": [
      baseline,
      splice(baseline, baseline.length - 2, 0, Uint8Array.of(0xff, 0xc4, 0xff, 0xff, 1)),
    ],
    "bytes like markers in place of the end": [
      progressive,
      splice(progressive, progressive.length - 2, 2, Uint8Array.of(0xff, 0xe1, 0xff, 0)),
    ],
    "no end": [baseline, baseline.slice(0, -2)],
    "half an end": [baseline, baseline.slice(0, -1)],
    "JFIF 5": [baseline, splice(baseline, 11, 1, Uint8Array.of(5))],
    "bytes between two scans": [
      progressive,
      insert(progressive, markerAt(progressive, 0xc4, "last")),
    ],
    "bytes between some scans and before the end": [
      progressive,
      insert(
        insert(
          insert(progressive, progressive.length - 2),
          markerAt(progressive, 0xda, "last"),
        ),
        markerAt(progressive, 0xc4, "last"),
      ),
    ],
    "no end of scans": [progressive, progressive.slice(0, -2)],
  };
  for (const [fault, [whole, faulty]] of Object.entries(jpegs)) {
    const read = await decodeImage(faulty, fault);
    const { data } = await decodeImage(whole, "whole");
    assert.ok(data.every((value, i) => value === read.data[i]), fault);
  }
});

Deno.test("decodeImage() refuses a picture that lacks a pixel", async () => {
  const baseline = fixture("baseline.jpg");
  const progressive = fixture("progressive.jpg");
  const restarts = fixture("restarts.jpg");
  const png = fixture("gamma.png");
  const end = Uint8Array.of(0xff, 0xd9);
  const lastScan = markerAt(progressive, 0xc4, "last");
  const restart = markerAt(restarts, 0xd0);
  const bad = [
    ...[baseline, progressive, restarts].flatMap((file) =>
      [3, 4, 20, file.length >> 1, file.length - 200, file.length - 5]
        .map((cut) => file.slice(0, -cut))
        .flatMap((cut) => [cut, Uint8Array.from([...cut, ...end])])
    ),
    progressive.slice(0, lastScan),
    Uint8Array.from([...progressive.slice(0, lastScan), ...end]),
    splice(restarts, restart, 2, NOTHING),
    splice(restarts, restart, 2, Uint8Array.of(0xff, 0xd5)),
    png.slice(0, png.length >> 1),
    png.slice(0, -12),
    new Uint8Array(),
  ];
  for (const bytes of bad) {
    await assert.rejects(decodeImage(bytes, "cut.jpg"), {
      name: "SyntaxError",
      message:
        /^Cannot read "cut\.jpg" as an image: [^:]+(: [^:]+)?: is the file complete\?$/,
    });
  }
});

Deno.test("decodeImage() says what a file is that is neither JPEG nor PNG", async () => {
  const kinds: Record<string, RegExp> = {
    "GIF89a\x01\0\x01\0": /it is a GIF: convert it to JPEG or PNG$/,
    "RIFF\x10\0\0\0WEBPVP8 ": /it is a WebP: convert/,
    "BM6\0\0\0\0\0\0\0": /it is a BMP: convert/,
    "\0\0\0\x18ftypheic": /it is a HEIC: convert/,
    "\0\0\0\x1cftypavif": /it is an AVIF: convert/,
    '<?xml version="1.0"?>\n<!-- x -->\n<svg width="9"/>': /it is an SVG: convert/,
    "<svg/>": /it is an SVG: convert/,
    "\n<!DOCTYPE html><html>": /it is an HTML page: put the picture itself in its place$/,
    "version https://git-lfs.github.com/spec/v1":
      /Git LFS: fetch the file with "git lfs pull"$/,
    "404: Not Found": /it is a text file: put/,
    "\x93NUMPY\x01\0": /it is a NumPy array: convert/,
    "PK\x03\x04": /it is a zip archive: unpack it/,
    "\0\0\0\0": /it is nothing but zeros: put/,
    "\x01\x02": /it begins like no picture: is the file complete\?$/,
    "": /the file is empty: is the file complete\?$/,
  };
  for (const [text, message] of Object.entries(kinds)) {
    const bytes = Uint8Array.from(text, (letter) => letter.charCodeAt(0));
    await assert.rejects(decodeImage(bytes, "photo.jpg"), {
      name: "SyntaxError",
      message,
    });
    const reason = /^Cannot read "label\.png" as a PNG: /;
    assert.throws(() => decodePng(bytes, "label.png"), { message: reason });
  }
  assert.throws(() => decodePng(fixture("baseline.jpg"), "label.png"), {
    message: /it is a JPEG: save the picture as a PNG without loss$/,
  });
});

Deno.test("decodeImage() refuses kinds of JPEG by their reason, and too many pixels", async () => {
  const file = fixture("baseline.jpg");
  const frame = markerAt(file, 0xc0);
  const kinds: readonly [at: number, bytes: number[], message: RegExp][] = [
    [
      1,
      [0xc9],
      /a JPEG of arithmetic coding, which is not read: save it as a common JPEG/,
    ],
    [1, [0xc3], /a JPEG of lossless or hierarchical coding/],
    [4, [12], /it has 12 bits per sample instead of 8: save it/],
    [5, [0, 0], /it is 26×0: is the file complete\?$/],
    [
      5,
      [0xff, 0xff, 0xff, 0xff],
      /it is 65535×65535, and 268435456 pixels are the most: cut/,
    ],
    [5, [0x40, 0, 0x40, 0], /\d+ bytes cannot hold its 16384×16384 pixels: is the file/],
    [9, [2], /it has 2 components instead of 1, 3 or 4/],
  ];
  for (const [at, bytes, message] of kinds) {
    const other = splice(file, frame + at, bytes.length, Uint8Array.from(bytes));
    await assert.rejects(decodeImage(other, "a.jpg"), { name: "SyntaxError", message });
  }
});

Deno.test("decoded images are freed", async () => {
  const codec = new URL("../../src/formats/image_codec.ts", import.meta.url).href;
  const program = `import { decodeImage, encodeJpeg } from ${JSON.stringify(codec)};
    const [width, height] = [512, 512];
    const data = new Uint8Array(3 * width * height);
    const file = await encodeJpeg({ width, height, data });
    const decode = async (times) => {
      for (let i = 0; i < times; i++) await decodeImage(file, "a.jpg");
      return Deno.memoryUsage().rss;
    };
    const before = await decode(50);
    console.log(await decode(300) - before);`;
  const { stdout, success } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--quiet", "--no-lock", program],
  }).output();
  assert.ok(success);
  const grown = Number(new TextDecoder().decode(stdout));
  // All 300 together have 236 MB; what waits for its collection is a part of them.
  assert.ok(grown < 120e6, `grown by ${grown} bytes`);
});

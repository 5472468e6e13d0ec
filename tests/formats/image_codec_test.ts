import assert from "node:assert/strict";
import { decodeImage, encodeJpeg } from "../../src/formats/image_codec.ts";
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
      message: /^Cannot read "cut\.png" as a PNG: [^:]+.*: is the file complete\?$/,
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

Deno.test("decodeImage() names a file that is empty, cut short or no image", async () => {
  const data = Uint8Array.from({ length: 64 * 64 * 3 }, (_, i) => i * i % 251);
  const jpeg = await encodeJpeg({ width: 64, height: 64, data });
  const png = encodePng({ width: 64, height: 64, channels: 3, data });
  const text = new TextEncoder().encode("no picture");
  const bad = [new Uint8Array(0), text, jpeg.slice(0, jpeg.length >> 1)];
  for (const bytes of [...bad, png.slice(0, png.length >> 1)]) {
    await assert.rejects(decodeImage(bytes, "cut.jpg"), {
      name: "SyntaxError",
      message: /^Cannot read "cut\.jpg" as an image: .*: is the file complete\?$/,
    });
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
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--quiet", "--no-lock", program],
  }).output();
  const grown = Number(new TextDecoder().decode(stdout));
  // All 300 together have 236 MB; what waits for its collection is a part of them.
  assert.ok(grown < 120e6, `grown by ${grown} bytes`);
});

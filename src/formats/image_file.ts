/** What a file is by its first bytes, and how large a picture may be. @module */

import { decodeLatin1 } from "./latin1.ts";

/** The most pixels a picture may have: those of 16384×16384. */
const MAX_PIXELS = 1 << 28;

/** What to do about a file that is cut short or damaged. */
export const ASK_WHETHER_COMPLETE = "is the file complete?";

const CONVERT = "convert it to JPEG or PNG";
const REPLACE = "put the picture itself in its place";

/** What begins how, and what to do where a picture was expected; the first that fits. */
const KINDS: readonly (readonly [begin: RegExp, kind: string, cure: string])[] = [
  [/^\xff\xd8/, "a JPEG", "save the picture as a PNG without loss"],
  [/^\x89PNG/, "a damaged PNG", ASK_WHETHER_COMPLETE],
  [/^GIF8[79]a/, "a GIF", CONVERT],
  [/^RIFF....WEBP/s, "a WebP", CONVERT],
  [/^(II[*+]\0|MM\0[*+])/, "a TIFF", CONVERT], // where a PNG is expected
  [/^BM....\0\0\0\0/s, "a BMP", CONVERT],
  [/^....ftypavi[fs]/s, "an AVIF", CONVERT],
  [/^....ftyp(hei|hev|mif1|msf1)/s, "a HEIC", CONVERT],
  [/^....ftyp/s, "a video", "take its pictures out"],
  [/^(....jP {2}|\xff\x4f\xff\x51)/s, "a JPEG 2000", CONVERT],
  [/^(....JXL |\xff\n)/s, "a JPEG XL", CONVERT],
  [/^8BPS/, "a Photoshop file", CONVERT],
  [/^v\/1[^ -~]/, "an OpenEXR", CONVERT],
  [/^P[1-7]\s/, "a Netpbm picture", CONVERT],
  [/^%PDF-/, "a PDF", CONVERT],
  [/^\x93NUMPY/, "a NumPy array", CONVERT],
  [/^\x89HDF/, "an HDF5 file", CONVERT],
  [/^PK[^ -~]/, "a zip archive", "unpack it"],
  [/^[^ -~]\x8b/, "a gzip archive", "unpack it"],
  [
    /^version https:\/\/git-lfs/,
    "a pointer of Git LFS",
    'fetch the file with "git lfs pull"',
  ],
  [/^\s*(<!--[^>]*>\s*)*<(!doctype html|html)/i, "an HTML page", REPLACE],
  [/^\s*(<[?!][^>]*>\s*)*<svg/i, "an SVG", CONVERT],
  [/^\s*<\?xml/, "an XML file", REPLACE],
  [/^\0+$/, "nothing but zeros", REPLACE],
  [/^[\t\n\r -~]+$/, "a text file", REPLACE],
];

/** Bytes that show what a file is. */
const BEGINNING_BYTES = 512;

const beginsWith = (bytes: Uint8Array, signature: readonly number[]) =>
  signature.every((byte, i) => bytes[i] === byte);

/** Whether a file says that it is a JPEG. */
export const isJpeg = (bytes: Uint8Array): boolean =>
  beginsWith(bytes, [0xff, 0xd8, 0xff]);

/** The first bytes of a PNG. */
export const PNG_SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a] as const;

/** Whether a file says that it is a PNG. */
export const isPng = (bytes: Uint8Array): boolean => beginsWith(bytes, PNG_SIGNATURE);

/** Whether a file says that it is a TIFF, in either order of bytes, of either size. */
export const isTiff = (bytes: Uint8Array): boolean =>
  beginsWith(bytes, [0x49, 0x49, 0x2a, 0]) || beginsWith(bytes, [0x4d, 0x4d, 0, 0x2a]) ||
  beginsWith(bytes, [0x49, 0x49, 0x2b, 0]) || beginsWith(bytes, [0x4d, 0x4d, 0, 0x2b]);

/** What is wrong with a file that is no picture of the wanted kind, and the cure. */
export function describeForeignFile(bytes: Uint8Array): string {
  if (bytes.length === 0) return `the file is empty: ${ASK_WHETHER_COMPLETE}`;
  const beginning = decodeLatin1(bytes.subarray(0, BEGINNING_BYTES))
    .replace(/^\xef\xbb\xbf/, "");
  const found = KINDS.find(([begin]) => begin.test(beginning));
  if (found === undefined) return `it begins like no picture: ${ASK_WHETHER_COMPLETE}`;
  const [, kind, cure] = found;
  return `it is ${kind}: ${cure}`;
}

/** @throws {Error} If a picture is empty or too large; the message is a part of a sentence. */
export function assertPixelCount(width: number, height: number): void {
  if (width === 0 || height === 0) {
    throw new Error(`it is ${width}×${height}: ${ASK_WHETHER_COMPLETE}`);
  }
  if (width * height <= MAX_PIXELS) return;
  throw new Error(
    `it is ${width}×${height}, and ${MAX_PIXELS} pixels are the most: cut it into tiles`,
  );
}

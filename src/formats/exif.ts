/** EXIF, of which the orientation is read. @module */

const ORIENTATION_TAG = 0x0112;
const ENTRY_BYTES = 12;

/** The first four bytes: "II" or "MM", and 42 in that order. */
const [LITTLE_ENDIAN, BIG_ENDIAN] = [0x49492a00, 0x4d4d002a];

/**
 * How the pixels of a picture have to be turned: 1, as they are, … 8.
 *
 * Source: CIPA DC-008, "Exchangeable image file format for digital still cameras", section
 * 4.6.4; TIFF 6.0, section 2.
 *
 * @param tiff What follows "Exif\0\0" in a JPEG, or the chunk of a PNG.
 * @returns Null where it says nothing; 1 for a number that is none of them.
 */
export function readExifOrientation(tiff: Uint8Array): number | null {
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.length);
  const hasNumber = (at: number) => at + 4 <= tiff.length;
  const order = hasNumber(0) ? view.getUint32(0) : 0;
  const isLittle = order === LITTLE_ENDIAN;
  if (!isLittle && order !== BIG_ENDIAN) return null;
  const directory = hasNumber(4) ? view.getUint32(4, isLittle) : tiff.length;
  const count = hasNumber(directory) ? view.getUint16(directory, isLittle) : 0;
  for (let i = 0; i < count; i++) {
    const entry = directory + 2 + ENTRY_BYTES * i;
    if (!hasNumber(entry + 8)) break;
    if (view.getUint16(entry, isLittle) !== ORIENTATION_TAG) continue;
    const orientation = view.getUint16(entry + 8, isLittle);
    return orientation >= 1 && orientation <= 8 ? orientation : 1;
  }
  return null;
}

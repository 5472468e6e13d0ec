/** Where confusion matrices go as files. @module */
import { extname } from "node:path";
import { type Confusion, confusionCsv } from "./confusion.ts";
import { confusionPicture } from "./confusion_picture.ts";
import { assertWritableFile, writeResult } from "./writable.ts";

const FORMATS: Readonly<Record<string, (matrix: Confusion) => Uint8Array>> = {
  ".csv": (matrix) => new TextEncoder().encode(confusionCsv(matrix)),
  ".png": confusionPicture,
};

/**
 * Prepares files for a confusion matrix, before the work whose result it is.
 *
 * @param paths Names that end with ".csv" (counts) or ".png" (a heat map).
 * @returns Writes all of them, and the folders above them.
 * @throws {RangeError} If a name ends otherwise.
 * @throws {Error} If one of them cannot be written.
 */
export async function openConfusionFiles(
  paths: readonly string[],
): Promise<(matrix: Confusion) => Promise<void>> {
  const files = paths.map((path) => {
    const format = FORMATS[extname(path).toLowerCase()];
    if (format !== undefined) return { path, format };
    throw new RangeError(
      `Cannot write a confusion matrix to "${path}": the name must end with ` +
        ".csv (counts) or .png (a heat map)",
    );
  });
  for (const { path } of files) await assertWritableFile(path);
  return async (matrix) => {
    for (const { path, format } of files) await writeResult(path, format(matrix));
  };
}

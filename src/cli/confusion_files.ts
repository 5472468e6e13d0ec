/** Where confusion matrices go as files. @module */
import { dirname, extname } from "node:path";
import { type Confusion, confusionCsv } from "./confusion.ts";
import { confusionPicture } from "./confusion_picture.ts";

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
 */
export function openConfusionFiles(
  paths: readonly string[],
): (matrix: Confusion) => Promise<void> {
  const files = paths.map((path) => {
    const format = FORMATS[extname(path).toLowerCase()];
    if (format !== undefined) return { path, format };
    throw new RangeError(
      `Cannot write a confusion matrix to "${path}": the name must end with ` +
        ".csv (counts) or .png (a heat map)",
    );
  });
  return async (matrix) => {
    for (const { path, format } of files) {
      try {
        await Deno.mkdir(dirname(path), { recursive: true });
        await Deno.writeFile(path, format(matrix));
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        throw new Error(`Cannot write "${path}": ${reason}`, { cause: error });
      }
    }
  };
}

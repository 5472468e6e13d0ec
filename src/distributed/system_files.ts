/**
 * Folders and files of the system, by the C library: Deno itself reads them only with all
 * rights, of which a training needs few.
 *
 * @module
 */

const LIBRARY = "libc.so.6";
const SYMBOLS = {
  opendir: { parameters: ["buffer"], result: "pointer" },
  readdir: { parameters: ["pointer"], result: "pointer" },
  closedir: { parameters: ["pointer"], result: "i32" },
  fopen: { parameters: ["buffer", "buffer"], result: "pointer" },
  fread: { parameters: ["buffer", "usize", "usize", "pointer"], result: "usize" },
  fclose: { parameters: ["pointer"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

// Of the name in a `struct dirent`, on 64-bit Linux.
const NAME_OFFSET = 19;

/** Reads what is there; what is not is empty. */
export interface SystemFiles extends Disposable {
  /** Names in a folder, sorted. */
  list(folder: string): string[];
  /** The first 4 KB of a file, without white space at its ends. */
  read(file: string): string;
}

/** Opens the C library of Linux. */
export function openSystemFiles(): SystemFiles {
  const library = Deno.dlopen(LIBRARY, SYMBOLS);
  const { symbols } = library;
  const text = (value: string) => new TextEncoder().encode(`${value}\0`);
  return {
    list(folder) {
      const stream = symbols.opendir(text(folder));
      if (stream === null) return [];
      const names: string[] = [];
      for (;;) {
        const entry = symbols.readdir(stream);
        if (entry === null) break;
        names.push(Deno.UnsafePointerView.getCString(entry, NAME_OFFSET));
      }
      symbols.closedir(stream);
      return names.filter((name) => name !== "." && name !== "..").sort();
    },
    read(file) {
      const stream = symbols.fopen(text(file), text("r"));
      if (stream === null) return "";
      const bytes = new Uint8Array(4096);
      const length = Number(symbols.fread(bytes, 1n, BigInt(bytes.length), stream));
      symbols.fclose(stream);
      return new TextDecoder().decode(bytes.subarray(0, length)).trim();
    },
    [Symbol.dispose]: () => library.close(),
  };
}

/** The table of the files of a page. @module */
import { formatBytes } from "./format_bytes.ts";
import { formatTable } from "./format_table.ts";
import type { Terminal } from "./terminal.ts";

/** Lays out names and sizes, and their sums where there are several. */
export function formatFileSizes(
  files: readonly { name: string; bytes: number; gzipBytes: number }[],
  terminal: Pick<Terminal, "isOutTty" | "color">,
): string {
  const sum = (key: "bytes" | "gzipBytes") =>
    files.reduce((total, file) => total + file[key], 0);
  const rows = files.map(({ name, bytes, gzipBytes }) => [
    name,
    formatBytes(bytes),
    formatBytes(gzipBytes),
  ]);
  const total = ["all", formatBytes(sum("bytes")), formatBytes(sum("gzipBytes"))];
  return formatTable(
    [
      { title: "file", align: "left" },
      { title: "size", align: "right" },
      { title: "gzip", align: "right" },
    ],
    files.length > 1 ? [...rows, total] : rows,
    terminal,
    files.length > 1 ? 1 : 0,
  );
}

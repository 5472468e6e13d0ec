/** The parts of a pack as a table. @module */
import { formatTable } from "../table.ts";
import type { Terminal } from "../terminal.ts";
import type { Pack } from "./make_pack.ts";

const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1);

/** Lays out the sizes of a pack. @returns Lines, without a line break at the end. */
export function packTable(
  { parts, bytes }: Pack,
  terminal: Pick<Terminal, "outIsTerminal" | "color">,
): string {
  const sum = (key: "files" | "unpackedBytes") =>
    parts.reduce((total, part) => total + part[key], 0);
  return formatTable(
    [
      { title: "part", align: "left" },
      { title: "files", align: "right" },
      { title: "MB", align: "right" },
      { title: "MB unpacked", align: "right" },
    ],
    [
      ...parts.map((part) => [
        part.file,
        String(part.files),
        megabytes(part.bytes),
        megabytes(part.unpackedBytes),
      ]),
      ["all", String(sum("files")), megabytes(bytes), megabytes(sum("unpackedBytes"))],
    ],
    terminal,
    1,
  );
}

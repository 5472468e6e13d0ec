/** Published weights in lines for people. @module */

import { byteText } from "./byte_text.ts";
import { formatTable } from "./table.ts";
import type { Terminal } from "./terminal.ts";

/** Where a file may be had; fits the library's `WeightsSource`. */
type Source = { readonly url: string } | {
  readonly page: string;
  readonly manual: string;
};

/** Published weights; fits the library's `WeightsEntry`. */
export interface WeightsLine {
  readonly name: string;
  readonly what: string;
  readonly licence: string;
  readonly bytes: number | null;
  readonly megabytes: number | null;
  readonly sources: readonly Source[];
}

function sizeText({ bytes, megabytes }: WeightsLine): string {
  if (bytes !== null) return byteText(bytes);
  return megabytes === null ? "–" : byteText(megabytes * 1e6);
}

/** The hosts that have a file, or that a person must fetch it. */
function sourceText({ sources }: WeightsLine): string {
  const hosts = sources.flatMap((source) =>
    "url" in source ? [new URL(source.url).hostname] : []
  );
  return hosts.length === 0 ? "by hand" : [...new Set(hosts)].join(", ");
}

/** Lays published weights out. @returns Lines, without a line break at the end. */
export function weightsTable(
  weights: readonly WeightsLine[],
  terminal: Pick<Terminal, "outIsTerminal" | "color">,
): string {
  return formatTable(
    [
      { title: "name", align: "left" },
      { title: "what", align: "left" },
      { title: "size", align: "right" },
      { title: "licence", align: "left" },
      { title: "from", align: "left" },
    ],
    weights.map((one) => [
      one.name,
      one.what,
      sizeText(one),
      one.licence,
      sourceText(one),
    ]),
    terminal,
  );
}

/** What a person has to do for a file. @returns Lines, without a line break at the end. */
export function stepsText(
  name: string,
  path: string,
  places: readonly { readonly page: string; readonly manual: string }[],
): string {
  return [
    `${name} cannot be fetched by a program. By hand:`,
    ...places.map(({ page, manual }, i) =>
      `  ${i === 0 ? "1. Open" : "   or"} ${page} and ${manual}.`
    ),
    `  2. Save the file as ${path}.`,
    "  3. Run the same command again: it checks the file.",
  ].join("\n");
}

/** One line about a file that is there. */
export function arrivalText(
  { name, path, bytes, status }: {
    readonly name: string;
    readonly path: string;
    readonly bytes: number;
    readonly status: string;
  },
): string {
  return `${name}  ${path}  ${byteText(bytes)}  ${status}`;
}

/** What was found about a data set, for people. @module */

import { formatTable } from "./table.ts";
import type { Terminal } from "./terminal.ts";

/** A class and how much there is of it; see the engine's `ClassShare`. */
interface Share {
  readonly name: string;
  readonly pixels: number;
}

/** A split; see the engine's `PreparedPart`. */
interface Part {
  readonly name: string;
  readonly pictures: number;
  readonly published: number | null;
  readonly labelled: boolean;
  readonly sizes: readonly { width: number; height: number; pictures: number }[];
  readonly classes: readonly Share[] | null;
  readonly known: boolean;
  readonly notes: readonly string[];
  readonly problems: readonly string[];
}

/** See the engine's `Preparation`. */
interface Preparation {
  readonly cache: string | null;
  readonly parts: readonly Part[];
  readonly notes: readonly string[];
  readonly problems: readonly { readonly message: string }[];
}

/** Problems that are printed; a wrong label map makes thousands. */
const MOST_PROBLEMS = 20;

const left = (title: string) => ({ title, align: "left" as const });
const right = (title: string) => ({ title, align: "right" as const });

/**
 * Lays out tables of splits and classes, then what to know and what to mend.
 *
 * @returns Lines, without a line break at the end.
 */
export function preparationText(
  { cache, parts, notes, problems }: Preparation,
  terminal: Pick<Terminal, "outIsTerminal" | "color">,
): string {
  const all = [...new Set([...parts.flatMap((part) => part.notes), ...notes])];
  const shown = problems.slice(0, MOST_PROBLEMS).map(({ message }) => `  ${message}`);
  const more = problems.length - shown.length;
  const known = parts.some((part) => part.known)
    ? "checked before, and unchanged since"
    : "checked";
  return [
    partTable(parts, terminal),
    ...(parts.some(({ classes }) => classes !== null)
      ? ["", classTable(parts, terminal)]
      : []),
    "",
    ...all.map((note) => `note: ${note}`),
    ...(problems.length === 0
      ? [`${known}: no problems`]
      : [`${problems.length} ${problems.length === 1 ? "problem" : "problems"}:`]),
    ...shown,
    ...(more > 0 ? [`  and ${more} more; --json lists all`] : []),
    ...(cache === null ? [] : [`kept in ${cache}`]),
  ].join("\n");
}

function partTable(
  parts: readonly Part[],
  terminal: Pick<Terminal, "outIsTerminal" | "color">,
): string {
  return formatTable(
    [
      left("split"),
      right("pictures"),
      right("published"),
      left("labels"),
      left("width × height"),
      right("problems"),
    ],
    parts.map(({ name, pictures, published, labelled, sizes, problems }) => [
      name,
      String(pictures),
      published === null ? "–" : String(published),
      labelled ? "yes" : "no",
      sizeText(sizes),
      String(problems.length),
    ]),
    terminal,
  );
}

function sizeText(sizes: Part["sizes"]): string {
  const [first] = sizes;
  if (first === undefined) return "–";
  const others = sizes.length === 1 ? "" : ` and ${sizes.length - 1} more`;
  return `${first.width} × ${first.height}${others}`;
}

function classTable(
  parts: readonly Part[],
  terminal: Pick<Terminal, "outIsTerminal" | "color">,
): string {
  const columns = parts.filter(({ classes }) => classes !== null);
  const names = [
    ...new Set(columns.flatMap(({ classes }) => (classes ?? []).map(({ name }) => name))),
  ];
  return formatTable(
    [left("class"), ...columns.map(({ name }) => right(`${name} %`))],
    names.map((name) => [name, ...columns.map(({ classes }) => percent(classes, name))]),
    terminal,
  );
}

function percent(classes: readonly Share[] | null, name: string): string {
  const total = (classes ?? []).reduce((sum, { pixels }) => sum + pixels, 0);
  const own = classes?.find((one) => one.name === name)?.pixels ?? 0;
  return own === 0 ? "–" : (100 * own / total).toFixed(2);
}

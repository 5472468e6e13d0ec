/** What was found about a data set, for people. @module */

import { formatTable } from "./format_table.ts";
import type { ClassPixelCount, PreparationReport, PreparedSplit } from "../../mod.ts";
import type { Terminal } from "./terminal.ts";

/** Problems that are printed; a wrong label map makes thousands. */
const MAX_LISTED_PROBLEMS = 20;

const leftColumn = (title: string) => ({ title, align: "left" as const });
const rightColumn = (title: string) => ({ title, align: "right" as const });

/**
 * Lays out tables of splits and classes, then what to know and what to mend.
 *
 * @returns Lines, without a line break at the end.
 */
export function formatPreparation(
  { cache, splits, notes, problems }: Omit<PreparationReport, "dataset">,
  terminal: Pick<Terminal, "isOutTty" | "color">,
): string {
  const all = [...new Set([...splits.flatMap((split) => split.notes), ...notes])];
  const shown = problems.slice(0, MAX_LISTED_PROBLEMS).map(({ message }) =>
    `  ${message}`
  );
  const more = problems.length - shown.length;
  const checkedText = splits.some((split) => split.isCached)
    ? "unchanged since the last check (cached)"
    : "checked";
  return [
    splitTable(splits, terminal),
    ...(splits.some(({ classes }) => classes !== null)
      ? ["", classTable(splits, terminal)]
      : []),
    ...normalizationLines(splits),
    "",
    ...all.map((note) => `note: ${note}`),
    ...(problems.length === 0
      ? [`${checkedText}: no problems`]
      : [`${problems.length} ${problems.length === 1 ? "problem" : "problems"}:`]),
    ...shown,
    ...(more > 0 ? [`  and ${more} more; --json lists all`] : []),
    ...(cache === null ? [] : [`statistics cached in ${cache}`]),
  ].join("\n");
}

/** Mean and deviation of the channels, as a configuration has them. */
function normalizationLines(splits: readonly PreparedSplit[]): string[] {
  const lines = splits.flatMap(({ name, normalization }) => {
    if (normalization === undefined) return [];
    const [mean, std] = [normalization.mean, normalization.std].map((values) =>
      values.join(", ")
    );
    return [`  normalization: { mean: [${mean}], std: [${std}] } # of "${name}"`];
  });
  return lines.length === 0
    ? []
    : ["", 'mean and standard deviation of the channels, for "data":', ...lines];
}

function splitTable(
  splits: readonly PreparedSplit[],
  terminal: Pick<Terminal, "isOutTty" | "color">,
): string {
  return formatTable(
    [
      leftColumn("split"),
      rightColumn("images"),
      rightColumn("published"),
      leftColumn("labels"),
      leftColumn("width × height"),
      rightColumn("problems"),
    ],
    splits.map(({ name, pictures, publishedCount, labeled, sizes, problems }) => [
      name,
      String(pictures),
      publishedCount === null ? "–" : String(publishedCount),
      labeled ? "yes" : "no",
      formatSizes(sizes),
      String(problems.length),
    ]),
    terminal,
  );
}

function formatSizes(sizes: PreparedSplit["sizes"]): string {
  const [first] = sizes;
  if (first === undefined) return "–";
  const others = sizes.length === 1 ? "" : ` and ${sizes.length - 1} more`;
  return `${first.width} × ${first.height}${others}`;
}

function classTable(
  splits: readonly PreparedSplit[],
  terminal: Pick<Terminal, "isOutTty" | "color">,
): string {
  const columns = splits.filter(({ classes }) => classes !== null);
  const names = [
    ...new Set(columns.flatMap(({ classes }) => (classes ?? []).map(({ name }) => name))),
  ];
  return formatTable(
    [leftColumn("class"), ...columns.map(({ name }) => rightColumn(`${name} %`))],
    names.map((
      name,
    ) => [name, ...columns.map(({ classes }) => classPercent(classes, name))]),
    terminal,
  );
}

function classPercent(classes: readonly ClassPixelCount[] | null, name: string): string {
  const total = (classes ?? []).reduce((sum, { pixels }) => sum + pixels, 0);
  const classPixels = classes?.find((one) => one.name === name)?.pixels ?? 0;
  return classPixels === 0 ? "–" : (100 * classPixels / total).toFixed(2);
}

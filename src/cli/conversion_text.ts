/** What a conversion did, in lines for people. @module */

interface Conversion {
  readonly output: string;
  readonly scheme: string;
  readonly prefix: string;
  readonly tensors: number;
  readonly parameters: number | null;
  readonly checkpoint: boolean;
  readonly leftOut: readonly string[];
  readonly others: readonly string[];
}

/** Names in a line before the rest is only counted. */
const SHOWN = 5;

/** A line per fact. */
export function conversionText(input: string, conversion: Conversion): string {
  const { output, scheme, prefix, tensors, parameters, leftOut, others } = conversion;
  const of = parameters === null
    ? ""
    : `, a network of ${parameters.toLocaleString("en-US")} parameters`;
  const rest = leftOut.length > SHOWN ? ` and ${leftOut.length - SHOWN} more` : "";
  const lines = [
    `${input} (names: ${scheme}${prefix === "" ? "" : `, behind "${prefix}"`})`,
    `→ ${output}: ${tensors} tensors${of}`,
  ];
  if (leftOut.length > 0) {
    lines.push(`left out: ${leftOut.slice(0, SHOWN).join(", ")}${rest}`);
  }
  if (others.length > 0) {
    lines.push(`also there, to be taken with --prefix: ${others.join(", ")}`);
  }
  if (conversion.checkpoint) lines.push(`evaluate it: deno run -A eval.ts ${output}`);
  return lines.join("\n");
}

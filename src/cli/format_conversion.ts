/** What a conversion did, in lines for people. @module */

import type { ConversionResult } from "../../mod.ts";

/** Names in a line before the rest is only counted. */
const MAX_LISTED_NAMES = 5;

/** A line per fact. */
export function formatConversion(input: string, conversion: ConversionResult): string {
  const { output, scheme, prefix, tensors, parameters, unused, otherPrefixes } =
    conversion;
  const of = parameters === null
    ? ""
    : `, a network of ${parameters.toLocaleString("en-US")} parameters`;
  const rest = unused.length > MAX_LISTED_NAMES
    ? ` and ${unused.length - MAX_LISTED_NAMES} more`
    : "";
  const lines = [
    `${input} (naming scheme: ${scheme}${prefix === "" ? "" : `, prefix "${prefix}"`})`,
    `→ ${output}: ${tensors} tensors${of}`,
  ];
  if (unused.length > 0) {
    lines.push(`dropped: ${unused.slice(0, MAX_LISTED_NAMES).join(", ")}${rest}`);
  }
  lines.push(...conversion.adjustments);
  if (otherPrefixes.length > 0) {
    lines.push(
      `other networks in the file (select with --prefix): ${otherPrefixes.join(", ")}`,
    );
  }
  if (conversion.checkpoint) lines.push(`evaluate it: deno task eval ${output}`);
  return lines.join("\n");
}

/** What a conversion did, in lines for people. @module */

import type { ConversionResult } from "../../mod.ts";

/** Names in a line before the rest is only counted. */
const MAX_LISTED_NAMES = 5;

/** A line per fact. */
export function formatConversion(input: string, conversion: ConversionResult): string {
  const { output, scheme, selection, tensors, parameters, unused } = conversion;
  const of = parameters === null
    ? ""
    : `, a network of ${parameters.toLocaleString("en-US")} parameters`;
  const rest = unused.length > MAX_LISTED_NAMES
    ? ` and ${unused.length - MAX_LISTED_NAMES} more`
    : "";
  const lines = [
    `${input} (naming scheme: ${scheme})`,
    ...selection,
    `→ ${output}: ${tensors} tensors${of}`,
  ];
  if (unused.length > 0) {
    const names = unused.slice(0, MAX_LISTED_NAMES)
      .map((name) => JSON.stringify(name).slice(1, -1)); // without control characters
    lines.push(`dropped: ${names.join(", ")}${rest}`);
  }
  lines.push(...conversion.adjustments);
  lines.push(
    conversion.checkpoint
      ? `evaluate it: deno task eval ${output}`
      : conversion.format === "pth"
      ? "weights for PyTorch: torch.load(…, weights_only=True)"
      : 'weights alone, for "model.pretrained"; with --config they become a checkpoint ' +
        "for eval",
  );
  return lines.join("\n");
}

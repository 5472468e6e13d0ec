// deno-lint-ignore-file no-non-null-assertion -- indices are in bounds by construction
import type { Arrays } from "../../gpu/kernel.ts";

/** weights[i] = classWeights[labels[i]], and 0 where the label is no class. */
export function labelWeightsReference(
  { labels, classWeights, weights }: Arrays<"labels" | "classWeights" | "weights">,
): void {
  for (let i = 0; i < labels.length; i++) weights[i] = classWeights[labels[i]!] ?? 0;
}

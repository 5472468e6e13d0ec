import type { Arrays } from "../../gpu/kernel.ts";

/** weights[i] = classWeights[labels[i]], and 0 where the label is no class. */
export function labelWeightsReference(
  { labels, classWeights, weights }: Arrays<"labels" | "classWeights" | "weights">,
): void {
  for (const [i, label] of labels.entries()) weights[i] = classWeights[label] ?? 0;
}

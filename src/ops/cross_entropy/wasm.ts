/** Cross entropy by the WebAssembly kernels. @module */
import type { HeapArray, HeapArrays } from "../../gpu/kernel.ts";
import type { WasmEngine } from "../../wasm/engine.ts";
import type { BilinearSizes } from "../bilinear/bilinear.ts";
import { prepareUpsampledLogits } from "../bilinear/wasm.ts";

/** As `upsampledCrossEntropyReference`. */
export function upsampledCrossEntropyByWasm(
  engine: WasmEngine,
  { logits, labels, weights, sum, gradient }: {
    readonly gradient: HeapArray | null;
  } & HeapArrays<"logits" | "labels" | "weights" | "sum">,
  { weighted, ...sizes }: BilinearSizes & { readonly weighted: number },
): void {
  const images = logits.length / (sizes.height * sizes.width * sizes.channels);
  const prepared = prepareUpsampledLogits(engine, sizes, images, 4);
  const { items, lines, sums } = prepared;
  engine.run("upsampledCrossEntropy", [
    prepared.sizes,
    logits.address,
    labels.address,
    weighted === 0 ? 0 : weights.address,
    prepared.taps,
    lines,
    sums,
    Number(gradient !== null),
  ], items);
  engine.run("divideSum", [sums, items, 1, sum.address], 1);
  if (gradient === null) return;
  engine.run("gatherRowGradients", [prepared.sizes, lines, gradient.address], items);
}

/** Pseudo-labels by the WebAssembly kernels. @module */
import type { HeapArrays } from "../../gpu/kernel.ts";
import type { WasmEngine } from "../../wasm/engine.ts";
import type { BilinearSizes } from "../bilinear/bilinear.ts";
import { prepareUpsampledLogits } from "../bilinear/wasm.ts";

/** As `upsampledArgmaxReference`. */
export function upsampledArgmaxByWasm(
  engine: WasmEngine,
  { logits, labels, confidence, confidentShare }: HeapArrays<
    "logits" | "labels" | "confidence" | "confidentShare"
  >,
  { threshold, ...sizes }: BilinearSizes & { readonly threshold: number },
): void {
  const images = logits.length / (sizes.height * sizes.width * sizes.channels);
  const { sums, items, ...prepared } = prepareUpsampledLogits(engine, sizes, images, 1);
  engine.run("upsampledArgmax", [
    prepared.sizes,
    logits.address,
    prepared.taps,
    prepared.lines,
    labels.address,
    confidence.address,
    threshold,
    sums,
  ], items);
  engine.run("divideSum", [sums, items, labels.length, confidentShare.address], 1);
}

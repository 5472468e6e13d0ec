/** Updates in place by the WebAssembly kernels. @module */
import type { HeapArrays } from "../../gpu/kernel.ts";
import type { WasmEngine } from "../../wasm/engine.ts";
import { elementItems } from "../wasm_items.ts";
import type {
  AdamWFuturesScalars,
  AdamWScalars,
  SgdFuturesScalars,
  SgdScalars,
} from "./reference.ts";

/** As `adamwReference`. */
export function adamwByWasm(
  engine: WasmEngine,
  { g, p, m, v }: HeapArrays<"g" | "p" | "m" | "v">,
  scalars: AdamWScalars,
): void {
  const args = [
    g.address,
    p.address,
    m.address,
    v.address,
    p.length,
    scalars.weightDecayStep,
    scalars.beta1,
    scalars.beta2,
    scalars.oneMinusBeta1,
    scalars.oneMinusBeta2,
    scalars.stepSize,
    scalars.biasCorrection,
    scalars.epsilon,
  ];
  engine.run("adamw", args, elementItems(p.length));
}

/** As `adamwFuturesReference`. */
export function adamwFuturesByWasm(
  engine: WasmEngine,
  { p, m, v, average }: HeapArrays<"p" | "m" | "v" | "average">,
  { oneMinusDecay, shift, biasCorrection, epsilon }: AdamWFuturesScalars,
): void {
  const arrays = [p.address, m.address, v.address, average.address, average.length];
  const args = [...arrays, oneMinusDecay, shift, biasCorrection, epsilon];
  engine.run("adamwFutures", args, elementItems(average.length));
}

/** As `sgdFuturesReference`. */
export function sgdFuturesByWasm(
  engine: WasmEngine,
  { p, b, average }: HeapArrays<"p" | "b" | "average">,
  { oneMinusDecay, shift }: SgdFuturesScalars,
): void {
  const arrays = [p.address, b.address, average.address, average.length];
  const args = [...arrays, oneMinusDecay, shift];
  engine.run("sgdFutures", args, elementItems(average.length));
}

/** As `sgdReference`. */
export function sgdByWasm(
  engine: WasmEngine,
  { g, p, b }: HeapArrays<"g" | "p" | "b">,
  { learningRate, momentum, weightDecay }: SgdScalars,
): void {
  const arrays = [g.address, p.address, b.address, p.length];
  const args = [...arrays, learningRate, momentum, weightDecay];
  engine.run("sgd", args, elementItems(p.length));
}

/** As `lerpReference`. */
export function lerpByWasm(
  engine: WasmEngine,
  { source, average }: HeapArrays<"source" | "average">,
  { decay, oneMinusDecay }: Readonly<Record<"decay" | "oneMinusDecay", number>>,
): void {
  const arrays = [source.address, average.address, average.length];
  const items = elementItems(average.length);
  if (decay === 0) engine.run("copy", arrays, items);
  else engine.run("lerp", [...arrays, oneMinusDecay], items);
}

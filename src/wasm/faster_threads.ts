/** Whether the threads of an engine are worth having. @module */
import { type Heap, MATRIX_TILE, type WasmEngine } from "./engine.ts";

const SIDE = 288;
const ROUNDS = 5;
// Below this share of the time of one thread, more are clearly faster.
const CLEARLY_FASTER = 0.75;

/** Whether a product is clearly faster by the clock on all threads than on one. */
export function isFasterWithThreads(engine: WasmEngine, { memory }: Heap): boolean {
  const matrixBytes = Float32Array.BYTES_PER_ELEMENT * SIDE * SIDE;
  const left = engine.workspace(3 * matrixBytes);
  new Uint8Array(memory.buffer, left, 3 * matrixBytes).fill(0);
  const [panels, product] = [left + matrixBytes, left + 2 * matrixBytes];
  const rowBytes = matrixBytes / SIDE;
  const args = [left, rowBytes, 0, 0, panels, 0, product, 0, SIDE, SIDE, SIDE];
  const items = SIDE / MATRIX_TILE.rows;
  const timeWith = (grain: number) => {
    const times = Array.from({ length: ROUNDS }, () => {
      const start = performance.now();
      engine.run("matMul", args, items, grain);
      return performance.now() - start;
    });
    return times.sort((a, b) => a - b)[Math.floor(ROUNDS / 2)] ?? Infinity;
  };
  timeWith(items); // compiles it
  const one = timeWith(items);
  return timeWith(Math.ceil(items / (2 * engine.threads))) < CLEARLY_FASTER * one;
}

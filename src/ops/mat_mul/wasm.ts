/** Products of matrices by the WebAssembly kernels. @module */
import type { HeapArray, UniformsOf } from "../../gpu/kernel.ts";
import { MATRIX_TILE, type WasmEngine } from "../../wasm/engine.ts";
import type { MAT_MUL_UNIFORMS, MatMulFlags } from "./reference.ts";

const FLOAT = 4;

/** product = op(left) · op(right) + bias, as `matMulReference` without GELU and residual. */
export function matMulByWasm(
  engine: WasmEngine,
  { left, right, bias, product }: Readonly<
    Record<"left" | "right" | "bias" | "product", HeapArray>
  >,
  sizes: UniformsOf<typeof MAT_MUL_UNIFORMS>,
  { transposeLeft, transposeRight, hasBias }: MatMulFlags,
): void {
  const { batch, rows: M, columns: N, depth, tail, rightStep } = sizes;
  // The last matrix of a batch may have fewer terms.
  const parts = tail === depth
    ? [{ first: 0, count: batch, K: depth }]
    : [{ first: 0, count: batch - 1, K: depth }, { first: batch - 1, count: 1, K: tail }];
  for (const { first, count, K } of parts) {
    if (count === 0) continue;
    const panelsPerMatrix = Math.ceil(N / MATRIX_TILE.columns);
    const matrices = rightStep === 0 ? 1 : count;
    const panelBytes = FLOAT * MATRIX_TILE.columns * K;
    const panels = engine.workspace(matrices * panelsPerMatrix * panelBytes);
    const [rowBytes, columnBytes] = transposeRight
      ? [FLOAT, FLOAT * depth]
      : [FLOAT * N, FLOAT];
    engine.run(
      "packColumns",
      [
        panels,
        panelBytes,
        panelsPerMatrix * panelBytes,
        right.address + FLOAT * first * rightStep,
        rowBytes,
        columnBytes,
        FLOAT * rightStep,
        K,
        N,
      ],
      matrices * panelsPerMatrix,
    );
    engine.run(
      "matMul",
      [
        left.address + FLOAT * first * M * depth,
        FLOAT * (transposeLeft ? M : depth),
        FLOAT * M * depth,
        Number(transposeLeft),
        panels,
        rightStep === 0 ? 0 : panelsPerMatrix * panelBytes,
        product.address + FLOAT * first * M * N,
        hasBias ? bias.address : 0,
        M,
        N,
        K,
      ],
      count * Math.ceil(M / MATRIX_TILE.rows),
      MATRIX_TILE.rowsAtATime / MATRIX_TILE.rows,
    );
  }
}

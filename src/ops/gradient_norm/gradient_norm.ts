/** Clipping tensors by the norm of all of them together; nothing is read back. @module */
import * as tf from "../../core/tf.ts";
import { defineKernel } from "../../gpu/kernel.ts";
import { allocateTensor, launch } from "../../gpu/launch.ts";
import { launchMultiTensor, multiTensorKernel } from "../../gpu/multi_tensor.ts";
import finite from "../finite.wgsl" with { type: "text" };
import workgroupSum from "../sums/workgroup_sum.wgsl" with { type: "text" };
import { elementItems } from "../wasm_items.ts";
import clipFactorShader from "./clip_factor.wgsl" with { type: "text" };
import { clipFactorReference, scaleReference, squareSumsReference } from "./reference.ts";
import scaleShader from "./scale.wgsl" with { type: "text" };
import squareSumsShader from "./square_sums.wgsl" with { type: "text" };

const DOUBLE_BYTES = 8;

const SQUARE_SUMS = multiTensorKernel(
  defineKernel({
    name: "squareSums",
    uniforms: { count: "u32", lanes: "u32" },
    inputs: { g: "u32" },
    outputs: { sums: "f32" },
    shader: squareSumsShader,
    wasm(engine, { g, sums }) {
      const items = elementItems(g.length);
      const partial = engine.workspace(items * DOUBLE_BYTES);
      engine.run("sumSquares", [g.address, g.length, partial], items);
      engine.run("divideSum", [partial, items, 1, sums.address], 1);
    },
    reference: squareSumsReference,
  }),
  [8, 4],
  ["count", "lanes"],
);

const CLIP_FACTOR = defineKernel({
  name: "clipFactor",
  uniforms: { count: "u32", maxNorm: "f32" },
  inputs: { sums: "f32" },
  outputs: { norm: "f32", factor: "f32" },
  shader: finite + workgroupSum + clipFactorShader,
  reference: clipFactorReference,
});

const SCALE = multiTensorKernel(
  defineKernel({
    name: "scale",
    uniforms: {},
    inputs: { factor: "f32", x: "f32" },
    outputs: { y: "f32" },
    shader: scaleShader,
    wasm: (engine, { factor, x, y }) =>
      engine.run(
        "scale",
        [factor.address, x.address, y.address, y.length],
        elementItems(y.length),
      ),
    reference: scaleReference,
  }),
  [5, 2],
  [],
);

/** Tensors that are scaled at a time, so that there are few more of them than before. */
const SCALED_AT_A_TIME = 10;

/**
 * The L2 norm of all elements together, and the factor that brings it down to `maxNorm`.
 *
 * @returns Two scalars; the caller owns them. The factor is min(1, maxNorm / (norm + 10⁻⁶)),
 * and 1 if the norm is not finite, which then is ∞.
 */
export function normAndClipFactor(
  tensors: readonly tf.Tensor[],
  maxNorm: number,
): { readonly norm: tf.Scalar; readonly factor: tf.Scalar } {
  const lanes = tensors.map(({ size }) => lanesOf(size));
  const total = lanes.reduce((sum, one) => sum + one, 0);
  const sums = allocateTensor([total], "f32");
  let end = 0;
  const updates = tensors.map((g, i) => {
    const own = lanes[i] ?? 0;
    const offset = end;
    end += own;
    return {
      uniforms: { count: g.size, lanes: own },
      inputs: { g },
      outputs: { sums: { tensor: sums, offset, size: own } },
    };
  });
  launchMultiTensor(SQUARE_SUMS, updates, {});
  const { norm, factor } = launch(CLIP_FACTOR, {
    uniforms: { count: total, maxNorm },
    inputs: { sums },
    outputs: { norm: [], factor: [] },
    invocations: 64,
  });
  sums.dispose();
  return { norm: norm as tf.Scalar, factor: factor as tf.Scalar };
}

/**
 * Scales tensors by a number on the device.
 *
 * @param tensors Freed.
 * @returns New tensors; the caller owns them.
 */
export function scaleAndDispose(
  tensors: readonly tf.Tensor[],
  factor: tf.Scalar,
): tf.Tensor[] {
  const scaled: tf.Tensor[] = [];
  for (let i = 0; i < tensors.length; i += SCALED_AT_A_TIME) {
    const group = tensors.slice(i, i + SCALED_AT_A_TIME);
    const outputs = group.map(({ shape }) => allocateTensor(shape, "f32"));
    launchMultiTensor(
      SCALE,
      group.flatMap((x, k) => {
        const y = outputs[k];
        return y === undefined
          ? []
          : [{ uniforms: {}, inputs: { factor, x }, outputs: { y } }];
      }),
      {},
    );
    tf.dispose(group);
    scaled.push(...outputs);
  }
  return scaled;
}

// A device binds slices from whole workgroups on; sixteen elements per lane and up to 4096
// lanes keep a large one busy. On wasm a tensor has one sum, of float64.
function lanesOf(size: number): number {
  if (tf.getBackend() !== "webgpu") return 1;
  return 64 * Math.min(64, Math.max(1, Math.ceil(size / 1024)));
}

/** Softmax attention and its gradients without storing the scores; WebGPU only. @module */
import * as tf from "../../core/tf.ts";
import { defineKernel } from "../../gpu/kernel.ts";
import { launch } from "../../gpu/launch.ts";
import { columnSum, rowsPerSplit } from "../sums/sums.ts";
import deltaShader from "./delta.wgsl" with { type: "text" };
import forwardShader from "./forward.wgsl" with { type: "text" };
import headsShader from "./heads.wgsl" with { type: "text" };
import keyValueGradientShader from "./key_value_gradient.wgsl" with { type: "text" };
import queryGradientShader from "./query_gradient.wgsl" with { type: "text" };

/** The most channels per head that the shaders have room for. */
const MAX_HEAD_CHANNELS = 64;
/** Fewer rows are not worth a split of their own. */
const MIN_ROWS_PER_SPLIT = 64;

/** N and M, heads, 1/√D, and D in vectors of four. */
const UNIFORMS = {
  rows: "u32",
  columns: "u32",
  heads: "u32",
  scale: "f32",
  depth: "u32",
} as const;
const INPUTS = { query: "vec4f", keyValue: "vec4f" } as const;
const GRADIENT_INPUTS = {
  ...INPUTS,
  dy: "vec4f",
  logSumExp: "f32",
  delta: "f32",
} as const;

const FORWARD = defineKernel({
  name: "attention",
  uniforms: UNIFORMS,
  inputs: INPUTS,
  outputs: { out: "vec4f", logSumExp: "f32" },
  shader: headsShader + forwardShader,
});

const DELTA = defineKernel({
  name: "attentionDelta",
  uniforms: UNIFORMS,
  inputs: { dy: "vec4f", out: "vec4f" },
  outputs: { delta: "f32" },
  shader: headsShader + deltaShader,
});

const QUERY_GRADIENT = defineKernel({
  name: "attentionQueryGradient",
  uniforms: UNIFORMS,
  inputs: GRADIENT_INPUTS,
  outputs: { dq: "vec4f" },
  shader: headsShader + queryGradientShader,
});

const KEY_VALUE_GRADIENT = defineKernel({
  name: "attentionKeyValueGradient",
  uniforms: { ...UNIFORMS, rowsPerSplit: "u32" },
  inputs: GRADIENT_INPUTS,
  outputs: { partialSums: "vec4f" },
  shader: headsShader + keyValueGradientShader,
});

/** Whether the shaders can compute heads of so many channels. */
export function supportsFlashAttention(channels: number): boolean {
  return channels % 4 === 0 && channels <= MAX_HEAD_CHANNELS;
}

/**
 * Multi-head softmax attention as `attention()`, which never stores the scores.
 *
 * Source: Dao et al., "FlashAttention" (NeurIPS 2022), https://arxiv.org/abs/2205.14135.
 *
 * @param heads Such that {@linkcode supportsFlashAttention} holds for C / heads.
 */
export function flashAttention(
  query: tf.Tensor3D,
  keyValue: tf.Tensor3D,
  heads: number,
): tf.Tensor3D {
  const [B, rows, C] = query.shape;
  const columns = keyValue.shape[1];
  const depth = C / heads / 4;
  const uniforms = { rows, columns, heads, scale: (C / heads) ** -0.5, depth };
  const perRow = [B, heads, rows];
  return tf.differentiable<tf.Tensor3D>(
    { query, keyValue },
    (save) => {
      const { out, logSumExp } = launch(FORWARD, {
        uniforms,
        inputs: { query, keyValue },
        outputs: { out: query.shape, logSumExp: perRow },
        invocations: B * heads * rows,
      });
      save([query, keyValue, out, logSumExp]);
      return out;
    },
    (dy, saved) => {
      const [query, keyValue, out, logSumExp] = saved as [
        tf.Tensor,
        tf.Tensor,
        tf.Tensor,
        tf.Tensor,
      ];
      const computeDelta = () =>
        launch(DELTA, { uniforms, inputs: { dy, out }, outputs: { delta: perRow } })
          .delta;
      return {
        query: () => {
          const delta = computeDelta();
          const { dq } = launch(QUERY_GRADIENT, {
            uniforms,
            inputs: { query, keyValue, dy, logSumExp, delta },
            outputs: { dq: query.shape },
            invocations: B * heads * rows,
          });
          delta.dispose();
          return dq;
        },
        keyValue: () => {
          const delta = computeDelta();
          const perSplit = B * heads * columns;
          const split = rowsPerSplit(
            rows,
            perSplit,
            Math.ceil(rows / MIN_ROWS_PER_SPLIT),
          );
          const splits = Math.ceil(rows / split);
          const { partialSums } = launch(KEY_VALUE_GRADIENT, {
            uniforms: { ...uniforms, rowsPerSplit: split },
            inputs: { query, keyValue, dy, logSumExp, delta },
            outputs: { partialSums: [splits, keyValue.size] },
            invocations: splits * perSplit,
          });
          delta.dispose();
          const sum = columnSum(partialSums);
          partialSums.dispose();
          return sum.reshape(keyValue.shape);
        },
      };
    },
  );
}

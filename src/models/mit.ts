/**
 * Mix Transformer, the encoder of SegFormer and DAFormer.
 *
 * Source: Xie et al., "SegFormer" (NeurIPS 2021), https://arxiv.org/abs/2105.15203.
 * Names and shapes of the parameters are those of the published checkpoints.
 *
 * @module
 */
import type { Encoder, Layer } from "../core/network.ts";
import * as tf from "../core/tf.ts";
import { chain } from "../layers/chain.ts";
import { convolution, depthwiseConvolution } from "../layers/convolution.ts";
import { dropout } from "../layers/dropout.ts";
import { layerNorm } from "../layers/layer_norm.ts";
import { linear } from "../layers/linear.ts";
import { parametersOf } from "../layers/parameter.ts";
import { reducedAttention } from "../layers/reduced_attention.ts";
import { gelu } from "../ops/gelu.ts";

/** The shape of a Mix Transformer; each list has one entry per stage. */
export interface MitShape {
  /** Channels. */
  readonly widths: readonly number[];
  /** Blocks. */
  readonly depths: readonly number[];
  /** Attention heads; each divides the width of its stage. */
  readonly heads: readonly number[];
  /** By how much keys and values are coarser than queries, per side. */
  readonly reductions: readonly number[];
  /** Drop-path rate of the last block; it grows linearly from 0 at the first. */
  readonly dropPath: number;
}

const HEADS = [1, 2, 5, 8];
const REDUCTIONS = [8, 4, 2, 1];
const NARROW = [32, 64, 160, 256];
const WIDE = [64, 128, 320, 512];
const depths = (widths: readonly number[], ...depths: number[]) => ({
  widths,
  depths,
  heads: HEADS,
  reductions: REDUCTIONS,
});

/** The published shapes. */
export const MIT_PRESETS = {
  "mit-b0": depths(NARROW, 2, 2, 2, 2),
  "mit-b1": depths(WIDE, 2, 2, 2, 2),
  "mit-b2": depths(WIDE, 3, 4, 6, 3),
  "mit-b3": depths(WIDE, 3, 4, 18, 3),
  "mit-b4": depths(WIDE, 3, 8, 27, 3),
  "mit-b5": depths(WIDE, 3, 6, 40, 3),
} as const;

const MLP_RATIO = 4;
const BLOCK_EPSILON = 1e-6;
const EMBED_EPSILON = 1e-5;

/**
 * Builds the encoder; its maps have strides 4, 8, 16 and 32.
 *
 * @param name Prefix of the parameters, "backbone" in whole networks.
 * @throws {RangeError} If the lists differ in length, or heads do not divide widths.
 */
export function mit(name: string, shape: MitShape): Encoder {
  const { widths, depths, heads, reductions, dropPath } = shape;
  const lengths = new Set([widths, depths, heads, reductions].map((list) => list.length));
  if (lengths.size !== 1) {
    throw new RangeError(
      'Cannot build a Mix Transformer: "widths", "depths", "heads" and "reductions" must ' +
        `have one entry per stage: received ${widths.length}, ${depths.length}, ` +
        `${heads.length} and ${reductions.length}`,
    );
  }
  const blocks = depths.reduce((sum, depth) => sum + depth, 0);
  let before = 0;
  const stages = widths.map((width, s) => {
    const stage = s + 1;
    const embed = patchEmbed(`${name}.patch_embed${stage}`, widths[s - 1] ?? 3, width, s);
    const body = Array.from({ length: depths[s] ?? 0 }, (_, k) => {
      const rate = blocks > 1 ? dropPath * (before + k) / (blocks - 1) : 0;
      return mitBlock(`${name}.block${stage}.${k}`, width, {
        heads: heads[s] ?? 1,
        reduction: reductions[s] ?? 1,
        dropPath: rate,
      });
    });
    before += body.length;
    const norm = layerNorm(`${name}.norm${stage}`, width, BLOCK_EPSILON);
    return { embed, rest: chain([...body, norm]) };
  });
  return {
    strides: widths.map((_, s) => 4 * 2 ** s),
    widths,
    // In the order of PyTorch's state_dict: all embeddings come first.
    parameters: [
      ...stages.flatMap(({ embed }) => embed.parameters),
      ...stages.flatMap(({ rest }) => rest.parameters),
    ],
    apply(weights, images, pass) {
      const maps: tf.Tensor4D[] = [];
      let x = images;
      for (const { embed, rest } of stages) {
        x = rest.apply(weights, embed.apply(weights, x, pass), pass);
        maps.push(x);
      }
      return maps;
    },
  };
}

// The first embedding sees 7×7 pixels at stride 4, the others 3×3 at stride 2.
function patchEmbed(name: string, inputs: number, outputs: number, stage: number): Layer {
  const [kernel, stride] = stage === 0 ? [7, 4] : [3, 2];
  const padding = Math.floor(kernel / 2);
  const proj = convolution(`${name}.proj`, inputs, outputs, { kernel, stride, padding });
  const norm = layerNorm(`${name}.norm`, outputs, EMBED_EPSILON);
  return {
    parameters: parametersOf(proj, norm),
    apply: (weights, x, pass) => norm.apply(weights, proj.apply(weights, x, pass), pass),
  };
}

/** x += dropPath(attention(norm1(x)));  x += dropPath(mlp(norm2(x))). */
function mitBlock(
  name: string,
  width: number,
  { heads, reduction, dropPath }: { heads: number; reduction: number; dropPath: number },
): Layer {
  const norm1 = layerNorm(`${name}.norm1`, width, BLOCK_EPSILON);
  const attention = reducedAttention(`${name}.attn`, width, { heads, reduction });
  const norm2 = layerNorm(`${name}.norm2`, width, BLOCK_EPSILON);
  const mlp = mixMlp(`${name}.mlp`, width);
  return {
    parameters: parametersOf(norm1, attention, norm2, mlp),
    apply(weights, x, pass) {
      const seen = attention.apply(weights, norm1.apply(weights, x, pass), pass);
      const mixed = tf.add(x, dropout(`${name}.attn`, seen, dropPath, "sample", pass));
      const thought = mlp.apply(
        weights,
        norm2.apply(weights, mixed as tf.Tensor4D, pass),
        pass,
      );
      return tf.add(mixed, dropout(`${name}.mlp`, thought, dropPath, "sample", pass));
    },
  };
}

/** fc2(gelu(depthwise 3×3(fc1(x)))), the hidden width being four times that of x. */
function mixMlp(name: string, width: number): Layer {
  const hidden = MLP_RATIO * width;
  const fc1 = linear(`${name}.fc1`, width, hidden);
  const kernel = 3;
  const depthwise = depthwiseConvolution(`${name}.dwconv.dwconv`, hidden, {
    kernel,
    fanOut: kernel ** 2,
  });
  const fc2 = linear(`${name}.fc2`, hidden, width);
  return {
    parameters: parametersOf(fc1, depthwise, fc2),
    apply(weights, x, pass) {
      const wide = depthwise.apply(weights, fc1.apply(weights, x, pass), pass);
      return fc2.apply(weights, gelu(wide), pass);
    },
  };
}

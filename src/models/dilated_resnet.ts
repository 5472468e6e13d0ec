import type { Encoder, Layer } from "../core/network.ts";
import type * as tf from "../core/tf.ts";
import { bottleneck, BOTTLENECK_EXPANSION } from "../layers/bottleneck.ts";
import { chain } from "../layers/chain.ts";
import { parametersOf } from "../layers/parameter.ts";
import { maxPool } from "../ops/max_pool.ts";

/** Of the first block of each stage; together with the stem the output stride is 8. */
export const RESNET_STRIDES = [1, 2, 1, 1] as const;

/** What the ResNets of segmentation differ in. */
export interface DilatedResnetOptions {
  /** Blocks of each of the four stages. */
  readonly depths: readonly [number, number, number, number];
  /** Channels inside the blocks of the first stage; they double per stage. */
  readonly planes: number;
  /** Images to maps of half their size. */
  readonly stem: Layer;
  /** Channels after the stem. */
  readonly stemWidth: number;
  /**
   * Whether the pool after the stem rounds as PyTorch's `ceil_mode`: n pixels become
   * ⌊n/2⌋ + 1, not ⌈n/2⌉, so that even sizes gain one.
   * @default {false}
   */
  readonly ceil?: boolean;
  /** Of the 3×3 convolution of a block; both are counted from 0. */
  dilation(stage: number, block: number): number;
}

/**
 * A ResNet of bottlenecks that is dilated from its third stage on instead of strided, so
 * that its maps have strides 4, 8, 8 and 8.
 *
 * Sources: He et al., "Deep Residual Learning" (CVPR 2016),
 * https://arxiv.org/abs/1512.03385; Chen et al., "Rethinking Atrous Convolution", 2017,
 * https://arxiv.org/abs/1706.05587.
 *
 * @param name The blocks are `<name>.layer<stage>.<block>`, stages counted from 1.
 */
export function dilatedResnet(
  name: string,
  { depths, planes, stem, stemWidth, ceil = false, dilation }: DilatedResnetOptions,
): Encoder {
  const widths = depths.map((_, s) => BOTTLENECK_EXPANSION * planes * 2 ** s);
  const stages = depths.map((depth, s) => {
    const outputs = widths[s] ?? planes;
    const blocks = Array.from({ length: depth }, (_, k) => {
      const first = k === 0;
      return bottleneck(`${name}.layer${s + 1}.${k}`, {
        inputs: first ? widths[s - 1] ?? stemWidth : outputs,
        planes: planes * 2 ** s,
        stride: first ? RESNET_STRIDES[s] ?? 1 : 1,
        dilation: dilation(s, k),
        project: first,
      });
    });
    return chain(blocks);
  });
  return {
    strides: [4, 8, 8, 8],
    widths,
    parameters: parametersOf(stem, ...stages),
    apply(weights, images, pass) {
      const maps: tf.Tensor4D[] = [];
      const pool = { window: 3, stride: 2, padding: 1, ceil };
      let x = maxPool(stem.apply(weights, images, pass), pool); // [B, H/4, W/4, stem]
      for (const stage of stages) {
        x = stage.apply(weights, x, pass);
        maps.push(x);
      }
      return maps;
    },
  };
}

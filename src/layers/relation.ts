import type { Layer } from "../core/network.ts";
import * as tf from "../core/tf.ts";
import { singleHeadAttention } from "../ops/single_head_attention.ts";
import { convModule } from "./conv_module.ts";
import { convolution } from "./convolution.ts";
import { parametersOf } from "./parameter.ts";

/** The shape of a relation. */
export interface RelationOptions {
  /** Channels of keys and queries. */
  readonly reduced: number;
  /** Convolutions that make the keys, and as many that make the queries. */
  readonly projections: number;
}

/**
 * Attention of every pixel to all pixels of its map, with projections that have batch
 * norm and ReLU.
 *
 * out = project(softmax(Q·Kᵀ / √reduced)·V)
 *
 * Source: mmsegmentation's `SelfAttentionBlock` as its ISANet head sets it up.
 *
 * @param name Parameters are `<name>.{key,query}_project.*`, with the number of the
 * convolution after it where there are several, `<name>.value_project.*` and
 * `<name>.output_project.*`.
 */
export function relation(
  name: string,
  channels: number,
  { reduced, projections }: RelationOptions,
): Layer {
  const project = (part: string): readonly Layer[] =>
    Array.from({ length: projections }, (_, i) => {
      const at = `${name}.${part}${projections === 1 ? "" : `.${i}`}`;
      return convModule(at, i === 0 ? channels : reduced, reduced, { kernel: 1 });
    });
  const key = project("key_project");
  const query = project("query_project");
  const value = convolution(`${name}.value_project`, channels, channels, {
    kernel: 1,
    start: "pytorch",
  });
  const output = convModule(`${name}.output_project`, channels, channels, { kernel: 1 });
  return {
    parameters: parametersOf(...key, ...query, value, output),
    apply(weights, x, pass) {
      const [B, H, W, C] = x.shape;
      const flat = (layers: readonly Layer[]) => {
        const map = layers.reduce((map, layer) => layer.apply(weights, map, pass), x);
        return tf.reshape<tf.Rank.R3>(map, [B, H * W, map.shape[3]]);
      };
      const mixed = singleHeadAttention(
        flat(query),
        flat(key),
        flat([value]),
        reduced ** -0.5,
      ); // [B, H·W, C]
      return output.apply(weights, tf.reshape(mixed, [B, H, W, C]), pass);
    },
  };
}

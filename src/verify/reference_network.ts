/** Networks as the PyTorch reference describes them in a golden's sidecar. @module */
import type { Network } from "../core/network.ts";
import { z } from "../core/zod.ts";
import { daformerHead, type Fusion } from "../models/daformer_head.ts";
import { mit } from "../models/mit.ts";
import { network } from "../models/network.ts";
import { segformerHead } from "../models/segformer_head.ts";

const counts = z.array(z.int().positive());

const MitBackbone = z.object({
  type: z.literal("MiT"),
  embed_dims: counts,
  depths: counts,
  num_heads: counts,
  sr_ratios: counts,
  drop_path_rate: z.number(),
});

const DaformerHead = z.object({
  type: z.literal("DAFormerHead"),
  channels: z.int(),
  dropout_ratio: z.number(),
  num_classes: z.int(),
  decoder_params: z.object({
    fusion_cfg: z.object({
      type: z.enum(["aspp", "conv", "isa"]),
      sep: z.boolean().default(false),
      dilations: counts.default([1, 6, 12, 18]),
    }),
  }),
});

const SegformerHead = z.object({
  type: z.literal("SegFormerHead"),
  channels: z.int(),
  dropout_ratio: z.number(),
  num_classes: z.int(),
  decoder_params: z.object({ embed_dim: z.int() }),
});

/** mmsegmentation's description of an encoder and a decoder, as far as it is known here. */
export const ReferenceModel = z.object({
  backbone: z.discriminatedUnion("type", [MitBackbone]),
  decode_head: z.discriminatedUnion("type", [DaformerHead, SegformerHead]),
});

/** Builds the network of a golden. */
export function referenceNetwork(model: z.output<typeof ReferenceModel>): Network {
  const { backbone, decode_head: head } = model;
  const encoder = mit("backbone", {
    widths: backbone.embed_dims,
    depths: backbone.depths,
    heads: backbone.num_heads,
    reductions: backbone.sr_ratios,
    dropPath: backbone.drop_path_rate,
  });
  const classes = head.num_classes;
  const dropout = head.dropout_ratio;
  if (head.type === "SegFormerHead") {
    const options = { classes, channels: head.decoder_params.embed_dim, dropout };
    const decoder = segformerHead("decode_head", encoder.widths, options, head.channels);
    return network(encoder, decoder, classes);
  }
  const { type, sep, dilations } = head.decoder_params.fusion_cfg;
  const fusions: Record<typeof type, Fusion> = {
    aspp: sep ? "separable-aspp" : "aspp",
    conv: "conv1",
    isa: "isa",
  };
  const fusion = fusions[type];
  const options = { classes, channels: head.channels, fusion, dilations, dropout };
  return network(encoder, daformerHead("decode_head", encoder.widths, options), classes);
}

/** Networks of the semi-supervised branch as the PyTorch reference describes them. @module */
import { type Decoder, EVALUATION, type Weights } from "../core/network.ts";
import type * as tf from "../core/tf.ts";
import { z } from "../core/zod.ts";
import { network } from "../models/network.ts";
import { resnetMultigrid } from "../models/resnet_multigrid.ts";
import { semiDeeplabV2Head } from "../models/semi_deeplab_v2_head.ts";
import {
  semiDeeplabV3PlusHead,
  type SemiDeeplabV3PlusHeadOptions,
} from "../models/semi_deeplab_v3_plus_head.ts";
import { semiFcnHead } from "../models/semi_fcn_head.ts";
import { semiPspHead } from "../models/semi_psp_head.ts";
import { validCrossEntropy } from "../objectives/valid_cross_entropy.ts";
import type { Subject } from "./subject.ts";

const dilations = z.array(z.int().positive());

const DeeplabV3Plus = z.object({
  type: z.literal("fst.models.decoder.dec_deeplabv3_plus"),
  kwargs: z.object({
    inner_planes: z.int(),
    dilations,
    rep_head: z.literal(true),
  }),
});

const DeeplabV2 = z.object({
  type: z.literal("fst.models.decoder.dec_deeplabv2"),
  kwargs: z.object({ dilations: dilations.default([6, 12, 18, 24]) }),
});

const Psp = z.object({
  type: z.literal("fst.models.decoder.dec_pspnet"),
  kwargs: z.object({}),
});

/** The part of a sidecar that describes such a network. */
export const SemiConfig = z.object({
  semi_seg_net: z.object({
    num_classes: z.int(),
    encoder: z.object({
      type: z.literal("fst.models.resnet.resnet50"),
      kwargs: z.object({
        multi_grid: z.literal(true),
        zero_init_residual: z.literal(true),
        fpn: z.literal(true),
        replace_stride_with_dilation: z.tuple([
          z.literal(false),
          z.literal(true),
          z.literal(true),
        ]),
      }),
    }),
    decoder: z.discriminatedUnion("type", [DeeplabV3Plus, DeeplabV2, Psp]),
    aux_loss: z.object({ aux_plane: z.int(), loss_weight: z.number() }).optional(),
  }),
  /** What every number of channels is divided by. */
  width_divisor: z.int().positive(),
  dropout: z.number(),
});

// What the reference does not read from its configuration.
const CHANNELS = { stem: 128, planes: 64, deeplabV3Plus: 256, psp: 512, auxiliary: 256 };
const BINS = [1, 2, 3, 6];
// Stages that the auxiliary head's map has passed.
const AUXILIARY_STAGE = 3;

/**
 * Builds the network of a golden.
 *
 * @throws {RangeError} If its auxiliary head reads another map than that of the third stage.
 */
export function semiSubject(config: z.output<typeof SemiConfig>): Subject {
  const { semi_seg_net: model, width_divisor: divisor, dropout } = config;
  const classes = model.num_classes;
  const encoder = resnetMultigrid("encoder", {
    depths: [3, 4, 6, 3],
    stem: CHANNELS.stem / divisor,
    planes: CHANNELS.planes / divisor,
  });
  const { decoder, ...besides } = semiDecoder(config, encoder.widths);
  const { aux_loss: beside } = model;
  const plane = encoder.widths[AUXILIARY_STAGE - 1];
  if (beside !== undefined && beside.aux_plane / divisor !== plane) {
    throw new RangeError(
      `Cannot build the auxiliary head: "aux_plane" must be that of the third stage: ` +
        `received ${beside.aux_plane}`,
    );
  }
  const auxiliary = beside === undefined ? [] : [{
    decoder: semiFcnHead("auxor.aux", encoder.widths, {
      classes,
      channels: CHANNELS.auxiliary / divisor,
      dropout,
    }),
    lossWeight: beside.loss_weight,
  }];
  return {
    network: network(encoder, decoder, classes, auxiliary),
    loss: validCrossEntropy,
    ...besides,
  };
}

function semiDecoder(
  { semi_seg_net: model, width_divisor: divisor, dropout }: z.output<typeof SemiConfig>,
  widths: readonly number[],
): Pick<Subject, "extras"> & { decoder: Decoder } {
  const name = "decoder";
  const classes = model.num_classes;
  switch (model.decoder.type) {
    case "fst.models.decoder.dec_deeplabv3_plus": {
      const { inner_planes: inner, dilations } = model.decoder.kwargs;
      return representing(name, widths, {
        classes,
        channels: CHANNELS.deeplabV3Plus / divisor,
        inner: inner / divisor,
        dilations,
        dropout,
      });
    }
    case "fst.models.decoder.dec_deeplabv2": {
      const options = { classes, dilations: model.decoder.kwargs.dilations };
      return { decoder: semiDeeplabV2Head(name, widths, options) };
    }
    case "fst.models.decoder.dec_pspnet": {
      const options = { classes, channels: CHANNELS.psp / divisor, bins: BINS };
      return { decoder: semiPspHead(name, widths, options) };
    }
  }
}

// The reference runs the representation in every pass, which moves its running statistics.
function representing(
  name: string,
  widths: readonly number[],
  options: SemiDeeplabV3PlusHeadOptions,
): Required<Pick<Subject, "extras">> & { decoder: Decoder } {
  const head = semiDeeplabV3PlusHead(name, widths, options);
  const run = head.applyWithRepresentation;
  return {
    decoder: {
      ...head,
      apply: (weights, maps, pass) => run(weights, maps, pass).logits,
    },
    extras: (weights: Weights, maps: tf.Tensor4D[]) => ({
      rep: run(weights, maps, EVALUATION).representation,
    }),
  };
}

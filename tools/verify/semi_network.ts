/** Networks of the semi-supervised branch as the PyTorch reference describes them. @module */
import { type Decoder, EVAL_CONTEXT, type Weights } from "../../src/core/network.ts";
import type * as tf from "../../src/core/tf.ts";
import * as z from "../../src/core/zod.ts";
import { encoderDecoder } from "../../src/models/encoder_decoder.ts";
import { resnetMultigrid } from "../../src/models/resnet.ts";
import { semiDeeplabV2Head } from "../../src/models/deeplab_v2_head.ts";
import { semiDeeplabV3PlusHead } from "../../src/models/deeplab_v3_plus_head.ts";
import { semiFcnHead } from "../../src/models/fcn_head.ts";
import { semiPspHead } from "../../src/models/psp_head.ts";
import { validCrossEntropy } from "../../src/objectives/cross_entropy.ts";
import { IMAGES, type NetworkUnderTest } from "./network_under_test.ts";

const dilations = z.array(z.int().positive());

const DeeplabV3Plus = z.strictObject({
  type: z.literal("fst.models.decoder.dec_deeplabv3_plus"),
  kwargs: z.strictObject({
    inner_planes: z.int(),
    dilations,
    rep_head: z.boolean().default(true),
  }),
});

const DeeplabV2 = z.strictObject({
  type: z.literal("fst.models.decoder.dec_deeplabv2"),
  kwargs: z.strictObject({ dilations: dilations.default([6, 12, 18, 24]) }),
});

const Psp = z.strictObject({
  type: z.literal("fst.models.decoder.dec_pspnet"),
  kwargs: z.strictObject({}),
});

/**
 * The part of a sidecar that describes such a network: only settings and values that are
 * known here, so that a golden of another network is refused.
 */
export const SemiConfig = z.strictObject({
  ...IMAGES,
  semi_seg_net: z.strictObject({
    num_classes: z.int(),
    sync_bn: z.literal(false).optional(),
    encoder: z.strictObject({
      type: z.literal("fst.models.resnet.resnet50"),
      kwargs: z.strictObject({
        pretrained: z.literal(false).optional(),
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
    aux_loss: z.strictObject({ aux_plane: z.int(), loss_weight: z.number() }).optional(),
  }),
  layers: z.literal("resnet50").optional(),
  /** What every number of channels is divided by. */
  width_divisor: z.int().positive(),
  dropout: z.number(),
});

// What the reference does not read from its configuration.
const CHANNELS = { stem: 128, planes: 64, deeplabV3Plus: 256, psp: 512, auxiliary: 256 };
const POOL_SCALES = [1, 2, 3, 6];
// Stages that the auxiliary head's map has passed.
const AUXILIARY_STAGE = 3;

/**
 * Builds the network of a golden.
 *
 * @throws {RangeError} If its auxiliary head reads another map than that of the third stage.
 */
export function semiNetworkUnderTest(
  config: z.output<typeof SemiConfig>,
): NetworkUnderTest {
  const { semi_seg_net: model, width_divisor: divisor, dropout } = config;
  const classes = model.num_classes;
  const encoder = resnetMultigrid("encoder", {
    depths: [3, 4, 6, 3],
    stemChannels: CHANNELS.stem / divisor,
    baseChannels: CHANNELS.planes / divisor,
  });
  const { decoder, ...rest } = semiDecoder(config, encoder.channels);
  const { aux_loss: auxiliaryConfig } = model;
  const auxiliaryChannels = encoder.channels[AUXILIARY_STAGE - 1];
  if (
    auxiliaryConfig !== undefined &&
    auxiliaryConfig.aux_plane / divisor !== auxiliaryChannels
  ) {
    throw new RangeError(
      `Cannot build the auxiliary head: "aux_plane" must be that of the third stage: ` +
        `received ${auxiliaryConfig.aux_plane}`,
    );
  }
  const auxiliary = auxiliaryConfig === undefined ? [] : [{
    decoder: semiFcnHead("auxor.aux", encoder.channels, {
      classes,
      channels: CHANNELS.auxiliary / divisor,
      dropout,
    }),
    lossWeight: auxiliaryConfig.loss_weight,
  }];
  return {
    network: encoderDecoder(encoder, decoder, classes, auxiliary),
    loss: validCrossEntropy,
    ...rest,
  };
}

function semiDecoder(
  { semi_seg_net: model, width_divisor: divisor, dropout }: z.output<typeof SemiConfig>,
  widths: readonly number[],
): Pick<NetworkUnderTest, "extraOutputs"> & { decoder: Decoder } {
  const name = "decoder";
  const classes = model.num_classes;
  switch (model.decoder.type) {
    case "fst.models.decoder.dec_deeplabv3_plus": {
      const { inner_planes: innerPlanes, dilations, rep_head: representationHead } =
        model.decoder.kwargs;
      const head = semiDeeplabV3PlusHead(name, widths, {
        classes,
        channels: CHANNELS.deeplabV3Plus / divisor,
        innerPlanes: innerPlanes / divisor,
        dilations,
        representationHead,
        dropout,
      });
      return withRepresentation(head);
    }
    case "fst.models.decoder.dec_deeplabv2": {
      const options = { classes, dilations: model.decoder.kwargs.dilations };
      return { decoder: semiDeeplabV2Head(name, widths, options) };
    }
    case "fst.models.decoder.dec_pspnet": {
      const options = {
        classes,
        channels: CHANNELS.psp / divisor,
        poolScales: POOL_SCALES,
      };
      return { decoder: semiPspHead(name, widths, options) };
    }
  }
}

// The reference runs the representation in every pass, which moves its running statistics.
function withRepresentation(
  decoder: Decoder,
): Pick<NetworkUnderTest, "extraOutputs"> & { decoder: Decoder } {
  const run = decoder.applyWithRepresentation?.bind(decoder);
  if (run === undefined) return { decoder };
  return {
    decoder: {
      ...decoder,
      apply: (weights, maps, context) => run(weights, maps, context).logits,
    },
    extraOutputs: (weights: Weights, maps: tf.Tensor4D[]) => ({
      rep: run(weights, maps, EVAL_CONTEXT).representation,
    }),
  };
}

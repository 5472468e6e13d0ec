import type { Decoder, ForwardContext, Layer, Weights } from "../core/network.ts";
import * as tf from "../core/tf.ts";
import { classifier } from "../layers/classifier.ts";
import { convModule } from "../layers/conv_module.ts";
import { channelAttention, positionAttention } from "../layers/dual_attention.ts";
import { parametersOf } from "../layers/parameter.ts";
import { pipe } from "../layers/sequential.ts";
import { featureMapAt, type HeadOptions } from "./feature_map.ts";

/** The shape of a DANet head; published are 512 channels. */
export interface DanetHeadOptions extends HeadOptions {
  /** Channels of keys and queries; published are 64. */
  readonly pamChannels: number;
}

// Each branch counts as much as the prediction, as in mmsegmentation.
const BRANCH_LOSS_WEIGHT = 1;

/**
 * The decoder of DANet: position attention and channel attention on the coarsest map and
 * at its resolution; the sum of both predicts. In training each of them also predicts
 * alone.
 *
 * Source: Fu et al., "Dual Attention Network for Scene Segmentation" (CVPR 2019),
 * https://arxiv.org/abs/1809.02983.
 *
 * @param name Prefix of the parameters, "decode_head" in whole networks. Those of the
 * branches are `<name>.{pam,cam}{_in_conv,,_out_conv,_conv_seg}.*`.
 */
export function danetHead(
  name: string,
  inChannels: readonly number[],
  { classes, channels, pamChannels, dropout }: DanetHeadOptions,
): Decoder {
  const branch = (module: string, attention: Layer) => {
    const prefix = `${name}.${module}`;
    const classifierName = `${prefix}_conv_seg`;
    const conv = (layer: string, inChannels: number) =>
      convModule(`${prefix}_${layer}`, inChannels, channels, 3);
    return {
      attend: pipe(
        conv("in_conv", inChannels.at(-1) ?? 0),
        attention,
        conv("out_conv", channels),
      ),
      // With PyTorch's initial weights and dropout of its own.
      classify: classifier(
        classifierName,
        channels,
        classes,
        dropout,
        classifierName,
        "pytorch",
      ),
    };
  };
  const position = branch("pam", positionAttention(`${name}.pam`, channels, pamChannels));
  const channel = branch("cam", channelAttention(`${name}.cam`));
  const classify = classifier(name, channels, classes, dropout);

  // Both maps, [B, H, W, channels] each, and the logits of their sum. [B, H, W, classes]
  const predict = (weights: Weights, maps: tf.Tensor4D[], context: ForwardContext) => {
    const x = featureMapAt(maps, inChannels, -1);
    const positionMap = position.attend.apply(weights, x, context);
    const channelMap = channel.attend.apply(weights, x, context);
    const logits = classify.apply(weights, tf.add(positionMap, channelMap), context);
    return { positionMap, channelMap, logits };
  };
  return {
    parameters: parametersOf(
      classify,
      position.attend,
      position.classify,
      channel.attend,
      channel.classify,
    ),
    apply: (weights, maps, context) => predict(weights, maps, context).logits,
    applyWithAuxiliary(weights, maps, context) {
      const { positionMap, channelMap, logits } = predict(weights, maps, context);
      const auxiliaryLogits = [
        position.classify.apply(weights, positionMap, context),
        channel.classify.apply(weights, channelMap, context),
      ].map((logits) => ({ logits, lossWeight: BRANCH_LOSS_WEIGHT }));
      return { logits, auxiliaryLogits };
    },
  };
}

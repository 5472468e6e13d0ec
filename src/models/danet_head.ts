import type { Decoder, Layer, Pass, Weights } from "../core/network.ts";
import * as tf from "../core/tf.ts";
import { channelAttention } from "../layers/channel_attention.ts";
import { classifier } from "../layers/classifier.ts";
import { convModule } from "../layers/conv_module.ts";
import { convolution } from "../layers/convolution.ts";
import { dropout as drop } from "../layers/dropout.ts";
import { parametersOf } from "../layers/parameter.ts";
import { positionAttention } from "../layers/position_attention.ts";
import { coarsestOf } from "./coarsest_map.ts";

/** The shape of a DANet head. */
export interface DanetHeadOptions {
  readonly classes: number;
  /** Width of the maps; published is 512. */
  readonly channels: number;
  /** Channels of keys and queries; published is 64. */
  readonly reduced: number;
  /** Share of channels dropped before each classifier. */
  readonly dropout: number;
}

// Each branch counts as much as the prediction, as in mmsegmentation.
const BRANCH_LOSS = 1;

/**
 * The decoder of DANet: attention over places and attention over channels, side by side
 * on the coarsest map and at its resolution; the sum of both predicts. In training each
 * of them also predicts alone.
 *
 * Source: Fu et al., "Dual Attention Network for Scene Segmentation" (CVPR 2019),
 * https://arxiv.org/abs/1809.02983.
 *
 * @param name Prefix of the parameters, "decode_head" in whole networks. Those of the
 * branches are `<name>.{pam,cam}{_in_conv,,_out_conv,_conv_seg}.*`.
 * @param widths Channels of the encoder's maps, from fine to coarse.
 */
export function danetHead(
  name: string,
  widths: readonly number[],
  { classes, channels, reduced, dropout }: DanetHeadOptions,
): Decoder {
  const width = widths.at(-1) ?? 0;
  const branch = (part: string, attention: Layer): Branch => ({
    look: lookThrough(`${name}.${part}`, width, channels, attention),
    classify: branchClassifier(`${name}.${part}_conv_seg`, channels, classes, dropout),
  });
  const places = branch("pam", positionAttention(`${name}.pam`, channels, reduced));
  const kinds = branch("cam", channelAttention(`${name}.cam`));
  const classify = classifier(name, channels, classes, dropout);

  // Both maps, [B, H, W, channels] each, and the logits of their sum.
  const predict = (weights: Weights, maps: readonly tf.Tensor4D[], pass: Pass) => {
    const x = coarsestOf(maps, widths);
    const byPlace = places.look.apply(weights, x, pass);
    const byKind = kinds.look.apply(weights, x, pass);
    const logits = classify.apply(weights, tf.add(byPlace, byKind), pass);
    return { byPlace, byKind, logits }; // logits [B, H, W, classes]
  };
  return {
    parameters: parametersOf(
      classify,
      places.look,
      places.classify,
      kinds.look,
      kinds.classify,
    ),
    apply: (weights, maps, pass) => predict(weights, maps, pass).logits,
    applyWithSides(weights, maps, pass) {
      const { byPlace, byKind, logits } = predict(weights, maps, pass);
      const alone = [
        places.classify.apply(weights, byPlace, pass),
        kinds.classify.apply(weights, byKind, pass),
      ];
      return {
        logits,
        sides: alone.map((logits) => ({ logits, lossWeight: BRANCH_LOSS })),
      };
    },
  };
}

// One of the two attentions and the classifier that only its loss sees.
interface Branch {
  readonly look: Layer;
  readonly classify: Layer;
}

// An attention between two 3×3 convolutions.
function lookThrough(
  name: string,
  inputs: number,
  channels: number,
  attention: Layer,
): Layer {
  const enter = convModule(`${name}_in_conv`, inputs, channels, { kernel: 3 });
  const leave = convModule(`${name}_out_conv`, channels, channels, { kernel: 3 });
  const steps = [enter, attention, leave];
  return {
    parameters: parametersOf(...steps),
    apply: (weights, x, pass) =>
      steps.reduce((map, step) => step.apply(weights, map, pass), x),
  };
}

// Like the main classifier, but with PyTorch's start and dropout of its own.
function branchClassifier(
  name: string,
  channels: number,
  classes: number,
  rate: number,
): Layer {
  const classify = convolution(name, channels, classes, { kernel: 1, start: "pytorch" });
  return {
    parameters: classify.parameters,
    apply: (weights, x, pass) =>
      classify.apply(weights, drop(name, x, rate, "channel", pass), pass),
  };
}

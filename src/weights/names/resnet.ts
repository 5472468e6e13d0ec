/** Naming schemes of ResNet. @module */

import {
  dropRule,
  type NamingScheme,
  renameRule,
  type TensorShapes,
  unsupportedRule,
} from "./naming_scheme.ts";
import { anyNameMatches, matchPattern } from "./pattern.ts";

/** Channels of the wide stem; ResNet V1c has half as many. */
const STEM_CHANNELS = 128;

/** What is in a block of a ResNet, by the names of all code bases. */
export const RESNET_BLOCK_PARTS = ["conv{n}.*", "bn{n}.*", "downsample.{i}.*"] as const;

/** Whether a file has an encoder with a deep and wide stem. */
export function hasWideStem(tensors: TensorShapes): boolean {
  for (const [name, { shape: [channels] }] of tensors) {
    if (matchPattern("[backbone.]conv1.6.weight", name) !== null) {
      return channels === STEM_CHANNELS;
    }
  }
  return false;
}

/**
 * The pretrained encoder of the semi-supervised networks, without the prefix "encoder.".
 * timm has the same names for a deep stem, so the number of channels distinguishes them.
 *
 * Source: https://github.com/Haochen-Wang409/U2PL.
 */
export const U2PL: NamingScheme = {
  name: "u2pl",
  description: "ResNet of U2PL with a stem of 128 channels: conv1.0.weight",
  matches: hasWideStem,
  rules: [
    renameRule("[backbone.]conv1.{i}.*", "encoder.conv1.{i}.*"),
    renameRule("[backbone.]bn1.*", "encoder.bn1.*"),
    ...RESNET_BLOCK_PARTS.map((part) =>
      renameRule(`[backbone.]layer{s}.{k}.${part}`, `encoder.layer{s}.{k}.${part}`)
    ),
    dropRule("[backbone.]fc.*"),
  ],
  allowMissing: [],
};

/**
 * Why a ResNet with a plain stem is refused: its 7×7 convolution cannot be converted to
 * the three 3×3 convolutions of fst's networks.
 */
const PLAIN_STEM_UNSUPPORTED: string =
  "its ResNet begins with one 7×7 convolution, and those here with three 3×3 ones " +
  "(ResNet V1c); use a V1c file, as OpenMMLab's resnet101_v1c or timm's resnet101c";

const plainStemScheme = (
  name: string,
  library: string,
  stem: string,
  isResnet: NamingScheme["matches"],
): NamingScheme => ({
  name,
  description:
    `${library} ResNet: unsupported, because its stem is a single 7x7 convolution`,
  matches: (tensors) => anyNameMatches(tensors, stem) && isResnet(tensors),
  rules: [unsupportedRule(stem, PLAIN_STEM_UNSUPPORTED)],
  allowMissing: [],
});

/**
 * ResNet of torchvision, which is refused because its stem is plain; so are the files of
 * mmsegmentation and timm with the same stem.
 *
 * Source: https://github.com/pytorch/vision, `torchvision/models/resnet.py`.
 */
export const TORCHVISION: NamingScheme = plainStemScheme(
  "torchvision",
  "torchvision",
  "[backbone.]conv1.weight",
  (tensors) => anyNameMatches(tensors, "[backbone.]layer1.0.conv1.weight"),
);

/**
 * ResNet of Hugging Face, which is refused because it has only plain stems.
 *
 * Source: https://github.com/huggingface/transformers,
 * `models/resnet/modeling_resnet.py`.
 */
export const HUGGING_FACE_RESNET: NamingScheme = plainStemScheme(
  "hf-resnet",
  "Hugging Face",
  "[resnet.|backbone.]embedder.embedder.convolution.weight",
  (tensors) => !anyNameMatches(tensors, "decode_head.*"),
);

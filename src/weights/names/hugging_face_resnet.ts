import { anyFits } from "./pattern.ts";
import { PLAIN_STEM } from "./plain_stem.ts";
import { refused } from "./rule.ts";
import type { Scheme } from "./scheme.ts";

const STEM = "[resnet.|backbone.]embedder.embedder.convolution.weight";

/**
 * ResNet of Hugging Face, which only has plain stems and is therefore refused.
 *
 * Source: https://github.com/huggingface/transformers, `models/resnet/modeling_resnet.py`.
 */
export const HUGGING_FACE_RESNET: Scheme = {
  name: "hf-resnet",
  what: "ResNet of Hugging Face: refused, because its stem is plain",
  detect: (tensors) =>
    anyFits(tensors.keys(), STEM) && !anyFits(tensors.keys(), "decode_head.*"),
  rules: [refused(STEM, PLAIN_STEM)],
  mayLack: [],
};

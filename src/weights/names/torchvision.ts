import { anyFits } from "./pattern.ts";
import { PLAIN_STEM } from "./plain_stem.ts";
import { refused } from "./rule.ts";
import type { Scheme } from "./scheme.ts";

const STEM = "[backbone.]conv1.weight";

/**
 * ResNet of torchvision, whose stem is plain and which is therefore refused; so are the
 * files of mmsegmentation and timm that begin in the same way.
 *
 * Source: https://github.com/pytorch/vision, `torchvision/models/resnet.py`.
 */
export const TORCHVISION: Scheme = {
  name: "torchvision",
  what: "ResNet of torchvision: refused, because its stem is plain",
  detect: (tensors) =>
    anyFits(tensors.keys(), STEM) &&
    anyFits(tensors.keys(), "[backbone.]layer1.0.conv1.weight"),
  rules: [refused(STEM, PLAIN_STEM)],
  mayLack: [],
};

import { matchPattern } from "./pattern.ts";
import { leftOut, renamed } from "./rule.ts";
import type { Described, Scheme } from "./scheme.ts";

/** Channels after the stem; V1c has half as many. */
const STEM_WIDTH = 128;

/** Whether a file has an encoder whose deep stem ends with so many channels. */
export function hasWideStem(tensors: Described): boolean {
  for (const [name, { shape: [width] }] of tensors) {
    if (matchPattern("[backbone.]conv1.6.weight", name) !== null) {
      return width === STEM_WIDTH;
    }
  }
  return false;
}

/**
 * The pretrained encoder of the semi-supervised networks, without "encoder." before its
 * names. timm's names for a deep stem are the same, so its width decides.
 *
 * Source: https://github.com/Haochen-Wang409/U2PL.
 */
export const U2PL: Scheme = {
  name: "u2pl",
  what: "ResNet of U2PL with a stem of 128 channels: conv1.0.weight",
  detect: hasWideStem,
  rules: [
    renamed("[backbone.]conv1.*", "encoder.conv1.*"),
    renamed("[backbone.]bn1.*", "encoder.bn1.*"),
    renamed("[backbone.]layer{s}.*", "encoder.layer{s}.*"),
    leftOut("[backbone.]fc.*"),
  ],
  mayLack: [],
};

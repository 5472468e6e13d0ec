/** The naming scheme of EfficientNet-Lite. @module */

import {
  dropRule,
  HEAD_RULES,
  type NamingScheme,
  renameRule,
  type Rule,
  unsupportedRule,
} from "./naming_scheme.ts";
import { anyNameMatches } from "./pattern.ts";

/** What is in an EfficientNet-Lite, by the names of all code bases. */
export const EFFICIENTNET_PATTERNS: readonly string[] = [
  "_conv_stem.*",
  "_bn0.*",
  ...["expand", "depthwise", "project"].map((conv) => `_blocks.{k}._${conv}_conv.*`),
  "_blocks.{k}._bn{n}.*",
];

/**
 * EfficientNet-Lite in PyTorch, which has the names of EfficientNet-PyTorch. An
 * EfficientNet that is no Lite one is refused.
 *
 * Source: https://github.com/ml-illustrated/EfficientNet-Lite-PyTorch and
 * https://github.com/lukemelas/EfficientNet-PyTorch.
 */
export const EFFICIENTNET_PYTORCH: NamingScheme = {
  name: "efficientnet-pytorch",
  description: "EfficientNet-Lite of PyTorch: _blocks.0._depthwise_conv.weight",
  matches: (tensors) => anyNameMatches(tensors, "_conv_stem.weight"),
  rules: [
    unsupportedRule(
      "_blocks.{k}._se_reduce.*",
      "its EfficientNet has squeeze-and-excitation, and those here, the Lite ones, do " +
        "not; use an EfficientNet-Lite, as deno task download efficientnet-lite0",
    ),
    ...EFFICIENTNET_PATTERNS.map((part) => renameRule(part, `backbone.${part}`)),
    ...["_conv_head.*", "_bn1.*", "_fc.*"].map((part) => dropRule(part)),
    ...HEAD_RULES,
  ],
  allowMissing: [],
};

/** The rules from fst's names to those of EfficientNet-PyTorch. */
export const EFFICIENTNET_PYTORCH_NAMES: readonly Rule[] = EFFICIENTNET_PATTERNS.map(
  (part) => renameRule(`backbone.${part}`, part),
);

import { HUGGING_FACE_SWIN_RULES } from "./hugging_face_swin.ts";
import { anyFits } from "./pattern.ts";
import { refused, renamed } from "./rule.ts";
import type { Scheme } from "./scheme.ts";

/**
 * UPerNet of Hugging Face with a Swin: the head has mmsegmentation's names but for its
 * norms and classifiers.
 *
 * Source: https://github.com/huggingface/transformers,
 * `models/upernet/modeling_upernet.py` and `convert_swin_upernet_to_pytorch.py`.
 */
export const HUGGING_FACE_UPERNET: Scheme = {
  name: "hf-upernet",
  what: "UPerNet of Hugging Face with a Swin: decode_head.fpn_bottleneck.batch_norm.*",
  detect: (tensors) =>
    anyFits(tensors.keys(), "decode_head.fpn_bottleneck.batch_norm.weight"),
  rules: [
    refused(
      "backbone.encoder.stages.*",
      "its encoder is a ConvNeXt or a ResNet with a plain stem, which no network here " +
        "has; a UPerNet with a Swin can be used",
    ),
    renamed("decode_head.classifier.*", "decode_head.conv_seg.*"),
    renamed("decode_head.*.batch_norm.*", "decode_head.*.bn.*"),
    renamed("auxiliary_head.classifier.*", "auxiliary_head.conv_seg.*"),
    renamed("auxiliary_head.*.batch_norm.*", "auxiliary_head.*.bn.*"),
    ...HUGGING_FACE_SWIN_RULES,
  ],
  mayLack: [],
};

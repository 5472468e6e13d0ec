import { reversedLevels } from "./columns.ts";
import { FST_RULES } from "./fst.ts";
import { anyFits } from "./pattern.ts";
import { changed, renamed } from "./rule.ts";
import type { Scheme } from "./scheme.ts";

/**
 * SegFormer as its authors publish it. The encoder has our names; the head numbers its
 * levels from 1 and fuses them from coarse to fine.
 *
 * Source: https://github.com/NVlabs/SegFormer, `mmseg/models/decode_heads/segformer_head.py`.
 */
export const NVLABS_SEGFORMER: Scheme = {
  name: "nvlabs-segformer",
  what: "SegFormer of NVlabs: decode_head.linear_c1.*",
  detect: (tensors) => anyFits(tensors.keys(), "decode_head.linear_c1.proj.weight"),
  rules: [
    renamed("decode_head.linear_c{i}.proj.*", "decode_head.linear_c.{i-1}.proj.*"),
    changed(
      "decode_head.linear_fuse.conv.weight",
      "decode_head.linear_fuse.conv.weight",
      reversedLevels,
    ),
    renamed("decode_head.linear_fuse.bn.*", "decode_head.linear_fuse.bn.*"),
    renamed("decode_head.linear_pred.*", "decode_head.linear_pred.*"),
    renamed("decode_head.conv_seg.*", "decode_head.conv_seg.*"),
    ...FST_RULES,
  ],
  mayLack: [],
};

import type { HostTensor } from "../../core/host_tensor.ts";
import { FST, FST_RULES } from "./fst.ts";
import { anyFits } from "./pattern.ts";
import { changed, refused, renamed, split } from "./rule.ts";
import { splitRows } from "./rows.ts";
import type { Scheme } from "./scheme.ts";

const STAGE = "[backbone.]layers.{s}";
const BLOCK = `${STAGE}.1.{k}`;
const OURS = "backbone.block{s+1}.{k}";

/** A 1×1 convolution as the linear layer that it is. */
function asLinear(value: HostTensor): HostTensor {
  const [outputs = 0, inputs = 0, ...kernel] = value.shape;
  if (kernel.some((side) => side !== 1)) {
    throw new RangeError(
      `Cannot make a linear layer of a weight of shape [${
        value.shape.join(", ")
      }]: its ` +
        "kernel must be 1×1",
    );
  }
  return { ...value, shape: [outputs, inputs] };
}

/**
 * mmsegmentation's own Mix Transformer, since 0.18: stages as lists of embedding, blocks
 * and norm; queries, keys and values in one weight; 1×1 convolutions as linear layers. Its
 * other encoders and heads have our names, but its SegFormer head is another network.
 *
 * Source: https://github.com/open-mmlab/mmsegmentation, `mmseg/models/backbones/mit.py`,
 * `decode_heads/segformer_head.py` and `tools/model_converters/mit2mmseg.py`.
 */
export const MMSEG: Scheme = {
  name: "mmseg",
  what: "Mix Transformer of mmsegmentation, 0.18 to 1.x: backbone.layers.0.1.0.*",
  detect: (tensors) =>
    anyFits(tensors.keys(), `${STAGE}.0.projection.weight`) ||
    anyFits(tensors.keys(), "decode_head.fusion_conv.conv.weight"),
  rules: [
    refused(
      "decode_head.fusion_conv.*",
      "mmsegmentation's SegFormer head has a norm and a ReLU for each level before it " +
        "fuses them, and the one here, as that of the authors, has none; take the encoder " +
        'alone with the prefix "backbone."',
    ),
    renamed(`${STAGE}.0.projection.*`, "backbone.patch_embed{s+1}.proj.*"),
    renamed(`${STAGE}.0.norm.*`, "backbone.patch_embed{s+1}.norm.*"),
    renamed(`${BLOCK}.norm{n}.*`, `${OURS}.norm{n}.*`),
    split(
      `${BLOCK}.attn.attn.in_proj_*`,
      [`${OURS}.attn.q.*`, `${OURS}.attn.kv.*`],
      (value) => splitRows(value, [1, 2]),
    ),
    renamed(`${BLOCK}.attn.attn.out_proj.*`, `${OURS}.attn.proj.*`),
    renamed(`${BLOCK}.attn.sr.*`, `${OURS}.attn.sr.*`),
    renamed(`${BLOCK}.attn.norm.*`, `${OURS}.attn.norm.*`),
    changed(`${BLOCK}.ffn.layers.0.weight`, `${OURS}.mlp.fc1.weight`, asLinear),
    renamed(`${BLOCK}.ffn.layers.0.bias`, `${OURS}.mlp.fc1.bias`),
    renamed(`${BLOCK}.ffn.layers.1.*`, `${OURS}.mlp.dwconv.dwconv.*`),
    changed(`${BLOCK}.ffn.layers.4.weight`, `${OURS}.mlp.fc2.weight`, asLinear),
    renamed(`${BLOCK}.ffn.layers.4.bias`, `${OURS}.mlp.fc2.bias`),
    renamed(`${STAGE}.2.*`, "backbone.norm{s+1}.*"),
    ...FST_RULES,
  ],
  mayLack: FST.mayLack,
};

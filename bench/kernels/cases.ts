/**
 * The shapes that kernels are measured at: those of a 512×512 crop in the published
 * networks, one image.
 *
 * @module
 */
import { attentionPair, windowBiasPair, windowsPair } from "../pairs/attention.ts";
import {
  conv2dPair,
  depthwisePair,
  linearPair,
  matMulPair,
} from "../pairs/convolution.ts";
import {
  batchNormPair,
  dropoutPair,
  frozenBatchNormPair,
  geluPair,
  layerNormPair,
  relu6Pair,
  reluPair,
  softmaxPair,
} from "../pairs/normalization.ts";
import type { Pair } from "../pairs/pair.ts";
import {
  argmaxConfidencePair,
  channelDistancePair,
  classMixPair,
  colorJitterPair,
  crossEntropyPair,
  gaussianBlurPair,
  upsampledArgmaxPair,
  upsampledCrossEntropyPair,
} from "../pairs/pixels.ts";
import {
  adaptiveAveragePoolPair,
  maxPoolPair,
  resizeBicubicPair,
  resizeBilinearPair,
} from "../pairs/resampling.ts";
import { adamwPair, lerpPair } from "../pairs/update.ts";

/** A pair at a shape. */
export interface KernelCase {
  /** Of the operation. */
  readonly operation: string;
  /** Whose shape it is. */
  readonly usedBy: string;
  readonly shape: string;
  readonly pair: Pair;
  /** Left out unless asked for: takes a software driver minutes. */
  readonly isHeavy: boolean;
}

const CASES: readonly KernelCase[] = [
  // Stage s of a MiT has (128 / 2^s)² tokens; B0 is 32, 64, 160, 256 wide, B5 64 to 512.
  light("layer norm", "MiT-B0 stage 1", "16384×32", layerNormPair(16384, 32)),
  light("layer norm", "MiT-B5 stage 3", "1024×320", layerNormPair(1024, 320)),
  light("gelu", "MiT-B0 stage 1", "16384×128", geluPair(16384, 128)),
  light("gelu", "MiT-B5 stage 3", "1024×1280", geluPair(1024, 1280)),
  light("relu", "ResNet-50 stage 1", "16384×256", reluPair(16384, 256)),
  light("relu6", "EfficientNet-Lite0 block 1", "65536×96", relu6Pair(65536, 96)),
  light("softmax", "MiT-B0 stage 1", "16384×256", softmaxPair(16384, 256)),
  light(
    "depthwise",
    "MiT-B0 stage 1",
    "128×128×128, 3×3",
    depthwisePair([1, 128, 128, 128]),
  ),
  light(
    "depthwise",
    "MiT-B5 stage 3",
    "32×32×1280, 3×3",
    depthwisePair([1, 32, 32, 1280]),
  ),
  heavy(
    "depthwise",
    "DAFormer, dilation 12",
    "128×128×256, 3×3",
    depthwisePair([1, 128, 128, 256], 3, 12),
  ),
  light(
    "linear",
    "MiT-B0 stage 1, feed-forward",
    "16384×32→128",
    linearPair(16384, 32, 128),
  ),
  light(
    "linear",
    "MiT-B5 stage 3, feed-forward",
    "1024×320→1280",
    linearPair(1024, 320, 1280),
  ),
  light(
    "batched matmul",
    "MiT-B5 stage 3, scores",
    "5×1024×64, 5×256×64",
    matMulPair(5, [1024, 64, 256]),
  ),
  light(
    "attention",
    "MiT-B0 stage 3",
    "1024 to 256, 5 heads of 32",
    attentionPair([1, 1024, 256, 160], 5),
  ),
  heavy(
    "attention",
    "MiT-B0 stage 1",
    "16384 to 256, 1 head of 32",
    attentionPair([1, 16384, 256, 32], 1),
  ),
  heavy(
    "attention",
    "MiT-B5 stage 2",
    "4096 to 256, 2 heads of 64",
    attentionPair([1, 4096, 256, 128], 2),
  ),
  light(
    "conv2d",
    "MiT-B0 stage 1, reduction",
    "128×128×32, 8×8 stride 8",
    conv2dPair([1, 128, 128, 32], 32, 8, { stride: 8 }),
  ),
  light(
    "conv2d",
    "MiT-B0 patches",
    "512×512×3→32, 7×7 stride 4",
    conv2dPair([1, 512, 512, 3], 32, 7, { stride: 4, padding: 3 }),
  ),
  heavy(
    "conv2d",
    "MiT-B5 stage 3, patches",
    "64×64×128→320, 3×3 stride 2",
    conv2dPair([1, 64, 64, 128], 320, 3, { stride: 2, padding: 1 }),
  ),
  heavy(
    "conv2d",
    "ResNet-101 stage 2",
    "64×64×128, 3×3",
    conv2dPair([1, 64, 64, 128], 128, 3, { padding: 1 }),
  ),
  heavy(
    "conv2d",
    "ResNet-101 stage 3, dilation 2",
    "64×64×256, 3×3",
    conv2dPair([1, 64, 64, 256], 256, 3, { dilation: 2, padding: 2 }),
  ),
  heavy(
    "conv2d",
    "ResNet-101 stage 3, one pixel",
    "64×64×1024→256, 1×1",
    conv2dPair([1, 64, 64, 1024], 256, 1),
  ),
  light("batch norm", "ResNet-101 stage 2", "64×64×512", batchNormPair([1, 64, 64, 512])),
  light(
    "frozen batch norm",
    "ResNet-101 stage 1",
    "128×128×256",
    frozenBatchNormPair([1, 128, 128, 256]),
  ),
  light("max pool", "ResNet-101 stem", "256×256×128", maxPoolPair([1, 256, 256, 128])),
  light(
    "adaptive average pool",
    "PSPNet",
    "64×64×512→6×6",
    adaptiveAveragePoolPair([1, 64, 64, 512], [6, 6]),
  ),
  light(
    "resize bilinear",
    "DAFormer, stage 4",
    "16×16×256→128×128",
    resizeBilinearPair([1, 16, 16, 256], [128, 128]),
  ),
  light(
    "resize bilinear",
    "logits",
    "128×128×19→512×512",
    resizeBilinearPair([1, 128, 128, 19], [512, 512]),
  ),
  light(
    "resize bicubic",
    "DINOv2, positions",
    "37×37×384→80×80",
    resizeBicubicPair([37, 37, 384], [80, 80]),
  ),
  light(
    "dropout",
    "classifier",
    "128×128×256, channels",
    dropoutPair([1, 128, 128, 256], "channel"),
  ),
  light("cross entropy", "logits", "512×512×19", crossEntropyPair([1, 512, 512, 19])),
  light(
    "upsampled cross entropy",
    "logits",
    "128×128×19→512×512",
    upsampledCrossEntropyPair([1, 128, 128, 19], 4),
  ),
  light(
    "upsampled argmax",
    "logits",
    "128×128×19→512×512",
    upsampledArgmaxPair([1, 128, 128, 19], 4),
  ),
  light(
    "argmax and confidence",
    "logits",
    "512×512×19",
    argmaxConfidencePair([1, 512, 512, 19]),
  ),
  light(
    "channel distance",
    "MiT-B5 stage 4",
    "16×16×512",
    channelDistancePair([1, 16, 16, 512]),
  ),
  light("class mix", "crops", "2×512×512", classMixPair([2, 512, 512])),
  light("color jitter", "crops", "2×512×512", colorJitterPair([2, 512, 512])),
  light("gaussian blur", "crops", "2×512×512", gaussianBlurPair([2, 512, 512])),
  light(
    "windows",
    "Swin-B stage 1",
    "128×128×128, 12",
    windowsPair([1, 128, 128, 128], 12, 6),
  ),
  light(
    "window bias",
    "Swin-B stage 3",
    "9 windows of 12², 16 heads",
    windowBiasPair([3, 3], 16, 12, 6),
  ),
  light("adamw", "MiT-B5 stage 3", "1280×320", adamwPair(1280 * 320)),
  light("lerp", "MiT-B5 stage 3", "1280×320", lerpPair(1280 * 320)),
];

/**
 * The cases to be measured.
 *
 * @param only Parts of an operation's name or of what it is of; none: all light ones.
 * @throws {RangeError} If one is in no name.
 */
export function selectCases(only: readonly string[]): readonly KernelCase[] {
  if (only.length === 0) return CASES.filter(({ isHeavy }) => !isHeavy);
  const fits = ({ operation, usedBy }: KernelCase, pattern: string) =>
    `${operation} ${usedBy}`.toLowerCase().includes(pattern.toLowerCase());
  for (const pattern of only) {
    if (CASES.some((kernelCase) => fits(kernelCase, pattern))) continue;
    const known = [...new Set(CASES.map(({ operation }) => operation))].join(", ");
    throw new RangeError(`Cannot measure "${pattern}": known are ${known}`);
  }
  return CASES.filter((kernelCase) => only.some((pattern) => fits(kernelCase, pattern)));
}

function light(operation: string, usedBy: string, shape: string, pair: Pair): KernelCase {
  return { operation, usedBy, shape, pair, isHeavy: false };
}

function heavy(operation: string, usedBy: string, shape: string, pair: Pair): KernelCase {
  return { operation, usedBy, shape, pair, isHeavy: true };
}

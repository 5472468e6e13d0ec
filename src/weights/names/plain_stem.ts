/**
 * Why a ResNet with a plain stem is refused: its first 7×7 convolution cannot be written
 * as the three 3×3 convolutions that the networks here have in its place.
 */
export const PLAIN_STEM: string =
  "its ResNet begins with one 7×7 convolution, and those here with three 3×3 ones " +
  "(ResNet V1c); use a V1c file, as OpenMMLab's resnet101_v1c or timm's resnet101c";

import type { Layer } from "../core/network.ts";
import { convModule, separableConvModule } from "./conv_module.ts";
import { concatBranches, poolingBranch } from "./pyramid_pooling.ts";

/**
 * Atrous spatial pyramid pooling: convolutions of several dilations on the same map,
 * concatenated and fused by a 3×3 convolution.
 *
 * Source: Chen et al., "Rethinking Atrous Convolution", 2017,
 * https://arxiv.org/abs/1706.05587.
 *
 * @param name Parameters are `<name>.image_pool.*`, `<name>.aspp_modules.<i>.*` and
 * `<name>.bottleneck.*`.
 * @param options `dilations` of the branches, of which 1 means a 1×1 convolution;
 * `separable`: whether the others are depthwise separable; `imagePool`: whether the mean
 * of the map is a branch, too, which published DAFormers leave out.
 */
export function aspp(
  name: string,
  inChannels: number,
  outChannels: number,
  { dilations, separable, imagePool = false }: {
    readonly dilations: readonly number[];
    readonly separable: boolean;
    readonly imagePool?: boolean;
  },
): Layer {
  const branches = dilations.map((dilation, i) => {
    const branch = `${name}.aspp_modules.${i}`;
    if (separable && dilation !== 1) {
      return separableConvModule(branch, inChannels, outChannels, dilation);
    }
    const kernelSize = dilation === 1 ? 1 : 3;
    return convModule(branch, inChannels, outChannels, kernelSize, dilation);
  });
  if (imagePool) {
    branches.unshift(poolingBranch(`${name}.image_pool`, inChannels, outChannels, 1));
  }
  const bottleneck = convModule(
    `${name}.bottleneck`,
    branches.length * outChannels,
    outChannels,
    3,
  );
  return concatBranches(branches, bottleneck);
}

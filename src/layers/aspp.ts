import type { Layer } from "../core/network.ts";
import * as tf from "../core/tf.ts";
import { convModule, separableConvModule } from "./conv_module.ts";
import { parametersOf } from "./parameter.ts";

/**
 * Atrous spatial pyramid: the same maps seen at several dilations, then fused by 3×3.
 *
 * Source: Chen et al., "Rethinking Atrous Convolution", 2017,
 * https://arxiv.org/abs/1706.05587; without image pooling, as DAFormer uses it.
 *
 * @param name Parameters are `<name>.aspp_modules.<i>.*` and `<name>.bottleneck.*`.
 * @param separable Whether branches of dilation above 1 are depthwise separable.
 */
export function aspp(
  name: string,
  inputs: number,
  outputs: number,
  { dilations, separable }: { dilations: readonly number[]; separable: boolean },
): Layer {
  const branches = dilations.map((dilation, i) => {
    const branch = `${name}.aspp_modules.${i}`;
    if (dilation === 1) return convModule(branch, inputs, outputs, { kernel: 1 });
    return separable
      ? separableConvModule(branch, inputs, outputs, { dilation })
      : convModule(branch, inputs, outputs, { kernel: 3, dilation });
  });
  const width = outputs * dilations.length;
  const bottleneck = convModule(`${name}.bottleneck`, width, outputs, { kernel: 3 });
  return {
    parameters: parametersOf(...branches, bottleneck),
    apply(weights, x, pass) {
      const seen = branches.map((branch) => branch.apply(weights, x, pass));
      return bottleneck.apply(weights, tf.concat(seen, 3), pass);
    },
  };
}

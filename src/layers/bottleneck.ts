import type { Layer } from "../core/network.ts";
import * as tf from "../core/tf.ts";
import { convNorm } from "./conv_norm.ts";
import { parametersOf } from "./parameter.ts";

/** How much wider the output of a bottleneck is than its inside. */
export const BOTTLENECK_EXPANSION = 4;

/** The shape of a bottleneck. */
export interface BottleneckOptions {
  readonly inputs: number;
  /** Channels inside; the output has four times as many. */
  readonly planes: number;
  /** Of the 3×3 convolution and the shortcut. */
  readonly stride: number;
  /** Of the 3×3 convolution. */
  readonly dilation: number;
  /** Whether the shortcut is a 1×1 convolution, not the input itself. */
  readonly project: boolean;
}

/**
 * The residual block of deep ResNets: out = relu(conv3(relu(conv2(relu(conv1(x))))) + x),
 * each convolution with batch norm, 1×1 to fewer channels, 3×3, and 1×1 to more.
 *
 * Source: He et al., "Deep Residual Learning" (CVPR 2016),
 * https://arxiv.org/abs/1512.03385; the stride is in the 3×3 convolution, as in PyTorch.
 *
 * @param name Parameters are `<name>.{conv,bn}{1,2,3}.*` and `<name>.downsample.{0,1}.*`.
 * @throws {RangeError} If the shortcut is the input itself and has another shape.
 */
export function bottleneck(
  name: string,
  { inputs, planes, stride, dilation, project }: BottleneckOptions,
): Layer {
  const outputs = BOTTLENECK_EXPANSION * planes;
  if (!project && (inputs !== outputs || stride !== 1)) {
    throw new RangeError(
      `Cannot add the input to a bottleneck: without "project" it must have ${outputs} ` +
        `channels and stride 1, but it has ${inputs} and ${stride}`,
    );
  }
  const names = (i: number) => [`${name}.conv${i}`, `${name}.bn${i}`] as const;
  const narrow = convNorm(names(1), inputs, planes, { kernel: 1 });
  const look = convNorm(names(2), planes, planes, { kernel: 3, stride, dilation });
  // A fresh block passes its shortcut on, as in the reference.
  const widen = convNorm(names(3), planes, outputs, { kernel: 1, silent: true });
  const shortcut = project
    ? [
      convNorm([`${name}.downsample.0`, `${name}.downsample.1`], inputs, outputs, {
        kernel: 1,
        stride,
      }),
    ]
    : [];
  return {
    parameters: parametersOf(narrow, look, widen, ...shortcut),
    apply(weights, x, pass) {
      const thin = tf.relu(narrow.apply(weights, x, pass));
      const seen = tf.relu(look.apply(weights, thin, pass));
      const change = widen.apply(weights, seen, pass); // [B, H/stride, W/stride, outputs]
      const kept = shortcut.reduce((map, layer) => layer.apply(weights, map, pass), x);
      return tf.relu(tf.add(change, kept)) as tf.Tensor4D;
    },
  };
}

import {
  averagePool,
  type Encoder,
  type Layer,
  parametersOf,
  type Tensor4D,
  tf,
} from "../../nn.ts";
import { convWithoutBias, espModule, stridedEspModule } from "./esp_module.ts";
import { normPrelu } from "./norm_prelu.ts";

/** Channels of an image, and of the maps of the three levels. */
const IMAGE = 3;
const LEVELS = [16, 64, 128] as const;

/** How often the ESP modules of the second and third level are repeated. */
export interface EspnetDepths {
  /** Of the second level; 2 in the paper. */
  readonly p: number;
  /** Of the third level; 3, 5 or 8 in the paper. */
  readonly q: number;
}

/**
 * The encoder of ESPNet, "ESPNet-C".
 *
 * The first map of each level and its last are joined, and so is the image itself, scaled
 * down by averages: the paper's input reinforcement. Averages at the border count the
 * pixels beyond it as 0.
 *
 * Images arrive as everywhere in this library, red first; the published weights want blue
 * first.
 *
 * Source: Mehta et al., "ESPNet" (ECCV 2018), https://arxiv.org/abs/1803.06815, section 4.
 */
export function espnetEncoder({ p, q }: EspnetDepths): Encoder {
  const [first, second, third] = LEVELS;
  const channels = [first + IMAGE, 2 * second + IMAGE, 2 * third] as const;

  const level1 = convWithoutBias("encoder.level1", IMAGE, first, {
    kernelSize: 3,
    stride: 2,
  });
  const finish1 = normPrelu("encoder.level1", first);
  const join1 = normPrelu("encoder.b1", channels[0]);
  const down2 = stridedEspModule("encoder.level2_0", channels[0], second);
  const level2 = espModules("encoder.level2", second, p);
  const join2 = normPrelu("encoder.b2", channels[1]);
  const down3 = stridedEspModule("encoder.level3_0", channels[1], third);
  const level3 = espModules("encoder.level3", third, q);
  const join3 = normPrelu("encoder.b3", channels[2]);

  return {
    strides: [2, 4, 8],
    channels,
    parameters: parametersOf(
      ...[level1, finish1, join1, down2, level2, join2, down3, level3, join3],
    ),
    apply(weights, images, context) {
      const applyTo = (layer: Layer, ...maps: Tensor4D[]) =>
        layer.apply(weights, tf.concat(maps, 3), context);
      const bgr = tf.reverse(images, 3); // [B, H, W, 3]
      const half = downsample2x(bgr); // [B, H/2, W/2, 3]

      const edges = applyTo(finish1, applyTo(level1, bgr)); // [B, H/2, W/2, 16]
      const fine = applyTo(join1, edges, half); // [B, H/2, W/2, 19]

      const early2 = applyTo(down2, fine); // [B, H/4, W/4, 64]
      const late2 = applyTo(level2, early2);
      const middle = applyTo(join2, late2, early2, downsample2x(half)); // [B, H/4, W/4, 131]

      const early3 = applyTo(down3, middle); // [B, H/8, W/8, 128]
      const late3 = applyTo(level3, early3);
      const coarse = applyTo(join3, early3, late3); // [B, H/8, W/8, 256]
      return [fine, middle, coarse];
    },
  };
}

function espModules(name: string, channels: number, count: number): Layer {
  const modules = Array.from(
    { length: count },
    (_, i) => espModule(`${name}.${i}`, channels, channels, { residual: true }),
  );
  return {
    parameters: parametersOf(...modules),
    apply: (weights, x, context) =>
      modules.reduce((y, espModuleLayer) => espModuleLayer.apply(weights, y, context), x),
  };
}

function downsample2x(x: Tensor4D): Tensor4D {
  const padded = tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]]);
  return averagePool(padded, { window: 3, stride: 2 }); // [B, ⌈H/2⌉, ⌈W/2⌉, C]
}

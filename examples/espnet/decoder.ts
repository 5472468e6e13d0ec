import {
  type Decoder,
  type Layer,
  parameter,
  parametersOf,
  type Tensor4D,
  tf,
  transposedConv2d,
  weightOf,
} from "../../nn.ts";
import { convWithoutBias, espModule } from "./esp_module.ts";
import { espnetNorm, normPrelu } from "./norm_prelu.ts";

/**
 * The light decoder of ESPNet: class scores are doubled in size three times, and twice
 * joined by those of a finer map.
 *
 * This is the form of the published CamVid weights. The code that was published with them
 * is later: its last 3×3 convolution reads the first 16 channels of the finest map.
 *
 * Source: Mehta et al., "ESPNet" (ECCV 2018), https://arxiv.org/abs/1803.06815, section 4.
 *
 * @param inChannels Channels of the encoder's three maps, from fine to coarse.
 * @param outputs Scores per pixel.
 * @param classes How many of them, from the first, are classes; the others are left out.
 */
export function espnetDecoder(
  inChannels: readonly number[],
  outputs: number,
  classes: number,
): Decoder {
  const [fine = 0, middle = 0, coarse = 0] = inChannels;
  const C = outputs;

  const score3 = convWithoutBias("encoder.classifier", coarse, C, { kernelSize: 1 });
  const score2 = convWithoutBias("level3_C", middle, C, { kernelSize: 1 });
  const norm3 = espnetNorm("br", C);
  const last = convWithoutBias("conv", C + fine, C, { kernelSize: 3 });
  const finishLast = normPrelu("conv", C);
  const double3 = upsample2x("up_l3.0", C);
  const join = normPrelu("combine_l2_l3.0", 2 * C);
  const mix = espModule("combine_l2_l3.1", 2 * C, C, { residual: false });
  const double2 = upsample2x("up_l2.0", C);
  const finish2 = normPrelu("up_l2.1", C);
  const double1 = upsample2x("classifier", C);

  return {
    // In the order of the published file.
    parameters: parametersOf(
      ...[score3, score2, norm3, last, finishLast, double3, join, mix],
      ...[double2, finish2, double1],
    ),
    apply(weights, maps, context) {
      const [map1, map2, map3] = maps;
      if (map1 === undefined || map2 === undefined || map3 === undefined) {
        throw new RangeError(
          `Cannot decode ${maps.length} maps: ESPNet has three, at 1/2, 1/4 and 1/8`,
        );
      }
      const applyTo = (layer: Layer, ...maps: Tensor4D[]) =>
        layer.apply(weights, tf.concat(maps, 3), context);

      const scores3 = applyTo(norm3, applyTo(score3, map3)); // [B, H/8, W/8, C]
      const scores2 = applyTo(score2, map2); // [B, H/4, W/4, C]
      const upsampled3 = cropLike(applyTo(double3, scores3), scores2);
      const fused2 = applyTo(mix, applyTo(join, scores2, upsampled3)); // [B, H/4, W/4, C]
      const upsampled2 = cropLike(applyTo(double2, fused2), map1);
      const scores1 = applyTo(finish2, upsampled2); // [B, H/2, W/2, C]
      const fused1 = applyTo(finishLast, applyTo(last, scores1, map1));
      const logits = applyTo(double1, fused1); // [B, H, W, C]
      return tf.slice(logits, [0, 0, 0, 0], [-1, -1, -1, classes]);
    },
  };
}

/**
 * A transposed convolution that doubles the size of its maps.
 *
 * @param name The parameter is `<name>.weight` [I, O, 2, 2 in PyTorch].
 */
function upsample2x(name: string, channels: number): Layer {
  const filter = parameter(
    `${name}.weight`,
    [2, 2, channels, channels], // [KH, KW, O, I]
    "convolution",
    { kind: "uniform", bound: (4 * channels) ** -0.5 }, // PyTorch's default
  );
  return {
    parameters: [filter],
    apply: (weights, x) => transposedConv2d(x, weightOf(weights, filter)),
  };
}

// A map of odd size was rounded up when it was halved, and is one pixel too large again.
function cropLike(x: Tensor4D, like: Tensor4D): Tensor4D {
  const [B, H, W] = like.shape;
  return tf.slice(x, [0, 0, 0, 0], [B, H, W, x.shape[3]]);
}

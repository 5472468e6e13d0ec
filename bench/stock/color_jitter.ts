import type { JitterFactors } from "../../src/augment/color_jitter.ts";
import type { Normalisation } from "../../src/core/host_batch.ts";
import * as tf from "../../src/core/tf.ts";

// The import map leads this file, unlike others, to the original.
export { drawJitter, type JitterFactors } from "../../src/augment/color_jitter.ts";

/** The four steps of each sample as element-wise operations, in its order. */
export function jitterColors(
  images: tf.Tensor4D,
  factors: readonly JitterFactors[],
  { mean, deviation }: Normalisation,
): tf.Tensor4D {
  return tf.tidy(() => {
    const colours = tf.div(tf.add(tf.mul(images, [...deviation]), [...mean]), 255);
    const samples = tf.split(colours as tf.Tensor4D, factors.length).map((sample, b) =>
      (factors[b]?.order ?? []).reduce(
        (rgb, kind) => step(rgb, kind, factors[b]),
        sample as tf.Tensor,
      )
    );
    const jittered = tf.concat(samples, 0);
    return tf.div(tf.sub(tf.mul(jittered, 255), [...mean]), [...deviation]);
  });
}

function step(rgb: tf.Tensor, kind: number, factors?: JitterFactors): tf.Tensor {
  if (factors === undefined) return rgb;
  const { brightness, contrast, saturation, hue } = factors;
  switch (kind) {
    case 0:
      return tf.clipByValue(tf.add(rgb, brightness - 1), 0, 1);
    case 1:
      return tf.clipByValue(tf.mul(rgb, contrast), 0, 1);
    case 2: {
      const [h, s, v] = toHsv(rgb);
      return toRgb(h, tf.clipByValue(tf.mul(s, saturation), 0, 1), v);
    }
    case 3: {
      const [h, s, v] = toHsv(rgb);
      return toRgb(tf.add(h, hue), s, v);
    }
    default:
      return rgb;
  }
}

// Hue in turns, saturation and value. [1, H, W, 1] each
function toHsv(rgb: tf.Tensor): [tf.Tensor, tf.Tensor, tf.Tensor] {
  const [r, g, b] = tf.split(rgb, 3, -1) as [tf.Tensor, tf.Tensor, tf.Tensor];
  const value = tf.max(rgb, -1, true);
  const spread = tf.sub(value, tf.min(rgb, -1, true));
  const divisor = tf.where(tf.equal(spread, 0), tf.onesLike(spread), spread);
  const hue = tf.where(
    tf.equal(r, value),
    tf.sub(g, b),
    tf.where(
      tf.equal(g, value),
      tf.sub(tf.add(tf.mul(divisor, 2), b), r),
      tf.sub(tf.add(tf.mul(divisor, 4), r), g),
    ),
  );
  const turns = tf.div(tf.div(hue, divisor), 6);
  return [tf.sub(turns, tf.floor(turns)), tf.div(spread, tf.add(value, 1e-6)), value];
}

// v − v·s·max(0, min(k, 4 − k, 1)) with k = (n + 6·hue) mod 6, n = 5, 3, 1.
function toRgb(hue: tf.Tensor, saturation: tf.Tensor, value: tf.Tensor): tf.Tensor {
  const depth = tf.mul(value, saturation);
  const channels = [5, 3, 1].map((n) => {
    const turns = tf.add(hue, n / 6);
    const k = tf.mul(tf.sub(turns, tf.floor(turns)), 6);
    const share = tf.clipByValue(tf.minimum(k, tf.sub(4, k)), 0, 1);
    return tf.sub(value, tf.mul(depth, share));
  });
  return tf.concat(channels, -1);
}

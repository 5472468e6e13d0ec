import type { Normalization } from "../../src/core/host_batch.ts";
import * as tf from "../../src/core/tf.ts";

/**
 * The four steps of each sample as element-wise operations, in its order.
 *
 * @param settings Made on the host, where they are read: what runs depends on them.
 */
export function colorJitter(
  images: tf.Tensor4D,
  settings: tf.Tensor2D,
  { mean, std }: Normalization,
): tf.Tensor4D {
  const values = [...settings.dataSync()];
  return tf.tidy(() => {
    const colors = tf.div(tf.add(tf.mul(images, [...std]), [...mean]), 255);
    const samples = tf.split(colors, images.shape[0]).map((sample, b) => {
      const factors = values.slice(8 * b, 8 * b + 4);
      const order = values.slice(8 * b + 4, 8 * b + 8);
      return order.reduce<tf.Tensor>(
        (rgb, kind) => step(rgb, kind, factors[kind]),
        sample,
      );
    });
    const jittered = tf.concat(samples, 0);
    return tf.div(tf.sub(tf.mul(jittered, 255), [...mean]), [...std]);
  });
}

function step(rgb: tf.Tensor, kind: number, factor = 0): tf.Tensor {
  switch (kind) {
    case 0:
      return tf.clipByValue(tf.add(rgb, factor - 1), 0, 1);
    case 1:
      return tf.clipByValue(tf.mul(rgb, factor), 0, 1);
    case 2: {
      const [h, s, v] = toHsv(rgb);
      return toRgb(h, tf.clipByValue(tf.mul(s, factor), 0, 1), v);
    }
    case 3: {
      const [h, s, v] = toHsv(rgb);
      return toRgb(tf.add(h, factor), s, v);
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

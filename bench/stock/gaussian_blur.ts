import * as tf from "../../src/core/tf.ts";

/** For each sample a mirrored border and two depthwise convolutions. */
export function separableBlur(
  images: tf.Tensor4D,
  rowWeights: tf.Tensor2D,
  columnWeights: tf.Tensor2D,
): tf.Tensor4D {
  const [B, H, W, C] = images.shape;
  return tf.tidy(() => {
    const blurred = Array.from({ length: B }, (_, b) => {
      const image = tf.slice4d(images, [b, 0, 0, 0], [1, H, W, C]);
      const rows = filterOf(rowWeights, b, C, true);
      const columns = filterOf(columnWeights, b, C, false);
      const top = (rows.shape[0] - 1) / 2;
      const left = (columns.shape[1] - 1) / 2;
      const bordered = tf.mirrorPad(
        image,
        [[0, 0], [top, top], [left, left], [0, 0]],
        "reflect",
      );
      const halfway = tf.depthwiseConv2d(bordered, rows, 1, "valid");
      return tf.depthwiseConv2d(halfway, columns, 1, "valid");
    });
    return tf.concat(blurred, 0);
  });
}

// One sample's filter, the same for each channel. [K, 1, C, 1] or [1, K, C, 1]
function filterOf(
  weights: tf.Tensor2D,
  sample: number,
  channels: number,
  isColumn: boolean,
): tf.Tensor4D {
  const taps = weights.shape[1];
  const shape: [number, number, 1, 1] = isColumn ? [taps, 1, 1, 1] : [1, taps, 1, 1];
  const one = tf.reshape<tf.Rank.R4>(tf.slice(weights, [sample, 0], [1, taps]), shape);
  return tf.tile(one, [1, 1, channels, 1]);
}

import * as tf from "../../src/core/tf.ts";

/**
 * For each sample a mirrored border and two depthwise convolutions, or nothing where its
 * filters change nothing.
 *
 * @param rowWeights Made on the host, where they are read; the other ones, too.
 */
export function separableBlur(
  images: tf.Tensor4D,
  rowWeights: tf.Tensor2D,
  columnWeights: tf.Tensor2D,
): tf.Tensor4D {
  const [B, H, W, C] = images.shape;
  return tf.tidy(() => {
    const blurred = Array.from({ length: B }, (_, b) => {
      const image = tf.slice4d(images, [b, 0, 0, 0], [1, H, W, C]);
      const [rows, columns] = [weightsOf(rowWeights, b), weightsOf(columnWeights, b)];
      const top = (rows.length - 1) / 2;
      const left = (columns.length - 1) / 2;
      if (rows[top] === 1 && columns[left] === 1) return image;
      const border: [number, number][] = [[0, 0], [top, top], [left, left], [0, 0]];
      const mirrored = tf.mirrorPad(image, border, "reflect");
      const halfway = tf.depthwiseConv2d(
        mirrored,
        filterOf(rows, [rows.length, 1, C, 1]),
        1,
        "valid",
      );
      const across = filterOf(columns, [1, columns.length, C, 1]);
      return tf.depthwiseConv2d(halfway, across, 1, "valid");
    });
    return tf.concat(blurred, 0);
  });
}

function weightsOf(weights: tf.Tensor2D, sample: number): number[] {
  const kernelLength = weights.shape[1];
  return [
    ...weights.dataSync().slice(sample * kernelLength, (sample + 1) * kernelLength),
  ];
}

// The same for each channel.
function filterOf(
  weights: readonly number[],
  shape: [number, number, number, 1],
): tf.Tensor4D {
  return tf.tensor4d(weights.flatMap((one) => Array(shape[2]).fill(one)), shape);
}

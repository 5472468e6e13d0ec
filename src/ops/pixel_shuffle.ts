import * as tf from "../core/tf.ts";

/**
 * Moves channels into space: y[b, h·r + i, w·r + j, c] = x[b, h, w, c·r² + i·r + j].
 *
 * Source: Shi et al., "Real-Time Single Image and Video Super-Resolution Using an Efficient
 * Sub-Pixel Convolutional Neural Network" (CVPR 2016), https://arxiv.org/abs/1609.05158;
 * channels in PyTorch's order.
 *
 * @param x [B, H, W, C·r²]
 * @param factor r
 * @returns [B, H·r, W·r, C]; the caller owns it.
 * @throws {RangeError} If r² does not divide the channels.
 */
export function pixelShuffle(x: tf.Tensor4D, factor: number): tf.Tensor4D {
  const [B, H, W, channels] = x.shape;
  const C = channels / factor ** 2;
  if (!Number.isInteger(C)) {
    throw new RangeError(
      `Cannot shuffle pixels: "factor" ${factor} needs a multiple of ${factor ** 2} ` +
        `channels, but there are ${channels}`,
    );
  }
  return tf.tidy(() => {
    const blocks = tf.reshape(x, [B, H, W, C, factor, factor]);
    const interleaved = tf.transpose(blocks, [0, 1, 4, 2, 5, 3]); // [B, H, r, W, r, C]
    return tf.reshape(interleaved, [B, H * factor, W * factor, C]);
  });
}

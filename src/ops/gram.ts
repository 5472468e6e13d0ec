import * as tf from "../core/tf.ts";
import { product } from "./mat_mul.ts";
import { rowProduct } from "./row_product.ts";

/**
 * The products of all pairs of columns, G = Xᵀ·X for each matrix of a batch.
 *
 * The rows are pixels, so the sums are long: they are taken in blocks, see
 * {@linkcode rowProduct}. A softmax over G feels its absolute error.
 *
 * @param x [B, N, C]
 * @returns [B, C, C]; the caller owns it.
 */
export function gram(x: tf.Tensor3D): tf.Tensor3D {
  return tf.differentiable(
    { x },
    (save) => {
      save([x]);
      const products = tf.unstack(x).map((one) =>
        rowProduct(one as tf.Tensor2D, one as tf.Tensor2D)
      );
      return tf.stack(products) as tf.Tensor3D;
    },
    (dy, [x]) => ({
      // dX = X·(dG + dGᵀ)
      x: () => product(x as tf.Tensor3D, tf.add(dy, tf.transpose(dy, [0, 2, 1]))),
    }),
  );
}

/** What the operations of this folder have in common. @module */
import * as tf from "../../core/tf.ts";
import type { Kernel } from "../../gpu/kernel.ts";
import { launch } from "../../gpu/launch.ts";

/**
 * y of x by one kernel, and its gradient, which y tells, by another.
 *
 * @returns Like x; the caller owns it.
 */
export function rectify<T extends tf.Tensor>(
  x: T,
  forward: Kernel<never, "x", "y">,
  gradient: Kernel<never, "y" | "dy", "dx">,
): T {
  return tf.differentiable<T>(
    { x },
    (save) => {
      const { y } = launch(forward, {
        uniforms: {},
        inputs: { x },
        outputs: { y: x.shape },
      });
      save([y]);
      return y;
    },
    (dy, saved) => ({
      x: () => {
        const [y] = saved as [tf.Tensor];
        const inputs = { y, dy };
        return launch(gradient, { uniforms: {}, inputs, outputs: { dx: y.shape } }).dx;
      },
    }),
  );
}

/** Which pixels are compared with which: anchors, members and negatives. @module */
import type * as tf from "../../core/tf.ts";
import { type Cells, type Kernel, launch } from "../kernel.ts";
import shader from "./contrast_roles.wgsl" with { type: "text" };
import { contrastRolesReference, type RoleSizes } from "./reference.ts";

const ROLES: Kernel<"count" | keyof RoleSizes> = {
  name: "contrastRoles",
  shader,
  uniforms: {
    count: "u32",
    known: "u32",
    classes: "u32",
    height: "u32",
    width: "u32",
    outHeight: "u32",
    outWidth: "u32",
    low: "u32",
    high: "u32",
    least: "f32",
  },
  twin(sizes, inputs, outputs) {
    contrastRolesReference(
      inputs as [Cells, Cells, Cells, Cells],
      outputs as [Cells, Cells, Cells],
      sizes,
    );
  },
};

/** What pixels are compared, as {@linkcode contrastRoles} is told. */
export interface RoleInputs {
  /** [I, h, w, C] */
  readonly logits: tf.Tensor4D;
  /** int32, 255 ignored. [I, H, W] */
  readonly labels: tf.Tensor;
  /** Of the images after the known ones. [I − known, H, W] */
  readonly entropy: tf.Tensor;
  /** At most this is sure, at least that is unsure. [2] */
  readonly bounds: tf.Tensor;
}

/** Rows of zeros and ones, one per class. [C, I·h·w] each */
export interface Roles {
  /** Pixels that are pulled and pushed. */
  readonly anchors: tf.Tensor2D;
  /** Pixels whose mean is the class's prototype. */
  readonly members: tf.Tensor2D;
  /** Pixels that the class may be confused with. */
  readonly negatives: tf.Tensor2D;
}

/**
 * Computes them.
 *
 * @param known Images at the beginning whose labels are known.
 */
export function contrastRoles(
  { logits, labels, entropy, bounds }: RoleInputs,
  known: number,
  limits: Pick<RoleSizes, "low" | "high" | "least">,
): Roles {
  const [images, outHeight, outWidth, classes] = logits.shape;
  const [, height = 0, width = 0] = labels.shape;
  const count = images * outHeight * outWidth;
  const output = { shape: [classes, count] };
  const [anchors, members, negatives] = launch(ROLES, {
    uniforms: {
      count,
      known: known * outHeight * outWidth,
      ...{ classes, height, width, outHeight, outWidth },
      ...limits,
    },
    inputs: [logits, labels, entropy, bounds],
    outputs: [output, output, output],
    invocations: count,
  }) as [tf.Tensor2D, tf.Tensor2D, tf.Tensor2D];
  return { anchors, members, negatives };
}

import * as tf from "../../core/tf.ts";
import { defineKernel } from "../../gpu/kernel.ts";
import { allocateTensor, launch } from "../../gpu/launch.ts";
import finite from "../finite.wgsl" with { type: "text" };
import { channelsOf } from "../map_sizes.ts";
import { prefixSums, radixSort, TILE } from "../radix_sort/radix_sort.ts";
import workgroupSum from "../sums/workgroup_sum.wgsl" with { type: "text" };
import errorsShader from "./errors.wgsl" with { type: "text" };
import foregroundShader from "./foreground.wgsl" with { type: "text" };
import { lovaszExtensionReference } from "./reference.ts";
import incrementsShader from "./increments.wgsl" with { type: "text" };

const ON_HOST = defineKernel({
  name: "lovaszExtension",
  uniforms: { pixels: "u32", classes: "u32", onlyPresent: "u32" },
  inputs: { probabilities: "f32", labels: "i32" },
  outputs: { losses: "f32", gradient: "f32" },
  reference: lovaszExtensionReference,
});

const ROUND_UNIFORMS = {
  pixels: "u32",
  classes: "u32",
  firstClass: "u32",
  roundClasses: "u32",
} as const;

const ERRORS = defineKernel({
  name: "lovaszErrors",
  uniforms: ROUND_UNIFORMS,
  inputs: { probabilities: "f32", labels: "i32" },
  outputs: { keys: "i32", items: "i32" },
  shader: finite + errorsShader,
});

const FOREGROUND = defineKernel({
  name: "lovaszForeground",
  uniforms: { pixels: "u32", tiles: "u32", tilePixels: "u32" },
  inputs: { items: "i32" },
  outputs: { counts: "i32" },
  shader: foregroundShader,
});

const INCREMENTS = defineKernel({
  name: "lovaszIncrements",
  uniforms: { ...ROUND_UNIFORMS, tiles: "u32", tilePixels: "u32" },
  inputs: { keys: "i32", items: "i32", counts: "i32", offsets: "i32" },
  outputs: { sums: "f32", gradient: "f32" },
  shader: finite + workgroupSum + incrementsShader,
});

/** Their keys take 64 MiB, half of what WebGPU grants. */
const ROUND_PAIRS = 2 ** 24;

/**
 * The Lovász extension of the Jaccard loss of every class, at the errors of its pixels.
 *
 *   e_i = |[label_i = c] − p_ic|, sorted in descending order (of equal ones the first pixel
 *   comes first); loss[s, c] = Σ_k e_k · (J_k − J_{k−1}), J_k being the Jaccard loss, 1 − IoU,
 *   of class c where the pixels of the k largest errors are mistaken and no others
 *
 * Source: Berman et al., "The Lovász-Softmax loss" (CVPR 2018),
 * https://arxiv.org/abs/1705.08790, algorithm 1.
 *
 * @param probabilities [S, P, C], P at most 2²⁹
 * @param labels int32, 0 … C − 1; pixels of anything else (255) are left out. [S, P]
 * @param onlyPresent Whether classes without a pixel in a segment may have any loss: where
 * sorting takes long it is not done for them.
 * @param roundPairs How many pairs of a pixel and a class a GPU sorts at once.
 * @returns [S, C]; the caller owns it.
 */
export function lovaszExtension(
  probabilities: tf.Tensor,
  labels: tf.Tensor,
  onlyPresent: boolean,
  roundPairs: number = ROUND_PAIRS,
): tf.Tensor2D {
  return tf.differentiable<tf.Tensor2D>(
    { probabilities },
    (save) => {
      const { losses, gradient } = tf.getBackend() === "webgpu"
        ? onDevice(probabilities, labels, roundPairs)
        : onHost(probabilities, labels, onlyPresent);
      save([gradient]);
      return losses;
    },
    (dy, [gradient]) => ({
      probabilities: () =>
        tf.tidy(() => {
          const [segments = 1, classes = 1] = dy.shape;
          return tf.mul(gradient as tf.Tensor, tf.reshape(dy, [segments, 1, classes]));
        }),
    }),
  );
}

interface LossesAndGradient {
  readonly losses: tf.Tensor;
  /** [S, P, C] */
  readonly gradient: tf.Tensor;
}

function onHost(
  probabilities: tf.Tensor,
  labels: tf.Tensor,
  onlyPresent: boolean,
): LossesAndGradient {
  const classes = channelsOf(probabilities);
  const [segments = 1, pixels = 0] = labels.shape;
  return launch(ON_HOST, {
    uniforms: { pixels, classes, onlyPresent: Number(onlyPresent) },
    inputs: { probabilities, labels },
    outputs: { losses: [segments, classes], gradient: probabilities.shape },
  });
}

// In rounds of some classes each, which share the memory for sorting.
function onDevice(
  probabilities: tf.Tensor,
  labels: tf.Tensor,
  roundPairs: number,
): LossesAndGradient {
  const classes = channelsOf(probabilities);
  const [segments = 1, pixels = 0] = labels.shape;
  const tiles = Math.ceil(pixels / TILE);
  const gradient = allocateTensor(probabilities.shape, "f32");
  const most = Math.max(1, Math.floor(roundPairs / (segments * pixels)));
  const rounds: tf.Tensor[] = [];
  for (let firstClass = 0; firstClass < classes; firstClass += most) {
    const roundClasses = Math.min(most, classes - firstClass);
    const rows = segments * roundClasses;
    const uniforms = { pixels, classes, firstClass, roundClasses };
    const errors = launch(ERRORS, {
      uniforms,
      inputs: { probabilities, labels },
      outputs: { keys: [rows, pixels], items: [rows, pixels] },
    });
    const sorted = radixSort(errors);
    tf.dispose({ ...errors });
    const { counts } = launch(FOREGROUND, {
      uniforms: { pixels, tiles, tilePixels: TILE },
      inputs: { items: sorted.items },
      outputs: { counts: [rows, tiles] },
    });
    const offsets = prefixSums(counts, rows);
    const { sums } = launch(INCREMENTS, {
      uniforms: { ...uniforms, tiles, tilePixels: TILE },
      inputs: { ...sorted, counts, offsets },
      outputs: { sums: [rows, tiles], gradient },
      invocations: 64 * rows * tiles,
    });
    tf.dispose([sorted.keys, sorted.items, counts, offsets]);
    rounds.push(tf.tidy(() => tf.reshape(tf.sum(sums, -1), [segments, roundClasses])));
    sums.dispose();
  }
  const [first] = rounds;
  if (rounds.length === 1 && first !== undefined) return { losses: first, gradient };
  const losses = tf.concat(rounds, 1);
  tf.dispose(rounds);
  return { losses, gradient };
}

import * as tf from "../../src/core/tf.ts";
import { classMask, pasteSource } from "../../src/ops/class_mix/class_mix.ts";
import { colorJitter } from "../../src/ops/color_jitter/color_jitter.ts";
import { dropout } from "../../src/ops/dropout/dropout.ts";
import { separableBlur } from "../../src/ops/separable_blur/separable_blur.ts";
import { randomTensor, testWasmKernels } from "../support/mod.ts";

const SHAPES = [[2, 1, 1], [1, 5, 7], [2, 45, 53]] as const;

type Shape = typeof SHAPES[number];

function byShape(compute: (shape: Shape) => tf.Tensor | tf.Tensor[]) {
  return Object.fromEntries(SHAPES.map((shape) => [`[${shape}]`, () => compute(shape)]));
}

const images = ([B, H, W]: Shape, name = "images") =>
  randomTensor<tf.Rank.R4>([B, H, W, 3], name);
const labels = ([B, H, W]: Shape, step: number) =>
  tf.tensor3d(
    Int32Array.from({ length: B * H * W }, (_, i) => i * step % 256),
    [B, H, W],
    "int32",
  );

testWasmKernels(
  "class mixing",
  byShape((shape) => {
    const [B] = shape;
    const chosen = Int32Array.from({ length: B * 256 }, (_, i) => Number(i % 3 === 0));
    const mask = classMask(labels(shape, 7), tf.tensor2d(chosen, [B, 256], "int32"));
    const mixed = pasteSource(mask, { images: images(shape), labels: labels(shape, 7) }, {
      images: images(shape, "target"),
      labels: labels(shape, 5),
      pixelWeights: randomTensor<tf.Rank.R3>([...shape], "weights"),
    });
    return [mask, mixed.images, mixed.labels, mixed.pixelWeights];
  }),
  0,
);

const NORMALIZATION = { mean: [123, 116, 103], std: [58, 57, 57] } as const;
const ORDERS = [[0, 1, 2, 3], [3, 2, 1, 0], [2, 4, 3, 4], [4, 4, 4, 4]] as const;

testWasmKernels(
  "colorJitter",
  Object.fromEntries(ORDERS.map((order) => [
    `steps ${order}`,
    () => {
      const settings = [[1.2, 0.8, 1.3, 0.1], [0.7, 1.1, 0.6, -0.4]]
        .flatMap((factors) => [...factors, ...order]);
      return SHAPES.map((shape) =>
        colorJitter(
          images(shape),
          tf.tensor2d(settings.slice(0, 8 * shape[0]), [shape[0], 8]),
          NORMALIZATION,
        )
      );
    },
  ])),
  1e-6,
);

testWasmKernels(
  "separableBlur",
  byShape((shape) => {
    const [B, H, W] = shape;
    const taps = (side: number) => Math.min(2 * side - 1, 13);
    return separableBlur(
      images(shape),
      randomTensor<tf.Rank.R2>([B, taps(H)], "rows"),
      randomTensor<tf.Rank.R2>([B, taps(W)], "columns"),
    );
  }),
  1e-6,
);

const KEY = { seed: 0xfedcba98, stream: 2, iteration: 3, sampleOffset: 7 };

testWasmKernels(
  "dropout",
  byShape((shape) => {
    const x = images(shape);
    return [dropout(x, 0.3, "element", KEY), dropout(x, 0.6, "channel", KEY)];
  }),
  0,
);

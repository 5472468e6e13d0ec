import assert from "node:assert/strict";
import { openBackend } from "../../src/core/backend.ts";
import { IMAGENET } from "../../src/core/host_batch.ts";
import type { Network } from "../../src/core/network.ts";
import * as tf from "../../src/core/tf.ts";
import type { DataSet, Sample } from "../../src/data/data_set.ts";
import { prepareEvaluationImage } from "../../src/data/pipelines.ts";
import { evaluate, type Prediction } from "../../src/evaluate/evaluate.ts";
import {
  type EvaluationOptions,
  predictSample,
} from "../../src/evaluate/predict_image.ts";

// A convolution to three classes at full resolution: each sees its own pixel and the one to
// the left, so that a mirrored picture is another one.
const HERE = [[2, -1, 0.5], [-1, 2, 0.3], [0.2, 0.1, 1.4]] as const; // [class][channel]
const LEFT = 1.5;
const network = {
  classCount: 3,
  encoder: { strides: [1] },
  decoder: {},
  forward(_weights: unknown, images: tf.Tensor4D) {
    const [B, H, W] = images.shape;
    const kernel = tf.transpose(tf.tensor2d(HERE.map((row) => [...row]), [3, 3]));
    const scores = tf.matMul(tf.reshape(images, [B * H * W, 3]), kernel as tf.Tensor2D);
    const own = tf.reshape<tf.Rank.R4>(scores, [B, H, W, 3]);
    const left = tf.slice(tf.pad(own, [[0, 0], [0, 0], [1, 0], [0, 0]]), 0, [B, H, W, 3]);
    return { features: [], logits: tf.add(own, tf.mul(left, LEFT)) };
  },
} as unknown as Network; // evaluation reads nothing else

const [HEIGHT, WIDTH] = [14, 20];
const OPTIONS: EvaluationOptions = {
  mode: "whole",
  windowSize: null,
  stride: null,
  flip: false,
  scales: [1],
  resize: null,
  normalization: IMAGENET,
  maxImages: null,
  centerCrop: null,
  trimap: null,
};

function sample(seed: number, height = HEIGHT, width = WIDTH): Sample {
  const noise = (i: number) =>
    Math.abs(Math.sin((i + 1) * 12.9898 + seed) * 43758.5453) % 1;
  return {
    name: `picture${seed}`,
    width,
    height,
    channels: 3,
    image: Uint8Array.from({ length: 3 * height * width }, (_, i) => 256 * noise(i)),
    label: Uint8Array.from({ length: height * width }, (_, i) => {
      const value = Math.floor(4 * noise(i + 9999));
      return value === 3 ? 255 : value;
    }),
  };
}

function setOf(samples: readonly Sample[]): DataSet {
  return {
    name: "three",
    classes: ["a", "b", "c"].map((name) => ({ name, color: [0, 0, 0] as const })),
    names: samples.map(({ name }) => name),
    labeled: true,
    read: (index) => Promise.resolve(samples[index] ?? assert.fail()),
    readLabel: () => assert.fail(),
    fingerprint: () => Promise.resolve(""),
    identity: () => Promise.resolve({ images: 0, names: "", sizes: "", contents: null }),
    statisticsFolder: null,
  };
}

type Grid = number[][][]; // [H][W][C]

/** Bilinear with half-pixel centers, one pixel after the other. */
function enlarge(map: Grid, height: number, width: number): Grid {
  const at = (i: number, from: number, to: number) => {
    const place = Math.max(0, (i + 0.5) * from / to - 0.5);
    const low = Math.min(from - 1, Math.floor(place));
    return { low, high: Math.min(from - 1, low + 1), part: place - low };
  };
  return Array.from(
    { length: height },
    (_, y) =>
      Array.from({ length: width }, (_, x) => {
        const [v, h] = [at(y, map.length, height), at(x, map[0]?.length ?? 0, width)];
        return [0, 1, 2].map((c) => {
          const value = (row: number, column: number) => map[row]?.[column]?.[c] ?? NaN;
          const upper = (1 - h.part) * value(v.low, h.low) +
            h.part * value(v.low, h.high);
          const lower = (1 - h.part) * value(v.high, h.low) +
            h.part * value(v.high, h.high);
          return (1 - v.part) * upper + v.part * lower;
        });
      }),
  );
}

/** The mean over scales and sides of `squash`ed scores at the picture's own size. */
function cpuReference(
  picture: Sample,
  scales: readonly number[],
  squash: (x: number[]) => number[],
) {
  const total: Grid = Array.from(
    { length: HEIGHT },
    () => Array.from({ length: WIDTH }, () => [0, 0, 0]),
  );
  for (const scale of scales) {
    const resize = { height: HEIGHT * scale, width: WIDTH * scale };
    const view = prepareEvaluationImage(picture, { resize, normalization: IMAGENET });
    for (const isMirrored of [false, true]) {
      const place = (x: number) => isMirrored ? view.width - 1 - x : x;
      const own = (y: number, x: number, c: number) =>
        [0, 1, 2].reduce((sum, k) =>
          sum +
          (HERE[c]?.[k] ?? NaN) *
            (view.image[3 * (y * view.width + place(x)) + k] ?? NaN), 0);
      const seen = Array.from(
        { length: view.height },
        (_, y) =>
          Array.from(
            { length: view.width },
            (_, x) =>
              [0, 1, 2].map((c) => own(y, x, c) + (x > 0 ? LEFT * own(y, x - 1, c) : 0)),
          ),
      );
      const large = enlarge(seen, HEIGHT, WIDTH);
      large.forEach((row, y) =>
        row.forEach((_, x) => {
          const scores = squash(row[isMirrored ? WIDTH - 1 - x : x] ?? []);
          scores.forEach((score, c) => {
            const cell = total[y]?.[x] ?? assert.fail();
            cell[c] = (cell[c] ?? 0) + score;
          });
        })
      );
    }
  }
  return total.flat();
}

function softmax(scores: number[]): number[] {
  const powers = scores.map((score) => Math.exp(score - Math.max(...scores)));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
}

const best = (scores: readonly number[]) => scores.indexOf(Math.max(...scores));

Deno.test("predictSample() averages probabilities of scales and sides at the picture's size", async () => {
  await openBackend("wasm");
  const picture = sample(1);
  const scales = [0.5, 1, 1.5];
  const look = { ...OPTIONS, flip: true, scales };
  const labels = await predictSample(network, new Map(), picture, look);
  const expected = cpuReference(picture, scales, softmax);
  const clear = expected.flatMap((scores, i) => {
    const [first = 0, second = 0] = [...scores].sort((a, b) => b - a);
    return first - second > 1e-4 ? [i] : []; // float32 decides nothing else
  });
  assert.ok(clear.length > 0.98 * HEIGHT * WIDTH);
  for (const i of clear) assert.equal(labels[i], best(expected[i] ?? []), `pixel ${i}`);

  // Means of logits, one scale or one side would be something else here.
  const logits = cpuReference(picture, scales, (scores) => scores);
  assert.ok(clear.some((i) => best(logits[i] ?? []) !== labels[i]));
  for (const less of [{ ...look, flip: false }, { ...look, scales: [1] }]) {
    const other = await predictSample(network, new Map(), picture, less);
    assert.ok(clear.some((i) => other[i] !== labels[i]));
  }
});

Deno.test("evaluate() gives the same figures in whatever order pictures come", async () => {
  await openBackend("wasm");
  const samples = [sample(1), sample(2, 9, 33), sample(3, 25, 6)];
  const options = { ...OPTIONS, trimap: 1, resize: { height: 16, width: 16 } };
  const of = async (some: Sample[]) =>
    JSON.stringify(await evaluate(network, new Map(), setOf(some), options));
  const straight = await of(samples);
  assert.equal(await of(samples.toReversed()), straight);
  const [first, second, third] = samples;
  assert.ok(first && second && third);
  assert.equal(await of([second, third, first]), straight);
  assert.notEqual(await of([second, third, third]), straight);
});

Deno.test("evaluate() judges at the size of labels and counts no ignored pixel", async () => {
  await openBackend("wasm");
  const samples = [sample(4), sample(5, 11, 17)];
  const pixels = samples.flatMap(({ label }) => [...label ?? []]);
  for (const resize of [null, { height: 8, width: 8 }, { height: 40, width: 40 }]) {
    const seen: Prediction[] = [];
    const { confusion, pixelAccuracy } = await evaluate(
      network,
      new Map(),
      setOf(samples),
      { ...OPTIONS, resize },
      (prediction) => void seen.push(prediction),
    );
    const guesses = seen.flatMap(({ labels }) => [...labels]);
    assert.equal(guesses.length, pixels.length);
    for (const label of [0, 1, 2]) {
      for (const guess of [0, 1, 2]) {
        const count = pixels.filter((one, i) =>
          one === label && guesses[i] === guess
        ).length;
        assert.equal(confusion[label]?.[guess], count);
      }
    }
    const labeled = pixels.filter((one) => one !== 255);
    const right = pixels.filter((one, i) => one === guesses[i]).length;
    assert.equal(pixelAccuracy, right / labeled.length);
  }
});

Deno.test("evaluate() says what a perfect score of one class alone is worth", async () => {
  const first = sample(1);
  const notesOf = async (label: Uint8Array) => {
    const set = setOf([{ ...first, label }]);
    return (await evaluate(network, new Map(), set, OPTIONS)).notes;
  };
  const labels: Uint8Array[] = [];
  await evaluate(network, new Map(), setOf([first]), OPTIONS, (prediction) => {
    labels.push(prediction.labels);
  });
  const [predicted = assert.fail()] = labels;
  assert.equal(await notesOf(predicted), undefined, "all classes occur");
  const onlyB = predicted.map((id) => id === 1 ? 1 : 255);
  assert.deepEqual(await notesOf(onlyB), [
    'only "b" occurs in these labels: a perfect score says nothing about other classes',
  ]);
  assert.equal(await notesOf(predicted.map(() => 1)), undefined, "it is not perfect");
  assert.equal(await notesOf(predicted.map(() => 255)), undefined, "there is no score");
});

Deno.test("evaluate() scores the pixels near boundaries apart", async () => {
  await openBackend("wasm");
  // Left half 0, right half 1: a trimap of 2 is the four columns in the middle.
  const halves = Uint8Array.from(
    { length: HEIGHT * WIDTH },
    (_, i) => i % WIDTH < WIDTH / 2 ? 0 : 1,
  );
  const picture = { ...sample(8), label: halves };
  const labels = await predictSample(network, new Map(), picture, OPTIONS);
  const options = { ...OPTIONS, trimap: 2 };
  const { trimap } = await evaluate(network, new Map(), setOf([picture]), options);
  const shareWithin = (radius: number) => {
    const near = [...halves.keys()].filter((i) =>
      Math.abs(i % WIDTH + 0.5 - WIDTH / 2) < radius
    );
    assert.equal(near.length, 2 * radius * HEIGHT);
    return near.filter((i) => labels[i] === halves[i]).length / near.length;
  };
  assert.equal(trimap?.pixelAccuracy, shareWithin(2));
  assert.equal(trimap.pixels, 2);
  for (const other of [1, 3, WIDTH / 2]) {
    assert.notEqual(shareWithin(other), shareWithin(2), "the bands can be told apart");
  }
});

Deno.test("predictSample() averages the logits of windows where they overlap", async () => {
  await openBackend("wasm");
  const picture = sample(7);
  const [windowSize, stride] = [{ height: 10, width: 9 }, { height: 7, width: 6 }];
  const slide = { ...OPTIONS, mode: "slide", windowSize, stride } as const;
  const labels = await predictSample(network, new Map(), picture, slide);
  const { image } = prepareEvaluationImage(picture, {
    resize: null,
    normalization: IMAGENET,
  });
  const own = (y: number, x: number, c: number) =>
    [0, 1, 2].reduce(
      (sum, k) => sum + (HERE[c]?.[k] ?? NaN) * (image[3 * (y * WIDTH + x) + k] ?? NaN),
      0,
    );
  // The last window of each axis is shifted back to end with the picture.
  const [tops, lefts] = [[0, 4], [0, 6, 11]];
  const whole = await predictSample(network, new Map(), picture, OPTIONS);
  let ofEdges = 0;
  for (let y = 0; y < HEIGHT; y++) {
    for (let x = 0; x < WIDTH; x++) {
      const rows = tops.filter((top) => y >= top && y < top + windowSize.height).length;
      const columns = lefts.filter((left) => x >= left && x < left + windowSize.width);
      const scores = [0, 1, 2].map((c) =>
        columns.reduce(
          (sum, left) =>
            sum + rows * (own(y, x, c) + (x > left ? LEFT * own(y, x - 1, c) : 0)),
          0,
        ) /
        (rows * columns.length)
      );
      const [first = 0, second = 0] = [...scores].sort((a, b) => b - a);
      const at = y * WIDTH + x;
      if (first - second > 1e-4) assert.equal(labels[at], best(scores), `${y}, ${x}`);
      if (labels[at] !== whole[at]) ofEdges++;
    }
  }
  assert.ok(ofEdges > 0, "windows see less than the picture");
});

/** What fst does of the works that other libraries do, too. @module */
import type { RunConfig } from "../../src/config/schema.ts";
import { releaseBatch, uploadBatch } from "../../src/core/batch.ts";
import { readBack } from "../../src/core/backend.ts";
import type { HostBatch } from "../../src/core/host_batch.ts";
import { type HostTensor, numel } from "../../src/core/host_tensor.ts";
import { EVAL_CONTEXT, type Network, type Weights } from "../../src/core/network.ts";
import { createRandom } from "../../src/core/random.ts";
import * as tf from "../../src/core/tf.ts";
import { initializeWeights, weightsToHost } from "../../src/core/weights.ts";
import { buildNetwork } from "../../src/evaluate/build_network.ts";
import { predictLabels } from "../../src/evaluate/inference.ts";
import { conv2d } from "../../src/ops/conv2d/conv2d.ts";
import { matMul } from "../../src/ops/mat_mul/mat_mul.ts";
import { buildMethod } from "../../src/train/build_method.ts";
import { createLearner } from "../../src/train/learner_checkpoint.ts";
import { createLossBuffer } from "../../src/train/loss_buffer.ts";
import { synchronize } from "../device.ts";
import type { Operation, Work } from "./work.ts";

/** A work that is ready to be done. */
export interface OpenedWork {
  /** Trained parameters; null for an operation. */
  readonly parameters: number | null;
  /** Weights, inputs and output for the file of the task. */
  readonly tensors: ReadonlyMap<string, HostTensor>;
  /** Whether it has to be repeated to be timed. */
  readonly isShort: boolean;
  /** Prepares for {@linkcode run}, beyond doing it once. */
  prepare?(): Promise<void>;
  /** Does it so many times. */
  run(times: number): Promise<void>;
}

/** Opens a work on the current backend. */
export async function openWork(work: Work): Promise<OpenedWork> {
  switch (work.kind) {
    case "iteration":
      return await openIteration(work.config, work.classes);
    case "prediction":
      return await openPrediction(work.config, work.classes, work.side);
    case "operation":
      return await openOperation(work.operation);
  }
}

const SEED = 0;

async function openIteration(config: RunConfig, classes: number): Promise<OpenedWork> {
  const host = drawBatch(config, classes);
  const { batchSize: B, height: H, width: W, source, target } = host;
  const network = buildNetwork(config.model, classes);
  const student = drawWeights(network);
  const shape: [number, number, number, number] = [B, H, W, 3];
  const { parameters, tensors } = await describeNetwork(
    network,
    student,
    tf.tensor4d(source.images, shape),
  );
  const labels = { dtype: "U8", shape: [B, H, W], bytes: source.labels } as const;
  tensors.set("input/labels", labels);
  const targetImages = tf.tensor4d(target?.images ?? source.images, shape);
  tensors.set("input/target", await toHostTensor(channelsFirst(targetImages)));

  const learner = createLearner(network.parameters, student, true);
  const isReplayed = tf.getBackend() === "webgpu";
  let lastLine = "";
  const replay = { log: (line: string) => lastLine = line, isObserved: () => false };
  const method = buildMethod({
    config,
    classes: Array.from({ length: classes }, (_, id) => ({
      name: `class ${id}`,
      color: [id, id, id],
    })),
    network,
    learner,
    frozenEncoder: null,
    replay: isReplayed ? replay : null,
  });
  const losses = createLossBuffer(config.seed);
  let iteration = 0;
  const run = async () => {
    const batch = uploadBatch(host);
    const step = method.runIterationAsync(learner, [batch], iteration);
    losses.add(iteration, [], await step);
    releaseBatch(batch);
    iteration++;
    await losses.read();
  };
  return {
    parameters,
    tensors,
    isShort: false,
    run,
    async prepare() {
      // Recorded a few times before a replay begins, or is given up.
      for (let i = 0; isReplayed && i < MAX_RECORDED_ITERATIONS; i++) {
        if (lastLine.includes("are replayed from now on")) return;
        await run();
      }
      if (isReplayed) throw new Error(`Cannot measure a replay: ${lastLine}`);
    },
  };
}

const MAX_RECORDED_ITERATIONS = 8;

async function openPrediction(
  config: RunConfig,
  classes: number,
  side: number,
): Promise<OpenedWork> {
  const image = drawNormal("image", side * side * 3);
  const network = buildNetwork(config.model, classes);
  const weights = drawWeights(network);
  const input = tf.tensor4d(image, [1, side, side, 3]);
  const { parameters, tensors } = await describeNetwork(network, weights, input);
  const originalSize = { height: side, width: side };
  const shape = { ...originalSize, channels: 3 };
  const view = { name: "image", ...shape, originalSize, image, label: null };
  const whole = { mode: "whole", windowSize: null, stride: null, flip: false } as const;
  return {
    parameters,
    tensors,
    isShort: false,
    async run() {
      await predictLabels(network, weights, [view], whole);
    },
  };
}

/** Parameters, and tensors for the file: weights, images and their logits. */
async function describeNetwork(
  network: Network,
  weights: Weights,
  images: tf.Tensor4D,
): Promise<{ parameters: number; tensors: Map<string, HostTensor> }> {
  const host = await weightsToHost(network.parameters, weights);
  const tensors = new Map<string, HostTensor>(
    [...host].map(([name, value]) => [`weights/${name}`, value]),
  );
  const logits = tf.tidy(() =>
    channelsFirst(network.forward(weights, images, EVAL_CONTEXT).logits)
  );
  tensors.set("input/images", await toHostTensor(channelsFirst(images)));
  tensors.set("output", await toHostTensor(logits));
  const parameters = network.parameters.filter(({ trainable }) => trainable)
    .reduce((sum, { shape }) => sum + numel(shape), 0);
  return { parameters, tensors };
}

const channelsFirst = (maps: tf.Tensor4D): tf.Tensor => tf.transpose(maps, [0, 3, 1, 2]);

/**
 * Initial weights with vectors that differ from the constants they start as: only then do
 * the logits depend on every one of them.
 */
function drawWeights({ parameters }: Network): Weights {
  const initial = initializeWeights(parameters, SEED);
  return new Map(parameters.map(({ name, shape, layout }) => {
    const value = initial.get(name) ?? tf.zeros([...shape]);
    if (shape.length !== 1 || layout === "counter") return [name, value];
    const change = drawNormal(name, value.size).map((one) => VECTOR_CHANGE * one);
    const changed = tf.tidy(() => tf.add(value, tf.tensor(change, [...shape])));
    value.dispose();
    return [name, changed];
  }));
}

const VECTOR_CHANGE = 0.1;

/** Noise for images, and labels in squares: what it costs depends on neither. */
function drawBatch({ data }: RunConfig, classes: number): HostBatch {
  const { batchSize, cropSize: { height, width } } = data;
  const pixels = batchSize * height * width;
  const random = createRandom(SEED, "labels");
  const columns = Math.ceil(width / LABEL_SIDE);
  const cells = Math.ceil(height / LABEL_SIDE) * columns;
  const drawn = Array.from({ length: batchSize * cells }, () => random.integer(classes));
  const labels = Uint8Array.from({ length: pixels }, (_, i) => {
    const [x, y] = [i % width, Math.floor(i / width) % height];
    const cell = Math.floor(y / LABEL_SIDE) * columns + Math.floor(x / LABEL_SIDE);
    return drawn[Math.floor(i / (height * width)) * cells + cell] ?? 0;
  });
  const imagesOf = (name: string) => ({
    fileNames: Array.from({ length: batchSize }, (_, i) => `${name} ${i}`),
    images: drawNormal(name, 3 * pixels),
  });
  return {
    ...{ batchSize, height, width },
    source: { ...imagesOf("source"), labels },
    target: imagesOf("target"),
  };
}

/** Side of a square with one label, in pixels. */
const LABEL_SIDE = 16;

async function openOperation(operation: Operation): Promise<OpenedWork> {
  const draw = (name: string, shape: readonly number[]) =>
    tf.tensor(drawNormal(name, numel(shape)), [...shape]);
  const [left, right] = [draw("left", operation.left), draw("right", operation.right)];
  const inputs = {
    "input/0": await toHostTensor(left),
    "input/1": await toHostTensor(right),
  };
  const compute = operation.kind === "product"
    ? () => matMul(left, right)
    : convolution(operation, left, right);
  const output = tf.tidy(() =>
    operation.kind === "product" ? compute() : tf.transpose(compute(), [0, 3, 1, 2])
  );
  return {
    parameters: null,
    tensors: new Map(Object.entries({ ...inputs, output: await toHostTensor(output) })),
    isShort: true,
    async run(times) {
      for (let i = 0; i < times; i++) compute().dispose();
      await synchronize();
    },
  };
}

/** With the tensors in the order of axes that ours have. */
function convolution(
  { stride, padding, dilation }: Extract<Operation, { kind: "convolution" }>,
  left: tf.Tensor,
  right: tf.Tensor,
): () => tf.Tensor {
  const images = tf.transpose(left, [0, 2, 3, 1]) as tf.Tensor4D; // [B, H, W, C]
  const filter = tf.transpose(right, [2, 3, 1, 0]) as tf.Tensor4D; // [K, K, C, O]
  return () => conv2d(images, filter, { stride, padding, dilation });
}

function drawNormal(name: string, count: number): Float32Array<ArrayBuffer> {
  const random = createRandom(SEED, name);
  return Float32Array.from({ length: count }, () => random.normal());
}

async function toHostTensor(tensor: tf.Tensor): Promise<HostTensor> {
  const bytes = new Uint8Array(Float32Array.from(await readBack(tensor)).buffer);
  return { dtype: "F32", shape: tensor.shape, bytes };
}

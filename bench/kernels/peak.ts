/** What the device does at best: a plain product of matrices and a plain copy. @module */
import * as tf from "../../src/core/tf.ts";
import { gpuDevice, submitEncoded } from "../device.ts";
import { type TimedWork, timeInTurns } from "./measure.ts";

/** Rates that kernels are shares of. */
export interface PeakRates {
  /** Of tfjs's product of two 1024×1024 matrices, operations per second. */
  readonly flops: number;
  /** Of a copy of 64 MB, read and written. */
  readonly bytes: number;
}

const SIDE = 1024;
const COPIED_BYTES = 64 * 2 ** 20;
const ROUNDS = 3;

/** Measures both. */
export async function measurePeak(): Promise<PeakRates> {
  const a = tf.randomUniform<tf.Rank.R2>([SIDE, SIDE]);
  const product = await secondsOf(() => tf.matMul(a, a).dispose());
  a.dispose();
  const copy = tf.getBackend() === "webgpu" ? gpuCopy() : hostCopy();
  const copied = await secondsOf(copy.run);
  copy.free();
  return { flops: 2 * SIDE ** 3 / product, bytes: 2 * COPIED_BYTES / copied };
}

interface Copy {
  run: TimedWork;
  free(): void;
}

function gpuCopy(): Copy {
  const device = gpuDevice();
  const usage = GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
  const from = device.createBuffer({ size: COPIED_BYTES, usage });
  const to = device.createBuffer({ size: COPIED_BYTES, usage });
  return {
    run() {
      submitEncoded();
      const encoder = device.createCommandEncoder();
      encoder.copyBufferToBuffer(from, 0, to, 0, COPIED_BYTES);
      device.queue.submit([encoder.finish()]);
    },
    free: () => [from, to].forEach((buffer) => buffer.destroy()),
  };
}

function hostCopy(): Copy {
  const from = new Float32Array(COPIED_BYTES / 4).fill(1);
  const to = new Float32Array(COPIED_BYTES / 4);
  return { run: () => to.set(from), free() {} };
}

async function secondsOf(work: TimedWork): Promise<number> {
  const { seconds: [seconds = NaN] } = await timeInTurns([work], ROUNDS);
  return seconds;
}

// A device that grants no more than every implementation of WebGPU does.
import assert from "node:assert/strict";
import { openBackend, readBack } from "../../src/core/backend.ts";
import * as tf from "../../src/core/tf.ts";
import { webGpuBackend } from "../../src/gpu/tfjs_webgpu.ts";
import {
  normAndClipFactor,
  scaleAndDispose,
} from "../../src/ops/gradient_norm/gradient_norm.ts";
import {
  multiTensorAdamW,
  multiTensorLerp,
  multiTensorSgd,
} from "../../src/ops/in_place/in_place.ts";
import { assertClose, onWebGpu, randomTensor } from "../support/mod.ts";

const SIZES = [1, 63, 64, 65, 300, 1, 129, 7, 64];

const tensors = (name: string) =>
  SIZES.map((size, i) => randomTensor<tf.Rank.R1>([size], `${name} ${i}`));

async function withGuaranteedLimits(run: () => Promise<void>): Promise<void> {
  const { requestDevice } = GPUAdapter.prototype;
  GPUAdapter.prototype.requestDevice = function () {
    return requestDevice.call(this, {});
  };
  try {
    await run();
  } finally {
    GPUAdapter.prototype.requestDevice = requestDevice;
  }
}

async function updatedTensors(): Promise<number[]> {
  const [gs = [], ps = [], ms = [], vs = [], bs = []] = ["g", "p", "m", "v", "b"]
    .map(tensors);
  const seconds = vs.map((one) => tf.abs(one));
  const each = <T>(make: (i: number) => T) => SIZES.map((_, i) => make(i));
  const at = (list: readonly tf.Tensor[], i: number) => list[i] ?? assert.fail();
  multiTensorAdamW(
    each((i) => ({
      gradient: at(gs, i),
      parameter: at(ps, i),
      moments: [at(ms, i), at(seconds, i)] as const,
      weightDecayStep: i % 3 * 1e-3,
      stepSize: 1e-2 / (1 + i),
    })),
    {
      beta1: 0.9,
      beta2: 0.999,
      oneMinusBeta1: 0.1,
      oneMinusBeta2: 0.001,
      biasCorrection: 1.5,
      epsilon: 1e-8,
    },
  );
  multiTensorSgd(
    each((i) => ({
      gradient: at(gs, i),
      parameter: at(ps, i),
      momentumBuffer: at(bs, i),
      learningRate: 1e-2 / (1 + i),
      weightDecay: i % 3 * 1e-3,
    })),
    0.9,
  );
  multiTensorLerp(each((i) => ({ target: at(ms, i), source: at(ps, i) })), 0.9);
  const { norm, factor } = normAndClipFactor(gs, 1);
  const clipped = scaleAndDispose(gs, factor);
  const updated = [...ps, ...ms, ...seconds, ...bs, norm, ...clipped];
  const arrays = await Promise.all(updated.map(readBack));
  return arrays.flatMap((values) => [...values]);
}

onWebGpu("multi-tensor updates bind what every device grants", async () => {
  webGpuBackend().device.destroy(); // the next one is opened in its place
  await new Promise((resolve) => setTimeout(resolve, 20));
  await withGuaranteedLimits(async () => {
    await openBackend("webgpu");
    assert.equal(webGpuBackend().device.limits.maxStorageBuffersPerShaderStage, 8);
    const found = await updatedTensors();
    await openBackend("wasm");
    await assertClose(found, await updatedTensors(), 1e-6);
  });
});

/**
 * Compiles all kernels by Dawn: those of the doctor's operations, and those of an iteration
 * of every configuration in "configs".
 *
 *   deno run -A tools/dawn/compile_kernels.ts       # in the project's folder
 *
 * @module
 */
// deno-lint-ignore-file no-console -- a script prints
import { join } from "node:path";
import { loadConfig } from "../../src/config/read.ts";
import { openBackend } from "../../src/core/backend.ts";
import { dryRunOperations } from "../../src/doctor/test_operations.ts";
import { buildNetwork } from "../../src/evaluate/build_network.ts";
import { collectKernels, pipelineDescriptor } from "../../src/gpu/compile.ts";
import type { Kernel } from "../../src/gpu/kernel.ts";
import { classesOf } from "../../src/prepare/data_specs.ts";
import { estimateMemory } from "../../src/train/estimate_memory.ts";
import { openNullDevice } from "./dawn.ts";

const CONFIGS = "configs";

/** A software driver binds less than what published crops need. */
const SMALL = [
  "data.batchSize=1",
  "data.cropSize={height: 192, width: 192}",
  "optimizer.accumulationSteps=1",
];
const SMALL_DETAIL = "model.multiResolution.detailSize={height: 96, width: 96}";

/** By name, in both sizes of tiles. */
async function allKernels(): Promise<Map<string, Kernel>> {
  const found = new Map<string, Kernel>();
  for (const tile of ["small", "large"]) {
    Deno.env.set("FST_GPU_TILE", tile);
    await openBackend("webgpu");
    const { kernels } = await collectKernels(async () => {
      await dryRunOperations();
      for await (const { name } of Deno.readDir(CONFIGS)) {
        if (!name.endsWith(".yaml")) continue;
        const file = join(CONFIGS, name);
        const { multiResolution } = (await loadConfig(file)).model;
        const config = await loadConfig(file, [
          ...SMALL,
          ...multiResolution === null ? [] : [SMALL_DETAIL],
        ]);
        const classes = classesOf(config.data);
        const network = buildNetwork(config.model, classes.length, config.data.channels);
        await estimateMemory(config, classes, network, false);
      }
    });
    for (const kernel of kernels) found.set(kernel.name, kernel);
  }
  return found;
}

/** What Dawn says of a kernel; nothing if it is content. */
async function messagesOf(device: GPUDevice, kernel: Kernel): Promise<string[]> {
  const messages: string[] = [];
  device.pushErrorScope("validation");
  device.pushErrorScope("internal");
  const { compute, ...rest } = pipelineDescriptor(device, kernel)(0);
  const { messages: compiled } = await compute.module.getCompilationInfo();
  messages.push(
    ...compiled.map(({ type, message, lineNum }) =>
      `${type} at line ${lineNum}: ${message}`
    ),
  );
  device.createComputePipeline({ ...rest, compute });
  for (let scope = 0; scope < 2; scope++) {
    const error = await device.popErrorScope();
    if (error !== null) messages.push(error.message);
  }
  return messages;
}

const kernels = await allKernels();
const device = await openNullDevice();
const limit = device.limits.maxStorageBuffersPerShaderStage;
let [compiled, messages] = [0, 0];
for (const [name, kernel] of kernels) {
  // A device that binds so few never runs it.
  if (Object.keys({ ...kernel.inputs, ...kernel.outputs }).length > limit) continue;
  compiled++;
  for (const message of await messagesOf(device, kernel)) {
    messages++;
    console.log(`${name}: ${message}`);
  }
}
console.log(
  `${compiled} of ${kernels.size} kernels compiled by Dawn, which binds ${limit} buffers: ` +
    `${messages} messages`,
);
Deno.exit(messages === 0 && compiled > 90 ? 0 : 1);

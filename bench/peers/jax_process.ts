/**
 * jax-js in a process of its own: products of matrices and convolutions. Speaks the lines of
 * {@linkcode serveWork}.
 *
 * @module
 */
import * as jax from "npm:@jax-js/jax@0.1.25";
import { type ServedWork, serveWork } from "./serve_work.ts";
import { outputDifference, readTaskFile, valuesOf } from "./task_file.ts";
import type { Operation, WorkTask } from "./work.ts";

const VERSION = "0.1.25";

// An array is consumed by its use, unless by that of its `ref`. Without `jit`, which made
// convolutions ten times slower here.
function computeOf(operation: Operation): (a: jax.Array, b: jax.Array) => jax.Array {
  if (operation.kind === "product") return jax.numpy.matmul;
  const { stride, padding, dilation } = operation;
  return (image, filter) =>
    jax.lax.convGeneralDilated(
      image,
      filter,
      [stride, stride],
      [[padding, padding], [padding, padding]],
      { rhsDilation: [dilation, dilation] },
    );
}

async function openOperation(
  { work, file, backend, threads }: WorkTask,
) {
  if (work.kind !== "operation") {
    throw new TypeError(`Cannot do "${work.kind}" in jax-js: it has no network of ours`);
  }
  // Its pool has a thread for each core that there seems to be.
  if (threads !== null) {
    Object.defineProperty(navigator, "hardwareConcurrency", { value: threads });
  }
  const device = backend === "webgpu" ? "webgpu" : "wasm";
  const available = await jax.init();
  if (!available.includes(device)) {
    throw new Error(`Cannot compare with jax-js: it has no ${device} here`);
  }
  jax.defaultDevice(device);
  const tensors = await readTaskFile(file);
  const { operation } = work;
  const inputOf = (name: string, shape: readonly number[]) =>
    jax.numpy.array(valuesOf(tensors, name)).reshape([...shape]);
  const left = inputOf("input/0", operation.left);
  const right = inputOf("input/1", operation.right);
  const compute = computeOf(operation);
  const output = await compute(left.ref, right.ref).data() as Float32Array;
  const served: ServedWork = {
    isShort: true,
    async run(times) {
      for (let i = 0; i < times; i++) {
        const result = compute(left.ref, right.ref);
        await jax.blockUntilReady(result.ref);
        result.dispose();
      }
    },
  };
  return {
    answer: {
      description: `jax-js ${VERSION} on ${device}`,
      parameters: null,
      difference: outputDifference(tensors, output),
    },
    work: served,
  };
}

if (import.meta.main) {
  await serveWork(openOperation);
  Deno.exit(0); // its threads would keep the process
}

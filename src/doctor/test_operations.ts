/** Every operation on the GPU, against the CPU. @module */
import { explainGpuError, openBackend, readBack } from "../core/backend.ts";
import { dryRun } from "../core/dry_run.ts";
import * as tf from "../core/tf.ts";
import { collectKernels, compileKernels } from "../gpu/compile.ts";
import { checkError, type CheckResult, relativeError } from "./check.ts";
import { type Operation, OPERATION_SIZES, OPERATIONS } from "./operations.ts";

// Of the largest value: sums of some hundred products, and exp as WebGPU allows it.
const TOLERANCE = 2e-5;

/**
 * Compiles the kernels of every operation, and compares what they compute with the CPU.
 *
 * The WebGPU backend is the current one afterwards.
 *
 * @param onProgress Called as kernels are compiled, then as operations are done.
 * @param tested By name.
 * @returns A line per kernel that the driver refuses, and per operation.
 * @throws {Error} Naming the operation, if the device fails at one.
 */
export async function testOperations(
  onProgress: (what: string, done: number, total: number) => void = () => {},
  tested: Readonly<Record<string, Operation>> = OPERATIONS,
): Promise<CheckResult[]> {
  const operations = Object.entries(tested);
  await openBackend("wasm");
  const expected = new Map<string, Values>();
  for (const [name, operation] of operations) {
    expected.set(name, await valuesOf(operation));
  }
  await openBackend("webgpu");
  const { kernels } = await collectKernels(() => dryRunOperations(tested));
  const refusals = await compileKernels(
    kernels,
    (done, total) => onProgress("kernel", done, total),
  );
  const checks = refusals.map(({ kernel, reason }) =>
    checkError(`kernel ${kernel}`, NaN, TOLERANCE, `the driver refuses it: ${reason}`)
  );
  if (refusals.length > 0) return checks; // the device reports them again, and is lost
  for (const [i, [name, operation]] of operations.entries()) {
    onProgress(name, i + 1, operations.length);
    const values = await valuesOf(operation).catch(async (error: unknown) => {
      const { message } = await explainGpuError(error) as Error;
      throw new Error(`${message} (at the operation "${name}")`, { cause: error });
    });
    const errors = expected.get(name)?.map((each, i) =>
      relativeError(values[i] ?? [], each)
    );
    checks.push(checkError(name, Math.max(...errors ?? [NaN]), TOLERANCE));
  }
  return checks;
}

/** Runs operations at all sizes on shapes alone, for the kernels that they have. */
export async function dryRunOperations(
  operations: Readonly<Record<string, Operation>> = OPERATIONS,
): Promise<void> {
  await dryRun(() => {
    for (const operation of Object.values(operations)) {
      for (const size of OPERATION_SIZES) tf.tidy(() => void operation(size));
    }
  });
}

/** Of one tensor after another. */
type Values = ArrayLike<number>[];

async function valuesOf(operation: Operation): Promise<Values> {
  const values: Values = [];
  for (const size of OPERATION_SIZES) {
    const tensors = tf.tidy(() => [operation(size)].flat() as tf.Tensor[]);
    for (const tensor of tensors) values.push(await readBack(tensor));
    tf.dispose(tensors);
  }
  return values;
}

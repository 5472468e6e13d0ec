/** Golden files of operators: forward and gradient of every case. @module */
import * as tf from "../../../src/core/tf.ts";
import * as z from "../../../src/core/zod.ts";
import type { CheckResult } from "../../../src/doctor/check.ts";
import type { Golden } from "../golden_file.ts";
import { type OpRunner, opRunnerOf } from "./op_runners.ts";
import {
  compareTensor,
  failedCheck,
  FORWARD,
  GRADIENT,
  type Tolerance,
  withNote,
} from "./compare.ts";
import {
  type AxisOrder,
  inverseOrder,
  orderedTensor,
  sidecarValue,
  valuesOf,
} from "./vector_file.ts";

const Cases = z.array(z.looseObject({ name: z.string(), op: z.string() }));

/** A gradient that float32 cannot give to its usual share of itself. */
interface ToleranceException {
  readonly operator: RegExp;
  readonly tolerance: Tolerance;
  /** Said on the line if the usual tolerance is not the one used. */
  readonly note: string;
}

const TOLERANCE_EXCEPTIONS: readonly ToleranceException[] = [
  {
    operator: /two values per channel/,
    tolerance: { absolute: 1e-3 },
    note: "absolute tolerance, as the golden asks",
  },
  {
    operator: /large values/,
    tolerance: { absolute: 5e-7 },
    note: "absolute tolerance: the gradient is below float32's resolution of its terms",
  },
];

/** Verifies every case of the file. */
export async function verifyOps(golden: Golden): Promise<CheckResult[]> {
  const results: CheckResult[] = [];
  for (const { name, op, ...fields } of sidecarValue(golden, "cases", Cases)) {
    const plan = opRunnerOf(op, {
      fields,
      shapeOf: (input) => golden.tensors.get(`input/${name}/${input}`)?.shape ?? null,
      constant: (input) => orderedTensor(golden, `input/${name}/${input}`),
    });
    if (plan === null) {
      results.push(
        failedCheck(name, `the operator "${op}" is unknown`),
      );
    } else {
      const exception = TOLERANCE_EXCEPTIONS.find(({ operator }) => operator.test(op)) ??
        null;
      results.push(
        ...await verifyCase(golden, name, plan, exception),
      );
    }
  }
  return results;
}

async function verifyCase(
  golden: Golden,
  name: string,
  { inputs, output, run, extraOutputs = {} }: OpRunner,
  exception: ToleranceException | null,
): Promise<CheckResult[]> {
  const orders = Object.entries(inputs);
  const inputTensors = orders.map(([input, order]) =>
    orderedTensor(golden, `input/${name}/${input}`, order)
  );
  const upstream = orderedTensor(golden, `input/${name}/upstream_grad`, output);
  const { value, grads } = tf.valueAndGrads(run)(inputTensors, upstream);

  const results = [await compareStored(golden, `output/${name}`, value, output, FORWARD)];
  for (const [i, [input, order]] of orders.entries()) {
    const gradient = grads[i];
    const path = `grad/${name}/${input}`;
    if (gradient === undefined) {
      results.push(failedCheck(path, "there is no gradient"));
      continue;
    }
    const tolerance = exception?.tolerance ?? GRADIENT;
    const result = await compareStored(golden, path, gradient, order, tolerance);
    results.push(exception === null ? result : withNote(result, exception.note));
  }
  for (const [outputName, result] of Object.entries(extraOutputs)) {
    const path = `output/${name}/${outputName}`;
    results.push(await compareStored(golden, path, result(), null, FORWARD));
  }
  tf.dispose([...inputTensors, upstream]);
  return results;
}

// Moves the axes back to where the file has them; releases the tensor.
async function compareStored(
  golden: Golden,
  path: string,
  actual: tf.Tensor,
  order: AxisOrder,
  tolerance: Tolerance,
): Promise<CheckResult> {
  const reordered = order === null ? actual : tf.transpose(actual, inverseOrder(order));
  const result = await compareTensor(path, reordered, valuesOf(golden, path), tolerance);
  actual.dispose();
  return result;
}

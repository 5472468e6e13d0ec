/** Golden files of operators: forward and gradient of every case. @module */
import * as tf from "../../core/tf.ts";
import { z } from "../../core/zod.ts";
import type { CheckResult } from "../check.ts";
import type { Golden } from "../golden_file.ts";
import { type OpPlan, planOf } from "./op_cases.ts";
import {
  compareTensor,
  FORWARD,
  GRADIENT,
  type Tolerance,
  unknown,
  withNote,
} from "./compare.ts";
import { inverse, type Order, orderedTensor, partOf, valuesOf } from "./vector_file.ts";

const Cases = z.array(z.looseObject({ name: z.string(), op: z.string() }));

/** A gradient that float32 cannot give to its usual share of itself. */
interface Exception {
  readonly spelling: RegExp;
  readonly tolerance: Tolerance;
  /** Said on the line if the usual tolerance is not the one used. */
  readonly note: string;
}

const EXCEPTIONS: readonly Exception[] = [
  {
    spelling: /two values per channel/,
    tolerance: { absolute: 1e-3 },
    note: "absolute tolerance, as the golden asks",
  },
  {
    spelling: /large values/,
    tolerance: { absolute: 5e-7 },
    note: "absolute tolerance: the gradient is below float32's resolution of its terms",
  },
];

/** Verifies every case of the file. */
export async function verifyOps(golden: Golden): Promise<CheckResult[]> {
  const results: CheckResult[] = [];
  for (const { name, op, ...fields } of partOf(golden, "cases", Cases)) {
    const plan = planOf(op, {
      fields,
      shapeOf: (input) => golden.tensors.get(`input/${name}/${input}`)?.shape ?? null,
      constant: (input) => orderedTensor(golden, `input/${name}/${input}`),
    });
    if (plan === null) {
      results.push(
        unknown(name, `the operator "${op}" is unknown`),
      );
    } else {
      const exception = EXCEPTIONS.find(({ spelling }) => spelling.test(op)) ?? null;
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
  { inputs, output, run, after = {} }: OpPlan,
  exception: Exception | null,
): Promise<CheckResult[]> {
  const orders = Object.entries(inputs);
  const given = orders.map(([input, order]) =>
    orderedTensor(golden, `input/${name}/${input}`, order)
  );
  const upstream = orderedTensor(golden, `input/${name}/upstream_grad`, output);
  const { value, grads } = tf.valueAndGrads(run)(given, upstream);

  const results = [await compareStored(golden, `output/${name}`, value, output, FORWARD)];
  for (const [i, [input, order]] of orders.entries()) {
    const gradient = grads[i];
    const path = `grad/${name}/${input}`;
    if (gradient === undefined) {
      results.push(unknown(path, "there is no gradient"));
      continue;
    }
    const tolerance = exception?.tolerance ?? GRADIENT;
    const result = await compareStored(golden, path, gradient, order, tolerance);
    results.push(exception === null ? result : withNote(result, exception.note));
  }
  for (const [what, result] of Object.entries(after)) {
    const path = `output/${name}/${what}`;
    results.push(await compareStored(golden, path, result(), null, FORWARD));
  }
  tf.dispose([...given, upstream]);
  return results;
}

// Moves the axes back to where the file has them; releases the tensor.
async function compareStored(
  golden: Golden,
  path: string,
  actual: tf.Tensor,
  order: Order,
  tolerance: Tolerance,
): Promise<CheckResult> {
  const there = order === null ? actual : tf.transpose(actual, inverse(order));
  const result = await compareTensor(path, there, valuesOf(golden, path), tolerance);
  actual.dispose();
  return result;
}

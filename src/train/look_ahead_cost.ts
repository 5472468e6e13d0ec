import { lookAheadOf, type MethodConfig } from "../config/method.ts";
import { lossEvaluations } from "../methods/future_self_training.ts";

/** What an iteration with a look-ahead costs, in a sentence; null: there is none. */
export function describeLookAheadCost(method: MethodConfig): string | null {
  const lookAhead = lookAheadOf(method);
  if (lookAhead === null) return null;
  const { by, depth, width, agreement } = lookAhead;
  const { perIteration, inFirstIteration } = lossEvaluations(lookAhead);
  const start = `look-ahead by ${by}: an iteration costs `;
  switch (by) {
    case "gradient":
      return `${start}${agreement === null ? "" : "at most "}${perIteration} loss ` +
        `evaluations, ${perIteration - 1} of them virtual`;
    case "momentum":
      return `${start}1 loss evaluation, none of them virtual: ` +
        `${counted(depth, "future")} follow${depth === 1 ? "s" : ""} from the ` +
        "optimizer's moments";
    case "reuse":
      return `${start}${counted(perIteration, "loss evaluation")}, ${
        perIteration - 1
      } of ` +
        `them virtual, and the first iteration ${inFirstIteration}: the gradient of the ` +
        "last real step is kept for one virtual step more";
    case "head":
      return `${start}1 loss evaluation and, for virtual steps, ${
        counted(width, "forward pass", "forward passes")
      } of the encoder and ${
        counted(depth * width, "forward and backward pass", "forward and backward passes")
      } of decoder and heads alone`;
  }
}

const counted = (count: number, one: string, many = `${one}s`) =>
  `${count} ${count === 1 ? one : many}`;

/** From a traced graph to the nodes of an ONNX graph. @module */
import type { GraphTensors } from "./graph_tensor.ts";
import { OWN_KERNELS } from "./own_kernels.ts";
import { TFJS_KERNELS } from "./tfjs_kernels.ts";
import { type TracedCall, UntranslatedKernelError } from "./trace.ts";

/**
 * Adds the nodes of calls, in order.
 *
 * @throws {UntranslatedKernelError} If one of them has no translation.
 */
export function translateCalls(
  tensors: GraphTensors,
  calls: readonly TracedCall[],
): void {
  for (const call of calls) {
    const [name = "", ...flags] = call.kernel.split(" ");
    const translate = OWN_KERNELS[name] ?? TFJS_KERNELS[name];
    if (translate === undefined) throw new UntranslatedKernelError(call.kernel);
    translate(tensors, call, new Set(flags));
  }
}

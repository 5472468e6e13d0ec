/** What the translation of a kernel to ONNX is. @module */
import type { GraphTensor, GraphTensors } from "./graph_tensor.ts";
import type { Size } from "./size.ts";
import type { TracedCall, TracedTensor } from "./trace.ts";

/**
 * Adds the nodes of one call.
 *
 * @param flags What a kernel does besides, such as adding a bias.
 * @throws {UntranslatedKernelError} If there is none for this call.
 */
export type KernelTranslation = (
  tensors: GraphTensors,
  call: TracedCall,
  flags: ReadonlySet<string>,
) => void;

/** The tensor that a call reads first, second, …. */
export const operandOf = (
  tensors: GraphTensors,
  { inputs }: TracedCall,
  index = 0,
): GraphTensor => tensors.get(Object.values(inputs)[index]);

/** All tensors that a call reads. */
export const operandsOf = (
  tensors: GraphTensors,
  { inputs }: TracedCall,
): GraphTensor[] => Object.values(inputs).map((input) => tensors.get(input));

/** The tensor that a call makes. */
export const resultOf = ({ outputs }: TracedCall): TracedTensor | undefined =>
  Object.values(outputs)[0];

/** The shape of what a call makes. */
export const shapeOf = (call: TracedCall): readonly Size[] => resultOf(call)?.shape ?? [];

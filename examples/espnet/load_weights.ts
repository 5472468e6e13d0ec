import type { Network, Weights } from "../../nn.ts";
import {
  matchWeights,
  pytorchShape,
  readTorchFile,
  weightsFromHost,
} from "../../weights.ts";

/**
 * The weights of a network from a PyTorch file, which is read without running anything
 * that is in it.
 *
 * @param path A file of `torch.save`, old or new.
 * @returns The caller releases them with `releaseWeights`.
 * @throws {WeightsMismatchError} If the file is not exactly what the network asks for.
 */
export async function weightsFromTorch(
  { parameters }: Network,
  path: string,
): Promise<Weights> {
  const shapes = new Map(parameters.map((one) => [one.name, pytorchShape(one)]));
  const { tensors } = await readTorchFile(path);
  return weightsFromHost(parameters, matchWeights(shapes, tensors, path).tensors);
}

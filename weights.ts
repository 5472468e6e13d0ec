/**
 * Weights in files: PyTorch's and safetensors files, naming schemes of other projects,
 * matching with a network, and published weights to download.
 *
 * ```ts
 * import { findRegistryEntry, NAMING_SCHEMES } from "./weights.ts";
 *
 * console.log(findRegistryEntry("mit-b5")); // where these weights are published
 * for (const scheme of NAMING_SCHEMES) console.log(scheme);
 * ```
 *
 * A file of PyTorch is read without running what is in it.
 *
 * ```ts ignore
 * import { readTorchFile } from "./weights.ts";
 *
 * const { tensors } = await readTorchFile("mit_b5.pth");
 * for (const [name, { shape }] of tensors) console.log(name, shape);
 * ```
 *
 * @module
 */
export type { DataType, HostTensor } from "./src/core/host_tensor.ts";
export {
  initializeWeights,
  pytorchShape,
  releaseWeights,
  weightsFromHost,
  weightsToHost,
} from "./src/core/weights.ts";
export type { ExpectedFile } from "./src/download/checksum.ts";
export {
  download,
  type DownloadEvent,
  type DownloadOptions,
  type DownloadResult,
  ManualDownloadError,
  type WeightsAddress,
} from "./src/download/download.ts";
export { findWeights } from "./src/download/find_weights.ts";
export {
  findRegistryEntry,
  type ManualSource,
  type PublishedFile,
  type UrlSource,
  WEIGHTS,
  type WeightsEntry,
  type WeightsSource,
} from "./src/download/registry.ts";
export {
  type MatchedWeights,
  type MatchOptions,
  matchWeights,
  type ShapeMismatch,
  WeightsMismatchError,
} from "./src/weights/match_weights.ts";
export type { NamingSchemeSummary } from "./src/weights/names/naming_scheme.ts";
export { NAMING_SCHEMES } from "./src/weights/names/translate_names.ts";
export { WRITABLE_NAMES, type WrittenNames } from "./src/weights/names/write_names.ts";
export {
  openTorchFile,
  readTorchFile,
  type TorchFile,
  type TorchFileOptions,
  type TorchTensorInfo,
  type TorchTensors,
} from "./src/weights/torch_file.ts";

/**
 * fst trains and evaluates semantic-segmentation networks by future self-training on
 * WebGPU, or on a CPU through WebAssembly.
 *
 * ```ts ignore
 * import { loadConfig, train } from "https://…/mod.ts";
 *
 * const config = await loadConfig("configs/demo.yaml", ["iterations=30"]);
 * const { summary } = await train(config, { out: "runs/demo" });
 * console.log(summary?.evaluation.mIoU);
 * ```
 *
 * What a run has trained is used in three lines.
 *
 * ```ts ignore
 * import { loadNetwork, readPicture } from "https://…/mod.ts";
 *
 * const network = await loadNetwork("runs/demo/best.safetensors");
 * const picture = await readPicture("street.jpg"); // or RGB bytes from anywhere
 * const labels = await network.predict(picture); // class ids, [height, width]
 * ```
 *
 * @module
 */
export { configName, loadConfig, readConfig, writeConfig } from "./src/config/read.ts";
export type { EvaluationConfig, LoggingConfig, RunConfig } from "./src/config/schema.ts";
export type {
  CropConfig,
  DataConfig,
  EmbeddedData,
  EmbeddedSplit,
  FolderData,
  FolderSplit,
  RareClassConfig,
} from "./src/config/data.ts";
export type {
  Adaptation,
  AdaptiveConfig,
  FeatureDistanceConfig,
  FutureSelfTrainingConfig,
  MethodConfig,
  MixingConfig,
  PseudoLabelConfig,
  SelfTrainingConfig,
  SourceOnlyConfig,
  SupervisedConfig,
  TeacherConfig,
} from "./src/config/method.ts";
export type { ModelConfig } from "./src/config/model.ts";
export type {
  BeitConfig,
  BeitPresetConfig,
  EncoderConfig,
  MitConfig,
  MitPresetConfig,
  ResnetConfig,
  ResnetPresetConfig,
  SwinConfig,
  SwinPresetConfig,
} from "./src/config/encoder.ts";
export type {
  AuxiliaryConfig,
  DaformerConfig,
  DanetConfig,
  DecoderConfig,
  DeeplabV2Config,
  DeeplabV3PlusConfig,
  IsaConfig,
  PspConfig,
  SegformerConfig,
  UpernetConfig,
} from "./src/config/decoder.ts";
export type { Stages } from "./src/config/ranges.ts";
export type { OptimizerConfig } from "./src/config/optimizer.ts";
export type { Size } from "./src/config/size.ts";
export {
  type AdapterInfo,
  type BackendChoice,
  type BackendInfo,
  openBackend,
  probeAdapter,
} from "./src/core/backend.ts";
export type { ClassInfo, Normalisation } from "./src/core/host_batch.ts";
export type { RgbImage } from "./src/core/image_codec.ts";
export { readPicture } from "./src/data/picture_file.ts";
export type { Sample } from "./src/data/data_set.ts";
export { train } from "./src/engine/trainer.ts";
export type {
  LogLine,
  Observer,
  TrainOptions,
  TrainResult,
} from "./src/engine/trainer.ts";
export type { EvaluationResult, Prediction } from "./src/engine/evaluate.ts";
export {
  type LoadedNetwork,
  loadNetwork,
  type LoadOptions,
} from "./src/engine/load_network.ts";
export type { Look } from "./src/engine/look.ts";
export type { Panel, PanelCell } from "./src/engine/panel.ts";
export type { RunFolder } from "./src/engine/run_folder.ts";
export type { NamedResult, RunSummary } from "./src/engine/summary.ts";
export type { EvaluateOptions } from "./src/engine/use_network.ts";
export { type BackendDiagnosis, type Diagnosis, examine } from "./src/verify/doctor.ts";
export { goldenFiles } from "./src/verify/golden_names.ts";
export { type FileResult, verifyOutcome } from "./src/verify/outcome.ts";
export { type CheckResult, verifyFile } from "./src/verify/mod.ts";

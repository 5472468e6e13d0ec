/**
 * fst trains and evaluates semantic-segmentation networks by future self-training on
 * WebGPU, or on a CPU through WebAssembly.
 *
 * ```ts
 * import { loadConfig, loadNetwork, train } from "./mod.ts"; // or its URL
 *
 * const config = await loadConfig("configs/demo.yaml", [
 *   "iterations=2",
 *   "data.evaluations={ worn: { domain: worn, images: 1 } }",
 * ]);
 * const out = await Deno.makeTempDir();
 * const { summary } = await train(config, { out });
 * console.log(summary?.evaluation.mIoU);
 *
 * using network = await loadNetwork(`${out}/last.safetensors`);
 * const image = { width: 64, height: 48, data: new Uint8Array(64 * 48 * 3) }; // RGB
 * const labels = await network.predict(image); // class ids, [height, width]
 * console.log(network.classes[labels[0] ?? 0]?.name);
 * await Deno.remove(out, { recursive: true });
 * ```
 *
 * This entry point is for training, evaluating and predicting. The others are `config.ts`
 * (what a run depends on), `nn.ts` (networks of your own) and `weights.ts` (files of
 * weights).
 *
 * @module
 */
export type { Size } from "./src/config/ranges.ts";
export { configName, loadConfig, parseConfig } from "./src/config/read.ts";
export type { RunConfig } from "./src/config/schema.ts";
export {
  type ConversionResult,
  type ConvertOptions,
  convertWeights,
  type WeightsFormat,
} from "./src/convert/convert.ts";
export {
  type AdapterInfo,
  type BackendChoice,
  type BackendInfo,
  type CpuOptions,
  type EngineInfo,
  openBackend,
  probeAdapter,
} from "./src/core/backend.ts";
export type {
  ClassInfo,
  Normalization,
  Picture,
  PixelFormat,
  Pixels,
} from "./src/core/host_batch.ts";
export type { Sample } from "./src/data/data_set.ts";
export type { Thumbnail } from "./src/data/pipelines.ts";
export type { CheckResult } from "./src/doctor/check.ts";
export {
  type BackendDiagnosis,
  diagnose,
  type Diagnosis,
  type MpiDiagnosis,
  type NativeDiagnosis,
} from "./src/doctor/diagnose.ts";
export { testGpuOnce } from "./src/doctor/first_start.ts";
export type { ClassSubset, SubsetMetrics } from "./src/evaluate/class_subsets.ts";
export type { NetworkFactory } from "./src/evaluate/custom_network.ts";
export type {
  DetailedEvaluation,
  EvaluationResult,
  Prediction,
  SummaryMetrics,
} from "./src/evaluate/evaluate.ts";
export type {
  EvaluateOptions,
  NamedEvaluation,
  NamedResult,
} from "./src/evaluate/evaluate_network.ts";
export type { TestTimeAugmentation } from "./src/evaluate/predict_image.ts";
export {
  type LoadedNetwork,
  loadNetwork,
  type LoadNetworkOptions,
} from "./src/evaluate/load_network.ts";
export {
  type ExportFormat,
  exportNetwork,
  type ExportOptions,
  type ExportResult,
} from "./src/export/export_network.ts";
export {
  type RasterImage,
  readImage,
  readRaster,
  type RgbImage,
} from "./src/formats/image_codec.ts";
export { displayNote } from "./src/formats/display_rgb.ts";
export {
  initConfig,
  type InitImageCounts,
  type InitOptions,
  type InitResult,
} from "./src/init/init.ts";
export { writeExample } from "./src/init/write_example.ts";
export type { NativeEngineInfo } from "./src/native/engine.ts";
export { defaultCacheFolder } from "./src/io/cache_folder.ts";
export {
  type PreparationReport,
  prepare,
  type PreparedDataSet,
  type PrepareOptions,
  type SplitPictures,
} from "./src/prepare/prepare.ts";
export type {
  ClassPixelCount,
  ImageSizeCount,
  PreparedSplit,
} from "./src/prepare/prepare_split.ts";
export { dataSetNameProblem } from "./src/prepare/splits_to_prepare.ts";
export { cropPicturesProblem } from "./src/prepare/training_crops.ts";
export type { MemoryEstimate } from "./src/train/estimate_memory.ts";
export type { Panel, PanelCell } from "./src/train/panel.ts";
export type { DeviceChoice } from "./src/distributed/device.ts";
export { findLaunch, type Launch } from "./src/distributed/launcher.ts";
export type { MpiCommunicator } from "./src/distributed/mpi.ts";
export { openRanks, type Ranks } from "./src/distributed/open_ranks.ts";
export type { Communicator } from "./src/core/ranks.ts";
export { listenForStop, type StopSignal } from "./src/distributed/stop_signal.ts";
export type {
  EvaluationFigures,
  EvaluationLine,
  LogLine,
  RunFolder,
} from "./src/train/run_files.ts";
export type { RunSummary } from "./src/train/run_folder.ts";
export {
  type Observer,
  train,
  type TrainOptions,
  type TrainResult,
} from "./src/train/train.ts";
export {
  type Dashboard,
  type DashboardOptions,
  openDashboard,
} from "./src/ui/dashboard.ts";

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
 * A network of your own is an encoder and a decoder, each the parameters it declares and a
 * function of their values; `examples/espnet/` has one with its authors' weights.
 *
 * ```ts ignore
 * import { evaluateOn, initialWeights, network, openBackend } from "https://…/mod.ts";
 *
 * await openBackend();
 * const own = network(encoder, decoder, classes.length);
 * const weights = initialWeights(own.parameters, 0); // or those of a file
 * const folder = { root: "data/camvid", split: "val", classes };
 * const { mIoU } = await evaluateOn({ network: own, weights }, folder);
 * ```
 *
 * @module
 */
export { configName, loadConfig, readConfig, writeConfig } from "./src/config/read.ts";
export type { EvaluationConfig, LoggingConfig, RunConfig } from "./src/config/schema.ts";
export type {
  DataConfig,
  EmbeddedData,
  EmbeddedSplit,
  FileNames,
  FolderData,
  FolderSplit,
} from "./src/config/data.ts";
export type { CropConfig, PaddingConfig, RareClassConfig } from "./src/config/crops.ts";
export type { NativeData, NativeSplit } from "./src/config/native_data.ts";
export {
  CITYSCAPES_CLASSES,
  type NativeSet,
  SYNTHIA_13,
  SYNTHIA_16,
  VOC_CLASSES,
} from "./src/core/known_classes.ts";
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
  FcnConfig,
  IsaConfig,
  PspConfig,
  SegformerConfig,
  UpernetConfig,
} from "./src/config/decoder.ts";
export type {
  SemiDecoderConfig,
  SemiDeeplabV2Config,
  SemiDeeplabV3PlusConfig,
  SemiFcnConfig,
  SemiPspConfig,
} from "./src/config/semi_decoder.ts";
export type { Stages } from "./src/config/ranges.ts";
export type {
  AdamWConfig,
  OptimizerConfig,
  RateConfig,
  SgdConfig,
} from "./src/config/optimizer.ts";
export type {
  ContrastConfig,
  CrossEntropyConfig,
  EntropyFilterConfig,
  HardExampleConfig,
  LookAheadConfig,
  MeanTeacherConfig,
  PerturbationConfig,
  SemiConfig,
  SemiSupervised,
  SemiTeacherConfig,
  WeakToStrongConfig,
} from "./src/config/semi_method.ts";
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
export {
  type Conversion,
  type ConvertOptions,
  convertWeights,
  type WeightsFormat,
} from "./src/engine/convert.ts";
export { cacheFolder } from "./src/engine/cache_folder.ts";
export type { ClassShare, SizeCount } from "./src/engine/part_check.ts";
export type { PartPictures } from "./src/engine/part_pictures.ts";
export { unknownDataSet } from "./src/engine/preparation_parts.ts";
export {
  type Preparation,
  prepare,
  type Prepared,
  type PrepareOptions,
} from "./src/engine/prepare.ts";
export type { PreparedPart } from "./src/engine/prepared_part.ts";
export type { Thumbnail } from "./src/data/thumbnail.ts";
export { NAMING_SCHEMES, type SchemeSummary } from "./src/weights/names/schemes.ts";
export { train } from "./src/engine/trainer.ts";
export type {
  LogLine,
  Observer,
  TrainOptions,
  TrainResult,
} from "./src/engine/trainer.ts";
export type { PredictedMemory } from "./src/engine/memory.ts";
export type {
  DetailedEvaluation,
  EvaluationFigures,
  EvaluationResult,
  Prediction,
} from "./src/engine/evaluate.ts";
export {
  type LoadedNetwork,
  loadNetwork,
  type LoadOptions,
} from "./src/engine/load_network.ts";
export type { Look } from "./src/engine/look.ts";
export type { Panel, PanelCell } from "./src/engine/panel.ts";
export type { RunFolder } from "./src/engine/run_folder.ts";
export type { Subset, SubsetFigures } from "./src/engine/subsets.ts";
export type { NamedResult, RunSummary } from "./src/engine/summary.ts";
export type { EvaluateOptions, NetworkEvaluation } from "./src/engine/use_network.ts";
export { type BackendDiagnosis, type Diagnosis, examine } from "./src/verify/doctor.ts";
export { goldenFiles } from "./src/verify/golden_names.ts";
export { type FileResult, verifyOutcome } from "./src/verify/outcome.ts";
export { type CheckResult, verifyFile } from "./src/verify/mod.ts";

// For networks of your own: TensorFlow.js and what a network is,
export { tf } from "./src/core/tensorflow.ts";
export type { AnyTensor as Tensor, Tensor4D } from "./src/core/tf.ts";
export {
  type AuxiliaryHead,
  type BufferChange,
  type Chance,
  type Constant,
  type Decoder,
  type Encoder,
  EVALUATION,
  type Initial,
  type Layer,
  type Layout,
  type Network,
  type Parameter,
  type Pass,
  type SideLogits,
  weightOf,
  type Weights,
} from "./src/core/network.ts";
export { network } from "./src/models/network.ts";
// the parts it is made of: layers with parameters and operations without,
export { buffer, parameter, parametersOf, vector } from "./src/layers/parameter.ts";
export { batchNorm, type BatchNormOptions } from "./src/layers/batch_norm.ts";
export {
  convolution,
  type ConvolutionOptions,
  depthwiseConvolution,
  type Start,
} from "./src/layers/convolution.ts";
export { layerNorm } from "./src/layers/layer_norm.ts";
export { linear, type LinearStart } from "./src/layers/linear.ts";
export {
  adaptiveAveragePool,
  averagePool,
  type AveragePoolOptions,
} from "./src/ops/average_pool.ts";
export { type BiasedConvOptions, conv2d, type ConvOptions } from "./src/ops/conv2d.ts";
export { gelu } from "./src/ops/gelu.ts";
export { maxPool, type MaxPoolOptions } from "./src/ops/max_pool.ts";
export { resizeBilinear } from "./src/ops/resize_bilinear.ts";
export { transposedConv2d } from "./src/ops/transposed_conv2d.ts";
// its weights, fresh or from a file of PyTorch,
export {
  initialWeights,
  pytorchShape,
  releaseWeights,
  weightsFromHost,
  weightsToHost,
} from "./src/core/weights.ts";
export type { DataType, HostTensor } from "./src/core/host_tensor.ts";
export {
  openTorchFile,
  readTorchFile,
  type TorchFile,
  type TorchFileOptions,
  type TorchTensorInfo,
  type TorchTensors,
} from "./src/weights/torch_file.ts";
export {
  type MatchedWeights,
  matchWeights,
  type Mismatch,
  type Tolerated,
  WeightsMismatchError,
  type WrongShape,
} from "./src/weights/mismatch.ts";
// and what it is for.
export {
  evaluateOn,
  type EvaluateOnOptions,
  type LabelledFolder,
  type MakeNetwork,
  type OwnNetwork,
  type PictureOptions,
  predictWith,
} from "./src/engine/own_network.ts";
// Published weights: what there is, and fetching it.
export {
  download,
  type DownloadEvent,
  type DownloadOptions,
  type DownloadResult,
  ManualDownloadError,
} from "./src/weights/download.ts";
export type { WeightsAddress } from "./src/weights/download_plan.ts";
export { findWeights } from "./src/weights/find_weights.ts";
export type {
  ManualSource,
  NamingScheme,
  PublishedFile,
  UrlSource,
  WeightsEntry,
  WeightsSource,
} from "./src/weights/published_weights.ts";
export { WEIGHTS, weightsNamed } from "./src/weights/registry.ts";

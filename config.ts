/**
 * Everything a run depends on: the types of a configuration, reading and writing it.
 *
 * ```ts
 * import { parseConfig, stringifyConfig } from "./config.ts";
 *
 * const config = parseConfig(
 *   `
 * model:
 *   encoder: { name: mit-b0 }
 * data:
 *   kind: embedded
 *   evaluations: { worn: { domain: worn, images: 20 } }
 *   cropSize: { height: 64, width: 64 }
 * method: { name: source-only }
 * `,
 *   "inline",
 *   ["iterations=100"],
 * );
 * console.log(stringifyConfig(config)); // with every default
 * ```
 *
 * @module
 */
export type {
  AugmentationConfig,
  BlurConfig,
  ColorJitterConfig,
  RandomErasingConfig,
  RotationConfig,
} from "./src/config/augmentation.ts";
export type {
  AnnotatedDataConfig,
  CocoDataConfig,
  CocoFilesConfig,
  CommonDataConfig,
  DataConfig,
  EmbeddedDataConfig,
  EmbeddedSplitConfig,
  FileNamesConfig,
  FolderDataConfig,
  FolderSplitConfig,
  LabelmeDataConfig,
  LabelmeFilesConfig,
  NativeDataConfig,
  NativeSplitConfig,
  PaddingConfig,
  RareClassSamplingConfig,
} from "./src/config/data.ts";
export type {
  AuxiliaryHeadConfig,
  DaformerConfig,
  DanetConfig,
  DecoderConfig,
  DeeplabV2Config,
  DeeplabV3PlusConfig,
  DptConfig,
  FcnHeadConfig,
  IsaConfig,
  LrasppConfig,
  PspConfig,
  SegformerConfig,
  SemiDeeplabV2Config,
  SemiDeeplabV3PlusConfig,
  SemiFcnHeadConfig,
  SemiPspConfig,
  SemiSupervisedDecoderConfig,
  UpernetConfig,
  VfmUdaConfig,
} from "./src/config/decoder.ts";
export type {
  BeitConfig,
  BeitPresetConfig,
  Dinov2Config,
  Dinov2PresetConfig,
  Dinov2Settings,
  EfficientnetLiteConfig,
  EfficientnetLitePresetConfig,
  EncoderConfig,
  MitConfig,
  MitPresetConfig,
  ResnetConfig,
  ResnetPresetConfig,
  SwinConfig,
  SwinPresetConfig,
} from "./src/config/encoder.ts";
export type {
  ContrastiveConfig,
  EntropyFilterConfig,
  FeatureDistanceConfig,
  LabeledMethodConfig,
  LookAheadConfig,
  MarginsConfig,
  MaskedConsistencyConfig,
  MeanTeacherConfig,
  MethodConfig,
  MixingConfig,
  PerturbationConfig,
  PseudoLabelConfig,
  SelfTrainingConfig,
  SemiSupervisedCommonConfig,
  SemiSupervisedConfig,
  SemiSupervisedTeacherConfig,
  SourceOnlyConfig,
  SupervisedConfig,
  TeacherConfig,
  WeakToStrongConfig,
  WeakToStrongTeacherConfig,
} from "./src/config/method.ts";
export type {
  ClassWeightsConfig,
  CountedClassWeights,
  CriterionConfig,
  CriterionTermConfig,
  CrossEntropyConfig,
  DiceConfig,
  FocalConfig,
  LossTermConfig,
  LovaszSoftmaxConfig,
  OhemConfig,
  PixelMeanConfig,
  RegionLossConfig,
} from "./src/config/criterion.ts";
export type { ModelConfig, MultiResolutionConfig } from "./src/config/model.ts";
export type {
  AdamWConfig,
  LearningRateConfig,
  OptimizerConfig,
  SgdConfig,
} from "./src/config/optimizer.ts";
export type { PerStage, Size } from "./src/config/ranges.ts";
export {
  configName,
  loadConfig,
  parseConfig,
  stringifyConfig,
} from "./src/config/read.ts";
export type {
  BestConfig,
  EarlyStoppingConfig,
  EvaluationConfig,
  LoggingConfig,
  RunConfig,
} from "./src/config/schema.ts";
export type { ClassInfo } from "./src/core/host_batch.ts";
export {
  CAMVID_CLASSES,
  CITYSCAPES_CLASSES,
  type NativeDataSet,
  SYNTHIA_13_CLASS_IDS,
  SYNTHIA_16_CLASS_IDS,
  VOC_CLASSES,
} from "./src/data/native_classes.ts";

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
 * @module
 */
export { configName, loadConfig, readConfig, writeConfig } from "./src/config/read.ts";
export type { RunConfig } from "./src/config/schema.ts";
export {
  type AdapterInfo,
  type BackendChoice,
  type BackendInfo,
  openBackend,
  probeAdapter,
} from "./src/core/backend.ts";
export { holdsRun, train } from "./src/engine/trainer.ts";
export type {
  LogLine,
  Observer,
  TrainOptions,
  TrainResult,
} from "./src/engine/trainer.ts";
export type { EvaluationResult } from "./src/engine/evaluate.ts";
export type { Panel, PanelCell } from "./src/engine/panel.ts";
export type { NamedResult, RunSummary } from "./src/engine/summary.ts";
export { type CheckResult, verifyFile } from "./src/verify/mod.ts";

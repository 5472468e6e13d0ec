/**
 * Measures a checkpoint on labeled pictures; see `deno task eval --help`.
 *
 * @module
 */
import {
  defaultCacheFolder,
  displayNote,
  type EvaluateOptions,
  loadNetwork,
} from "../mod.ts";
import { type CommandMain, deferFailure, defineCommand } from "../src/cli/command.ts";
import { cpuOptionsFrom, formatBackend } from "../src/cli/cpu_options.ts";
import { prepareConfusionFiles } from "../src/cli/confusion_matrix.ts";
import {
  confusionMatrixOf,
  evaluationToJson,
  formatEvaluation,
} from "../src/cli/evaluation_report.ts";
import {
  EVALUATION_OPTIONS,
  INFERENCE_OPTIONS,
  selectNetworkRole,
} from "../src/cli/inference_options.ts";
import { argument, option } from "../src/cli/option.ts";
import { openPredictionFolder } from "../src/cli/prediction_files.ts";
import { openCounter } from "../src/cli/progress_bar.ts";

/** @returns The exit status: 0 done, 1 failed, 2 wrong usage. */
export const main: CommandMain = defineCommand({
  name: "deno task eval",
  networkName: "deno task eval:net",
  description: "Evaluate a checkpoint on labeled images.",
  examples: [
    "deno task eval runs/demo/last.safetensors",
    "deno task eval best.safetensors --set data.root=data/camvid --split val --save out",
    "deno task eval best.safetensors --flip --scales 0.5,0.75,1,1.25,1.5,1.75",
    "deno task eval best.safetensors --confusion matrix.png --subset synthia-16",
  ],
  arguments: { checkpoint: argument.one("a .safetensors file that a run has saved") },
  options: {
    split: option.string("NAME", "a named evaluation, else the first, or a split folder"),
    cache: option.string("DIR", "cache folder; $XDG_CACHE_HOME/fst or ~/.cache/fst"),
    ...INFERENCE_OPTIONS,
    ...EVALUATION_OPTIONS,
  },
  hasJson: true,
  async action({ arguments: { checkpoint }, options, terminal, print, log }) {
    const { save: folder, ids, set: overrides, backend, native, threads, ...more } =
      options;
    const { cache = await defaultCacheFolder() } = options;
    const {
      teacher,
      student,
      subset: subsets,
      matrix: printConfusion,
      confusion,
      ...evaluateOptions
    } = more;
    const failures: unknown[] = []; // printed after the metrics
    const saveConfusion = deferFailure(await prepareConfusionFiles(confusion), failures);
    const roleOption = selectNetworkRole({ teacher, student });
    using network = await loadNetwork(checkpoint, {
      overrides,
      backend,
      ...cpuOptionsFrom({ native, threads }),
      log,
      ...roleOption,
    });
    const { classes, config } = network;
    log(formatBackend(network.backend));
    const shown = displayNote(config.data);
    if (shown !== null && folder !== undefined && ids === "classIds") log(shown);
    const openedFolder = openPredictionFolder(folder, classes, config.data, ids);
    const save = deferFailure(await openedFolder, failures);
    using progress = openCounter(terminal, "image");
    const onPrediction: EvaluateOptions["onPrediction"] = async (
      { sample, labels },
      done,
      of,
    ) => {
      await save({ ...sample, data: sample.image, labels });
      progress.update(done, of);
    };
    const result = await network.evaluate({
      ...evaluateOptions,
      cache,
      subsets,
      log,
      onPrediction,
    });
    progress.stop();
    print(formatEvaluation(result, terminal, printConfusion));
    await saveConfusion(confusionMatrixOf(result));
    return { json: evaluationToJson(result, printConfusion), failures };
  },
});

if (import.meta.main) Deno.exit(await main(Deno.args));

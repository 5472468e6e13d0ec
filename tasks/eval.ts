/**
 * Measures a checkpoint on labelled pictures; see `deno task eval --help`.
 *
 * @module
 */
import { cacheFolder, type EvaluateOptions, loadNetwork } from "../mod.ts";
import { type Main, mainOf } from "../src/cli/command.ts";
import { openConfusionFiles } from "../src/cli/confusion_files.ts";
import {
  confusionOf,
  evaluationJson,
  evaluationText,
} from "../src/cli/evaluation_report.ts";
import { LOOK_OPTIONS, roleOf } from "../src/cli/look_options.ts";
import { argument, option } from "../src/cli/option.ts";
import { postponed } from "../src/cli/postponed.ts";
import { openPredictionFolder } from "../src/cli/prediction_folder.ts";
import { openCounter } from "../src/cli/progress_bar.ts";
import { RESULT_OPTIONS } from "../src/cli/result_options.ts";

/** @returns The exit status: 0 done, 1 failed, 2 wrong usage. */
export const main: Main = mainOf({
  name: "deno task eval",
  description: "Measure a checkpoint on labelled pictures.",
  examples: [
    "deno task eval runs/demo/last.safetensors",
    "deno task eval best.safetensors --set data.root=data/camvid --split val --save out",
    "deno task eval best.safetensors --flip --scales 0.5,0.75,1,1.25,1.5,1.75",
    "deno task eval best.safetensors --confusion matrix.png --subset synthia-16",
  ],
  arguments: { ckpt: argument.one("a .safetensors file that a run has saved") },
  options: {
    split: option.text("NAME", "a named evaluation, else the first, or a split folder"),
    cache: option.text("DIR", "cache folder; $XDG_CACHE_HOME/fst or ~/.cache/fst"),
    ...LOOK_OPTIONS,
    ...RESULT_OPTIONS,
  },
  hasJson: true,
  async action({ arguments: { ckpt }, options, terminal, print, log }) {
    const { save: folder, ids, set: overrides, backend, ...more } = options;
    const { cache = await cacheFolder() } = options;
    const { teacher, student, subset: subsets, matrix, confusion, ...how } = more;
    const failures: unknown[] = []; // told after the figures
    const saveConfusion = postponed(await openConfusionFiles(confusion), failures);
    const whose = roleOf({ teacher, student });
    using network = await loadNetwork(ckpt, { overrides, backend, ...whose });
    const { role, iteration, classes, config } = network;
    log(`network    ${role} after ${iteration} iterations`);
    log(`backend    ${network.backend.name} on ${network.backend.adapter}`);
    const open = openPredictionFolder(folder, classes, config.data, ids);
    const save = postponed(await open, failures);
    using progress = openCounter(terminal, "image");
    const seen: EvaluateOptions["seen"] = async ({ sample, labels }, done, of) => {
      await save({ ...sample, data: sample.image, labels });
      progress.update(done, of);
    };
    const result = await network.evaluate({ ...how, cache, subsets, seen });
    progress.stop();
    print(evaluationText(result, terminal, matrix));
    await saveConfusion(confusionOf(result));
    return { json: evaluationJson(result, matrix), failures };
  },
});

if (import.meta.main) Deno.exit(await main(Deno.args));

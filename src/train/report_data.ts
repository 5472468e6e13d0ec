/** What a run says about its data before it starts. @module */
import { didYouMean } from "../config/did_you_mean.ts";
import type { RunConfig } from "../config/schema.ts";
import { cachedStatistics } from "../data/class_statistics.ts";
import type { DataSet } from "../data/data_set.ts";
import type { DataSpec } from "../data/data_spec.ts";
import type { Loader } from "../data/loader.ts";
import { sharedImagesNote } from "../data/overlap.ts";
import { openDataSet } from "../data/open_data_set.ts";
import { evaluationSpecs, trainingLoaderSpec } from "../prepare/data_specs.ts";
import { inspectLabels } from "../prepare/inspect_labels.ts";
import { measureOf } from "./best_score.ts";

/**
 * Says how many images each part of a run has and where they are, then what is to be known
 * of its labels.
 *
 * @param cache Where class statistics are kept.
 * @param log Receives a line each.
 * @returns The data sets by the part of the configuration, as "source" and
 * "evaluations.val".
 * @throws If an evaluation cannot be opened, or a label cannot be used.
 */
export async function reportData(
  config: RunConfig,
  loader: Loader,
  cache: string,
  log: (line: string) => void,
): Promise<Map<string, DataSet>> {
  const parts = new Map<string, DataSet>();
  const labeled: [string, DataSpec, DataSet][] = [];
  const addPart = (key: string, name: string, spec: DataSpec, dataSet: DataSet) => {
    log(partLine(name, spec, dataSet));
    parts.set(key, dataSet);
    if (dataSet.labeled) labeled.push([name, spec, dataSet]);
  };
  const { source, target } = trainingLoaderSpec(config, cache);
  const { dataSets } = loader;
  addPart("source", "source", source, dataSets.source);
  if (target !== null && dataSets.target !== null) {
    addPart("target", "target", target, dataSets.target);
  }
  const notes: string[] = [...loader.notes];
  for (const [name, spec] of evaluationSpecs(config.data, cache)) {
    const dataSet = await openDataSet(spec);
    addPart(`evaluations.${name}`, name, spec, dataSet);
    notes.push(
      ...dataSet.notes ?? [],
      ...overlapNotes(loader.dataSets.source, name, dataSet),
    );
  }
  for (const note of new Set(notes)) log(note);
  assertBestClass(config, parts);
  const { numWorkers } = config.data;
  for (const [name, spec, dataSet] of labeled) {
    const found = await inspectLabels(name, spec, dataSet, cache, numWorkers);
    found.forEach(log);
  }
  await assertBestClassOccurs(config, parts, cache);
  return parts;
}

// Where the configuration itself does not say what classes there are.
function assertBestClass(
  config: RunConfig,
  parts: ReadonlyMap<string, DataSet>,
): void {
  const { evaluation, class: name } = measureOf(config);
  const names = parts.get(`evaluations.${evaluation}`)?.classes.map(({ name }) => name);
  if (name === null || names === undefined || names.includes(name)) return;
  throw new RangeError(
    `Cannot choose the best checkpoint by "evaluation.best.class": "${evaluation}" has no ` +
      `class "${name}"${didYouMean(name, names)}`,
  );
}

// Known where all labels have been counted; else the first evaluation shows it.
async function assertBestClassOccurs(
  config: RunConfig,
  parts: ReadonlyMap<string, DataSet>,
  cache: string,
): Promise<void> {
  const { evaluation, class: name } = measureOf(config);
  const dataSet = parts.get(`evaluations.${evaluation}`);
  if (name === null || dataSet === undefined || config.data.kind === "embedded") return;
  const counted = await cachedStatistics(dataSet, cache);
  const id = dataSet.classes.findIndex((one) => one.name === name);
  if (counted === null || counted.totals[id] !== 0) return;
  const occurring = dataSet.classes.filter((_, id) => (counted.totals[id] ?? 0) > 0);
  throw new RangeError(
    `Cannot choose the best checkpoint by the class "${name}": no pixel of it is in the ` +
      `labels of "${evaluation}"; set "evaluation.best.class" to ` +
      `one of ${occurring.map(({ name }) => `"${name}"`).join(", ")}, or to null`,
  );
}

// Two sets of one folder have one file under one name.
function overlapNotes(source: DataSet, evaluation: string, measured: DataSet): string[] {
  if (source.name !== measured.name) return [];
  const learned = new Set(source.names);
  const shared = measured.names.filter((name) => learned.has(name));
  return shared.length === 0
    ? []
    : [sharedImagesNote({ training: "source", evaluation }, shared)];
}

function partLine(
  part: string,
  spec: DataSpec,
  { name, names, labeled }: DataSet,
): string {
  const labels = labeled ? "with" : "without";
  const selection = spec.kind === "embedded" ? "" : [
    ...(spec.list ? [`list "${spec.list}"`] : []),
    ...((spec.include ?? ["*"]).join() === "*"
      ? []
      : [`include ${JSON.stringify(spec.include)}`]),
  ].join(", ");
  return `${part.padEnd(10)} ${names.length} images ${labels} labels in "${name}"` +
    (selection === "" ? "" : ` (${selection})`);
}

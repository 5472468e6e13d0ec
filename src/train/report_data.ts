/** What a run says about its data before it starts. @module */
import type { RunConfig } from "../config/schema.ts";
import type { DataSet } from "../data/data_set.ts";
import type { DataSpec } from "../data/data_spec.ts";
import type { Loader } from "../data/loader.ts";
import { sharedImagesNote } from "../data/overlap.ts";
import { openDataSet } from "../data/open_data_set.ts";
import { evaluationSpecs, trainingLoaderSpec } from "../prepare/data_specs.ts";
import { inspectLabels } from "../prepare/inspect_labels.ts";

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
  const { numWorkers } = config.data;
  for (const [name, spec, dataSet] of labeled) {
    const found = await inspectLabels(name, spec, dataSet, cache, numWorkers);
    found.forEach(log);
  }
  return parts;
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

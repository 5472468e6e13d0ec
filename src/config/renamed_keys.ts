/**
 * Keys of earlier versions, so that their files and checkpoints are still read.
 *
 * @module
 */

/** A mapping of parsed YAML. */
type Mapping = Readonly<Record<string, unknown>>;

/** Old path → new path; what lies below a path moves with it. */
export const RENAMED_KEYS: Readonly<Record<string, string>> = {
  "optimizer.rate": "optimizer.learningRate",
  "optimizer.headFactor": "optimizer.headLrMultiplier",
  "optimizer.warmup": "optimizer.warmupIterations",
  "optimizer.minimumRate": "optimizer.minLearningRate",
  "optimizer.accumulate": "optimizer.accumulationSteps",
  "optimizer.epsilon": "optimizer.eps",

  "model.auxiliary.level": "model.auxiliaryHead.inIndex",
  "model.auxiliary.weight": "model.auxiliaryHead.lossWeight",
  "model.auxiliary": "model.auxiliaryHead",
  "model.leaveOut": "model.excludeKeys",
  "model.recompute": "model.activationCheckpointing",
  "model.encoder.widths": "model.encoder.embedDims",
  "model.encoder.width": "model.encoder.embedDim",
  "model.encoder.heads": "model.encoder.numHeads",
  "model.encoder.reductions": "model.encoder.srRatios",
  "model.encoder.dropPath": "model.encoder.dropPathRate",
  "model.encoder.window": "model.encoder.windowSize",
  "model.encoder.stem": "model.encoder.stemChannels",
  "model.encoder.planes": "model.encoder.baseChannels",
  "model.encoder.outputs": "model.encoder.outIndices",
  "model.encoder.layerScale": "model.encoder.layerScaleInit",
  "model.decoder.bins": "model.decoder.poolScales",
  "model.decoder.fineChannels": "model.decoder.lowLevelChannels",
  "model.decoder.relationChannels": "model.decoder.isaChannels",
  "model.decoder.cell": "model.decoder.downFactor",
  "model.decoder.reduced": "model.decoder.pamChannels",
  "model.decoder.inner": "model.decoder.innerPlanes",

  "data.crop": "data.cropSize",
  "data.batch": "data.batchSize",
  "data.flip": "data.flipProbability",
  "data.largestClassShare": "data.catMaxRatio",
  "data.labels": "data.labelMap",
  "data.workers": "data.numWorkers",
  "data.padding.place": "data.padding.position",
  "data.normalisation.deviation": "data.normalization.std",
  "data.normalisation": "data.normalization",
  "data.rareClasses.temperature": "data.rareClassSampling.classTemperature",
  "data.rareClasses.minimumPixels": "data.rareClassSampling.minPixels",
  "data.rareClasses.minimumCropShare": "data.rareClassSampling.minCropRatio",
  "data.rareClasses": "data.rareClassSampling",

  "method.teacher.momentum": "method.teacher.emaDecay",
  "method.teacher.sharedIterations": "method.teacher.copyIterations",
  "method.supervisedIterations": "method.supervisedOnlyIterations",
  "method.lookAhead.presentStudent": "method.lookAhead.emaTiming",
  "method.mixing.jitterStrength": "method.mixing.colorJitterStrength",
  "method.mixing.jitterProbability": "method.mixing.colorJitterProbability",
  "method.mixing.classes": "method.mixing.classesFrom",
  "method.featureDistance.weight": "method.featureDistance.lossWeight",
  "method.featureDistance.minimumShare": "method.featureDistance.scaleMinRatio",
  "method.criterion.minimumKept": "method.criterion.minKept",
  "method.entropyFilter.percent": "method.entropyFilter.keepPercent",
  "method.entropyFilter.annealed": "method.entropyFilter.anneal",
  "method.entropyFilter.teacher": "method.entropyFilter.teacherMode",
  "method.contrast.weight": "method.contrastive.lossWeight",
  "method.contrast.queries": "method.contrastive.numQueries",
  "method.contrast.negatives": "method.contrastive.numNegatives",
  "method.contrast.minimumProbability": "method.contrastive.currentClassThreshold",
  "method.contrast.percent": "method.contrastive.lowEntropyThreshold",
  "method.contrast.prototypeMomentum": "method.contrastive.prototypeDecay",
  "method.contrast.bank.entriesPerClass": "method.contrastive.memoryBank.queueSize",
  "method.contrast.bank.newPerIteration": "method.contrastive.memoryBank.maxEnqueued",
  "method.contrast.bank": "method.contrastive.memoryBank",
  "method.contrast": "method.contrastive",
  "method.weight": "method.unsupervisedWeight",
  "method.threshold": "method.confidenceThreshold",
  "method.views.jitterStrength": "method.strongAugmentation.colorJitterStrength",
  "method.views.jitterProbability": "method.strongAugmentation.colorJitterProbability",
  "method.views": "method.strongAugmentation",
  "method.featureWeight": "method.featurePerturbationWeight",
  // "future-self-training" had the keys of the look-ahead at the top.
  "method.depth": "method.lookAhead.depth",
  "method.width": "method.lookAhead.width",
  "method.optimizerState": "method.lookAhead.optimizerState",
  "method.buffers": "method.lookAhead.buffers",
  "method.teacherClock": "method.lookAhead.emaStep",
  "method.presentStudent": "method.lookAhead.emaTiming",
  "method.firstIteration": "method.lookAhead.firstIteration",
  "method.reuse": "method.lookAhead.reuse",
  "method.shareDropout": "method.lookAhead.shareDropout",

  "evaluation.every": "evaluation.interval",
  "evaluation.images": "evaluation.maxImages",
  "evaluation.window": "evaluation.windowSize",
  "evaluation.centre": "evaluation.centerCrop",

  "logging.every": "logging.interval",
  "logging.pictures": "logging.imageInterval",
  "logging.checkpoint": "logging.checkpointInterval",
};

/** Old values of a key, by its present path. */
const RENAMED_VALUES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "data.padding.position": { centre: "center" },
  "method.name": { "future-self-training": "self-training" },
};

/** The look-ahead of a method whose old name implied one. */
const IMPLIED_LOOK_AHEAD: Mapping = Object.freeze({});

/** A configuration under its present keys. */
export interface Renamed {
  /** Parsed YAML as the schema expects it. */
  readonly root: unknown;
  /** `"old" is now "new"`, one for each key or value that had an old name. */
  readonly notes: readonly string[];
}

/** The longest part of a path that has another name now, and how many keys that is. */
function renamedPart(path: readonly string[]): { old: string; length: number } | null {
  for (let length = path.length; length > 0; length--) {
    const old = path.slice(0, length).join(".");
    if (Object.hasOwn(RENAMED_KEYS, old)) return { old, length };
  }
  return null;
}

/** The present path of a key, e.g. of an override. */
export function renamePath(path: readonly string[]): readonly string[] {
  const part = renamedPart(path);
  if (part === null) return path;
  const now = RENAMED_KEYS[part.old]?.split(".") ?? [];
  return [...now, ...path.slice(part.length)];
}

/**
 * Gives keys and values of earlier versions their present names.
 *
 * @param root Parsed YAML; left untouched.
 * @param fileName For messages.
 * @throws {SyntaxError} If a key is given under both names.
 */
export function renameOldKeys(root: unknown, fileName: string): Renamed {
  if (!isMapping(root)) return { root, notes: [] };
  const notes: string[] = [];
  const renamed: Record<string, unknown> = {};
  const given = new Map<string, string>(); // present path → the name it was given by
  const assertOneName = (old: string, now: string) => {
    const other = given.get(now) ?? old;
    given.set(now, old);
    if (other === old) return;
    const [dropped, kept] = old === now ? [other, old] : [old, other];
    throw new SyntaxError(
      `Cannot use "${fileName}": "${dropped}" and "${kept}" are one key: leave out ` +
        `"${dropped}"`,
    );
  };
  const all = Object.entries(root).flatMap(([key, value]) => leaves(value, [key]));
  for (const [path, value] of all) {
    const now = renamePath(path);
    path.forEach((_, i) => {
      const group = path.slice(0, i + 1);
      assertOneName(group.join("."), renamePath(group).join("."));
    });
    const old = renamedPart(path)?.old;
    if (old !== undefined) notes.push(`"${old}" is now "${RENAMED_KEYS[old]}"`);
    const key = now.join(".");
    const present = typeof value === "string"
      ? ownValue(ownValue(RENAMED_VALUES, key) ?? {}, value)
      : undefined;
    if (present !== undefined) notes.push(`"${key}: ${value}" is now "${present}"`);
    setAt(renamed, now, present ?? value);
  }
  // The old name always looked ahead; plain self-training needs the block.
  const [before, method] = [valueAt(root, ["method", "name"]), renamed["method"]];
  if (before === "future-self-training" && isMapping(method)) {
    renamed["method"] = {
      ...method,
      lookAhead: method["lookAhead"] ?? IMPLIED_LOOK_AHEAD,
    };
  }
  return { root: renamed, notes: [...new Set(notes)] };
}

/** Takes the implied look-ahead away from a method that an override has renamed. */
export function withoutImpliedLookAhead(root: unknown): unknown {
  if (valueAt(root, ["method", "lookAhead"]) !== IMPLIED_LOOK_AHEAD) return root;
  const { lookAhead: _implied, ...method } = valueAt(root, ["method"]) as Mapping;
  return { ...root as Mapping, method };
}

function ownValue<T>(table: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}

function isMapping(value: unknown): value is Mapping {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Everything that is no mapping, or an empty one, with its path. */
function leaves(
  node: unknown,
  path: readonly string[],
): (readonly [readonly string[], unknown])[] {
  if (!isMapping(node) || Object.keys(node).length === 0) return [[path, node]];
  return Object.entries(node).flatMap(([key, value]) => leaves(value, [...path, key]));
}

/** What a path leads to; undefined if nowhere. */
export function valueAt(root: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (node, key) => isMapping(node) && Object.hasOwn(node, key) ? node[key] : undefined,
    root,
  );
}

// A group that is already there, with keys that had their place elsewhere, stays.
function setAt(root: Record<string, unknown>, path: readonly string[], value: unknown) {
  const [key = "", ...rest] = path;
  const there = ownValue(root, key);
  if (rest.length === 0) {
    root[key] = isMapping(there) ? there : value;
    return;
  }
  const group = isMapping(there) ? there as Record<string, unknown> : {};
  root[key] = group;
  setAt(group, rest, value);
}

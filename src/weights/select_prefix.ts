/** Selects one of the networks in a file by the prefix of its names. @module */

import { CHECKPOINT_PREFIXES } from "./checkpoint.ts";
import { quoted } from "./names/naming_scheme.ts";

/** What PyTorch puts into names, anywhere: `torch.compile`, FSDP, checkpointing. */
const INNER_WRAPPERS =
  /(?<=^|\.)(?:_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module|_forward_module)\./g;

/** Wrappers of a whole network: DDP, UDA wrappers, Lightning and EMA. */
const WRAPPER_PREFIXES = ["module.", "model.", "net.", "network."] as const;

/**
 * The student of a UDA wrapper, of Lightning, or of an EMA wrapper; in checkpoints of fst
 * it has no prefix. Networks of other names may be called the latter ones, too.
 */
const STUDENT_PREFIX = "model.";
const STUDENT_PREFIXES = [
  STUDENT_PREFIX,
  "online_model.",
  "student.",
  "student_model.",
  "model_student.",
  "net.",
  "network.",
] as const;

/**
 * What a file may have in addition to the student: its teacher, the frozen ImageNet
 * encoder, the copies of FST's look-ahead, and the moments of an optimizer.
 */
const AUXILIARY_PREFIXES: readonly string[] = [
  ...Object.values(CHECKPOINT_PREFIXES),
  "pre_model.",
  "tmp_model.",
  "teacher.",
  "teacher_model.",
  "model_teacher.",
  "ema.",
  "model_ema.",
  "ema_net.",
  "net_ema.",
  "network_ema.",
  "network_feature_extractor.",
];

/** Counters that wrappers keep beside a network: `AveragedModel`, mmengine, ema_pytorch. */
const WRAPPER_COUNTERS: readonly string[] = [
  "n_averaged",
  "steps",
  "step",
  "initted",
  "num_updates",
  "decay",
];

/** Parts of a training program that are no network, by the beginnings of their names. */
const NO_NETWORK = /^(?:[a-z]+_)*(?:criterion|loss|loss_fn|metrics?|iou|acc|accuracy)\./;

/** A network in a file. */
export interface PrefixSelection {
  /** The prefix of its names, wrappers of the whole network included. */
  readonly prefix: string;
  /** What PyTorch has put into the names, which was removed, as `"_orig_mod."`. */
  readonly innerWrappers: readonly string[];
  /** Its names, without the prefix, and those of the file. */
  readonly names: ReadonlyMap<string, string>;
  /** Prefixes of the file's other networks. */
  readonly otherPrefixes: readonly string[];
  /** Names in the file of what is in no network. */
  readonly leftOut: readonly string[];
}

/** Whether a name is a counter of the wrapper that `prefix` names. */
const isCounter = (name: string, prefix: string): boolean =>
  name.startsWith(prefix) && WRAPPER_COUNTERS.includes(name.slice(prefix.length));

/**
 * The chain of wrappers that all names have after `start`, as `"module.model.module."`,
 * or "".
 */
function commonWrapper(names: readonly string[], start: string): string {
  let inside = names.filter((name) => name.startsWith(start));
  let common = start;
  for (;;) {
    const wrapped = inside.filter((name) => !isCounter(name, common));
    const next = WRAPPER_PREFIXES.find((prefix) =>
      wrapped.length > 0 &&
      wrapped.every((name) =>
        name.startsWith(common + prefix) && name.length > common.length + prefix.length
      )
    );
    if (next === undefined) return common.slice(start.length);
    inside = wrapped;
    common += next;
  }
}

/** The names that mmcv's EMAHook gives to moving averages of weights, as `"ema_a_b"`. */
const averagesOf = (names: readonly string[], wrapper: string): ReadonlySet<string> =>
  new Set(
    names.map((name) =>
      `${wrapper}ema_${name.slice(wrapper.length).replaceAll(".", "_")}`
    ),
  );

const quoteAll = (prefixes: readonly string[]) => prefixes.map(quoted).join(", ");

/** The names without what PyTorch puts into them, and the names in the file. */
function unwrapped(names: readonly string[], file: string): Map<string, string> {
  const result = new Map<string, string>();
  for (const name of names) {
    const clean = name.replace(INNER_WRAPPERS, "");
    const other = result.get(clean);
    if (other !== undefined) {
      throw new RangeError(
        `Cannot choose from "${file}": ${quoted(other)} and ${quoted(name)} are the ` +
          "same weight, compiled and not",
      );
    }
    result.set(clean, name);
  }
  return result;
}

/**
 * Selects a network: the student, or the one with a prefix.
 *
 * @param fileNames Names as in the file; what `torch.compile` and FSDP put into them is
 * removed.
 * @param requested The prefix, as `"ema_model."` for the teacher.
 * @param file For messages.
 * @throws {RangeError} If no name has the prefix, or the file has more than one network
 * and none of them is the student.
 */
export function selectPrefix(
  fileNames: readonly string[],
  requested: string | undefined,
  file: string,
): PrefixSelection {
  const inFile = unwrapped(fileNames, file);
  const names = [...inFile.keys()];
  const innerWrappers = [
    ...new Set(fileNames.flatMap((name) => name.match(INNER_WRAPPERS) ?? [])),
  ];
  const wrapper = commonWrapper(names, "");
  const hasPrefix = (prefix: string) => names.some((name) => name.startsWith(prefix));
  const [students, others] = [STUDENT_PREFIXES, AUXILIARY_PREFIXES].map((prefixes) =>
    prefixes.filter((prefix) => hasPrefix(wrapper + prefix))
  ) as [string[], string[]];

  const startsWithAny = (name: string, prefixes: readonly string[]) =>
    prefixes.some((prefix) => name.startsWith(wrapper + prefix));
  const averages = averagesOf(names, wrapper);
  const isNoNetwork = (name: string) =>
    NO_NETWORK.test(name.slice(wrapper.length)) || averages.has(name);
  const [firstStudent] = students;
  // A network's own part may be called so; then there are weights beside it.
  const hasStudent = firstStudent === STUDENT_PREFIX ||
    firstStudent !== undefined &&
      names.every((name) =>
        startsWithAny(name, [firstStudent, ...others]) || isNoNetwork(name) ||
        isCounter(name, wrapper)
      );
  const presentPrefixes = hasStudent ? [...students, ...others] : others;

  const selection = (prefix: string, selected: readonly string[]): PrefixSelection => {
    const own = new Set(
      selected.filter((name) => prefix === "" || !isCounter(name, prefix)),
    );
    const otherPrefixes = presentPrefixes.filter((other) =>
      !prefix.startsWith(wrapper + other)
    );
    return {
      prefix,
      innerWrappers,
      names: new Map(
        [...own].map((name) => [name.slice(prefix.length), inFile.get(name) ?? name]),
      ),
      otherPrefixes,
      leftOut: names.filter((name) =>
        !own.has(name) && !startsWithAny(name, otherPrefixes)
      ).map((name) => inFile.get(name) ?? name),
    };
  };
  const select = (start: string): PrefixSelection => {
    const prefix = start + commonWrapper(names, start);
    return selection(prefix, names.filter((name) => name.startsWith(prefix)));
  };

  if (requested !== undefined) {
    const clean = requested.replace(INNER_WRAPPERS, "");
    const start = [clean, wrapper + clean].find(hasPrefix);
    if (start !== undefined) return select(start);
    const known = presentPrefixes.length > 0 ? presentPrefixes : [wrapper];
    throw new RangeError(
      `Cannot take the weights with the prefix "${requested}" from "${file}": no name ` +
        `begins with it; there are ${quoteAll(known)}, and the first name is ` +
        quoted(fileNames[0] ?? "none"),
    );
  }
  if (hasStudent) return select(wrapper + firstStudent);
  const isAuxiliary = (name: string) =>
    isNoNetwork(name) || others.length > 0 && isCounter(name, wrapper) ||
    startsWithAny(name, others);
  const student = names.filter((name) => name.startsWith(wrapper) && !isAuxiliary(name));
  if (student.length > 0) return selection(wrapper, student);
  // A file with nothing but a teacher or pretrained weights needs no choice.
  const [only = "", ...more] = presentPrefixes;
  if (more.length === 0) return select(wrapper + only);
  throw new RangeError(
    `Cannot choose from "${file}": it has several networks and none is the student; ` +
      `choose one by its prefix: ${quoteAll(presentPrefixes)}`,
  );
}

/** Naming schemes: tables of rules that convert a file's tensors to fst's. @module */

import type { HostTensor } from "../../core/host_tensor.ts";
import { printable } from "../pickle_values.ts";
import { anyNameMatches, type Captures, fillPattern, matchPattern } from "./pattern.ts";

/** Converts tensors of a file to tensors of fst; patterns as in `pattern.ts`. */
export interface ConvertRule {
  readonly kind: "convert";
  /** Patterns of names in the file, all with the same variables. */
  readonly from: readonly string[];
  /** Patterns of fst's names. */
  readonly to: readonly string[];
  /** Computes the values of `to` from those of `from`. */
  readonly convert: (values: readonly HostTensor[]) => readonly HostTensor[];
}

/** What to do with the tensors whose names match a pattern. */
export type Rule =
  | ConvertRule
  /** Repeats a tensor for every name of the file that matches `each`. */
  | {
    readonly kind: "broadcast";
    readonly from: string;
    readonly to: string;
    readonly each: string;
  }
  /** A weight that fst does not need, which is reported; not in files with `unless`. */
  | { readonly kind: "drop"; readonly from: string; readonly unless?: string }
  /** A derived buffer, which is not reported. */
  | { readonly kind: "ignore"; readonly from: string }
  /** A tensor that no network of fst has. */
  | { readonly kind: "unsupported"; readonly from: string; readonly reason: string };

const convertRule = (
  from: readonly string[],
  to: readonly string[],
  convert: ConvertRule["convert"],
): Rule => ({ kind: "convert", from, to, convert });

/** Renames a tensor. */
export const renameRule = (from: string, to: string): Rule =>
  convertRule([from], [to], (values) => values);

/** Keeps a tensor whose name is fst's already. */
export const keepRule = (name: string): Rule => renameRule(name, name);

/** The rules for the heads of mmsegmentation, whose names are fst's. */
export const HEAD_RULES: readonly Rule[] = [
  "decode_head.*",
  "auxiliary_head.*",
  "neck.*",
].map(keepRule);

/** Renames a tensor and changes its value. */
export const transformRule = (
  from: string,
  to: string,
  transform: (value: HostTensor) => HostTensor,
): Rule => convertRule([from], [to], (values) => values.map(transform));

/** Concatenates tensors. */
export const concatRule = (
  from: readonly string[],
  to: string,
  concat: (values: readonly HostTensor[]) => HostTensor,
): Rule => convertRule(from, [to], (values) => [concat(values)]);

/** Splits a tensor. */
export const splitRule = (
  from: string,
  to: readonly string[],
  split: (value: HostTensor) => readonly HostTensor[],
): Rule => convertRule([from], to, (values) => values.flatMap(split));

/** Repeats a tensor for every name of the file that matches `each`. */
export const broadcastRule = (from: string, to: string, each: string): Rule => ({
  kind: "broadcast",
  from,
  to,
  each,
});

/** Drops and reports a weight, but not from files with a name that matches `unless`. */
export const dropRule = (from: string, unless?: string): Rule => ({
  kind: "drop",
  from,
  ...unless !== undefined && { unless },
});

/** Drops a derived buffer. */
export const ignoreRule = (from: string): Rule => ({ kind: "ignore", from });

/**
 * Refuses a file with a tensor that no network of fst has.
 *
 * @param reason Completes the sentence "Cannot use the weights of …, which have the names
 * of …: ".
 */
export const unsupportedRule = (from: string, reason: string): Rule => ({
  kind: "unsupported",
  from,
  reason,
});

/** Names and shapes of a file's tensors. */
export type TensorShapes = ReadonlyMap<string, { readonly shape: readonly number[] }>;

/** The name and the description of a naming scheme. */
export interface NamingSchemeSummary {
  /** As in `--names`. */
  readonly name: string;
  /** Which code has these names, in one line. */
  readonly description: string;
}

/** The names that a code base gives to weights, and how they become fst's. */
export interface NamingScheme extends NamingSchemeSummary {
  /** Whether a file has these names, provided that no earlier scheme matches. */
  readonly matches: (tensors: TensorShapes) => boolean;
  /** The first rule that matches a name applies. A file with any other name is refused. */
  readonly rules: readonly Rule[];
  /**
   * Parameters of fst that such files may lack altogether, if another name is present;
   * both are patterns.
   */
  readonly allowMissing: readonly {
    readonly parameters: string;
    readonly where: string;
  }[];
}

/** The result of applying rules to a file's tensors. */
export interface AppliedRules {
  /** Under fst's names; names without a rule are unchanged. */
  readonly tensors: Map<string, HostTensor>;
  /** Names in the file of weights that fst does not need. */
  readonly dropped: readonly string[];
  /** Names in the file without a rule. */
  readonly unknown: readonly string[];
}

/** A name from a file for a message. */
export const quoted = (name: string): string => `"${printable(name, 160)}"`;

function matchRule(rules: readonly Rule[], name: string) {
  for (const rule of rules) {
    for (const pattern of rule.kind === "convert" ? rule.from : [rule.from]) {
      const captures = matchPattern(pattern, name);
      if (captures !== null) return { rule, captures };
    }
  }
  return null;
}

/**
 * Applies the rules of a scheme to a file's tensors. Tensors that are only renamed are not
 * copied.
 *
 * @param file For messages.
 * @throws {RangeError} If it has a tensor that no network of fst has.
 * @throws {SyntaxError} If tensors that belong together are incomplete, a tensor has the
 * wrong shape, or two tensors get one name.
 */
export function applyRules(
  tensors: ReadonlyMap<string, HostTensor>,
  { rules: allRules, name: schemeName }: Pick<NamingScheme, "rules" | "name">,
  file: string,
): AppliedRules {
  const rules = allRules.filter((rule) =>
    rule.kind !== "drop" || rule.unless === undefined ||
    !anyNameMatches(tensors, rule.unless)
  );
  const result = new Map<string, HostTensor>();
  const dropped: string[] = [];
  const unknown: string[] = [];
  const consumed = new Set<string>();
  const reject = (reason: string): never => {
    throw new SyntaxError(`Cannot translate the names of "${file}": ${reason}`);
  };

  function setTensor(name: string, value: HostTensor, source: string): void {
    if (result.has(name)) {
      reject(`${quoted(source)} and another tensor both become ${quoted(name)}`);
    }
    result.set(name, value);
  }

  function convert(rule: ConvertRule, captures: Captures, name: string): void {
    const values = rule.from.map((pattern) => {
      const source = fillPattern(pattern, captures);
      consumed.add(source);
      return tensors.get(source) ??
        reject(`${quoted(name)} belongs with ${quoted(source)}, which is missing`);
    });
    let converted: readonly HostTensor[] = [];
    try {
      converted = rule.convert(values);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      reject(`${quoted(name)} does not have the shape it should: ${error.message}`);
    }
    for (const [i, value] of converted.entries()) {
      const target = rule.to[i];
      if (target !== undefined) setTensor(fillPattern(target, captures), value, name);
    }
  }

  for (const [name, value] of tensors) {
    if (consumed.has(name)) continue;
    const { rule, captures } = matchRule(rules, name) ?? {};
    if (rule === undefined || captures === undefined) {
      unknown.push(name);
      setTensor(name, value, name);
    } else if (rule.kind === "convert") convert(rule, captures, name);
    else if (rule.kind === "drop") dropped.push(name);
    else if (rule.kind === "broadcast") {
      for (const other of tensors.keys()) {
        const otherCaptures = matchPattern(rule.each, other);
        if (otherCaptures !== null) {
          setTensor(fillPattern(rule.to, otherCaptures), value, name);
        }
      }
    } else if (rule.kind === "unsupported") {
      throw new RangeError(
        `Cannot use the weights of "${file}", which have the names of ${schemeName}: ` +
          rule.reason,
      );
    }
  }
  return { tensors: result, dropped, unknown };
}

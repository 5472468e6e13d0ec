/** A file's tensors → ours, by the table of a naming scheme. @module */

import type { HostTensor } from "../../core/host_tensor.ts";
import { type Captures, fillPattern, matchPattern } from "./pattern.ts";
import type { MakeRule, Rule } from "./rule.ts";

/** What became of a file's tensors. */
export interface Renamed {
  /** Under our names; those that the table does not know keep theirs. */
  readonly tensors: Map<string, HostTensor>;
  /** Names in the file of weights without use here. */
  readonly leftOut: readonly string[];
}

interface Fit {
  readonly rule: Rule;
  readonly captures: Captures;
}

function fitOf(rules: readonly Rule[], name: string): Fit | null {
  for (const rule of rules) {
    for (const pattern of rule.kind === "make" ? rule.from : [rule.from]) {
      const captures = matchPattern(pattern, name);
      if (captures !== null) return { rule, captures };
    }
  }
  return null;
}

/**
 * Applies a table. Tensors that only change their names are not copied.
 *
 * @param file For messages.
 * @throws {RangeError} If it has a tensor that no network here has.
 * @throws {SyntaxError} If a tensor lacks the ones it belongs with, cannot be changed, or
 * two become one.
 */
export function applyRules(
  tensors: ReadonlyMap<string, HostTensor>,
  rules: readonly Rule[],
  file: string,
): Renamed {
  const result = new Map<string, HostTensor>();
  const leftOut: string[] = [];
  const used = new Set<string>();
  const damaged = (reason: string): never => {
    throw new SyntaxError(`Cannot translate the names of "${file}": ${reason}`);
  };

  function put(name: string, value: HostTensor, source: string): void {
    if (result.has(name)) {
      damaged(`"${source}" and another tensor both become "${name}"`);
    }
    result.set(name, value);
  }

  function make(rule: MakeRule, captures: Captures, name: string): void {
    const values = rule.from.map((pattern) => {
      const source = fillPattern(pattern, captures);
      used.add(source);
      return tensors.get(source) ??
        damaged(`"${name}" belongs with "${source}", which is missing`);
    });
    let made: readonly HostTensor[] = [];
    try {
      made = rule.make(values);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      damaged(`"${name}" does not have the shape it should: ${error.message}`);
    }
    for (const [i, value] of made.entries()) {
      const target = rule.to[i];
      if (target !== undefined) put(fillPattern(target, captures), value, name);
    }
  }

  for (const [name, value] of tensors) {
    if (used.has(name)) continue;
    const { rule, captures } = fitOf(rules, name) ?? {};
    if (rule === undefined || captures === undefined) put(name, value, name);
    else if (rule.kind === "make") make(rule, captures, name);
    else if (rule.kind === "leave out") leftOut.push(name);
    else if (rule.kind === "share") {
      for (const other of tensors.keys()) {
        const each = matchPattern(rule.each, other);
        if (each !== null) put(fillPattern(rule.to, each), value, name);
      }
    } else if (rule.kind === "refuse") {
      throw new RangeError(`Cannot use the weights of "${file}": ${rule.because}`);
    }
  }
  return { tensors: result, leftOut };
}

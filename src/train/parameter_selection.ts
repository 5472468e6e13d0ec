/** Choosing parameters of a network: parts by their names, parameters by patterns. @module */
import { didYouMean } from "../config/did_you_mean.ts";
import type { RunConfig } from "../config/schema.ts";
import type { Network, Parameter } from "../core/network.ts";
import { withFrozenParameters } from "../models/frozen_parameters.ts";
import { nameMatcher } from "../weights/match_weights.ts";

type Selecting = Pick<RunConfig["optimizer"], "freeze" | "lrMultipliers">;

/** The parts of a network that have a name of their own. */
const PARTS: Readonly<Record<string, (network: Network) => readonly Parameter[]>> = {
  encoder: ({ encoder }) => encoder.parameters,
  decoder: ({ decoder }) => decoder.parameters,
  auxiliaryHead: ({ auxiliaryHeads }) =>
    auxiliaryHeads.flatMap(({ decoder }) => decoder.parameters),
};

/**
 * A network with the parameters of "optimizer.freeze" frozen.
 *
 * @throws {RangeError} If a pattern fits no parameter, or nothing is left to learn.
 */
export function withFrozenParts(network: Network, { freeze }: Selecting): Network {
  const names = namesOf(network, freeze, "freeze");
  const trained = network.parameters.filter(({ trainable }) => trainable);
  if (trained.every(({ name }) => names.has(name))) {
    throw new RangeError(
      `Cannot train: "optimizer.freeze", ${
        JSON.stringify(freeze)
      }, leaves no parameter ` +
        "that could learn; take something off it",
    );
  }
  return withFrozenParameters(network, names);
}

/**
 * The factors of "optimizer.lrMultipliers" by parameter. Of several patterns that fit, the
 * longest counts, then the first; the name of a part comes after all patterns.
 *
 * @throws {RangeError} If a pattern fits no parameter.
 */
export function lrMultipliersOf(
  network: Network,
  { lrMultipliers }: Selecting,
): ReadonlyMap<string, number> {
  const rank = (pattern: string) => Object.hasOwn(PARTS, pattern) ? 0 : pattern.length;
  const factors = new Map<string, number>();
  // What counts most is set last.
  const entries = Object.entries(lrMultipliers).toReversed()
    .sort(([a], [b]) => rank(a) - rank(b));
  for (const [pattern, factor] of entries) {
    for (const name of selectParameters(network, pattern, "lrMultipliers")) {
      factors.set(name, factor);
    }
  }
  return factors;
}

/**
 * What is frozen, what learns at a rate of its own, and which factors change nothing; a
 * line each.
 *
 * @param network As it is before anything is frozen.
 * @throws {RangeError} If a pattern fits no parameter.
 */
export function describeSelection(network: Network, optimizer: Selecting): string[] {
  const trained = network.parameters.filter(({ trainable }) => trainable);
  const names = namesOf(network, optimizer.freeze, "freeze");
  const frozen = trained.filter(({ name }) => names.has(name));
  const size = (all: readonly Parameter[]) =>
    all.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
  const rates = [...lrMultipliersOf(network, optimizer)]
    .filter(([name]) => !names.has(name));
  const groups = Map.groupBy(rates, ([, factor]) => factor);
  const rest = trained.length - frozen.length - rates.length;
  const counts = [...groups].map(([factor, { length }]) => `${length} × ${factor}`);
  const idle = Object.keys(optimizer.lrMultipliers).filter((pattern) =>
    selectParameters(network, pattern, "lrMultipliers").every((name) => names.has(name))
  );
  return [
    ...frozen.length === 0 ? [] : [
      `frozen     ${frozen.length} of ${trained.length} parameters, with ` +
      `${size(frozen)} of ${size(trained)} values`,
    ],
    ...counts.length === 0
      ? []
      : [`rates      ${counts.join(", ")} and ${rest} × 1: parameters and their factors`],
    ...idle.map((pattern) =>
      `"${pattern}" in "optimizer.lrMultipliers" changes nothing: all that it fits is ` +
      'frozen; take it out, or off "optimizer.freeze"'
    ),
  ];
}

const namesOf = (network: Network, patterns: readonly string[], key: keyof Selecting) =>
  new Set(patterns.flatMap((pattern) => selectParameters(network, pattern, key)));

/** The names of the parameters that a pattern, or a part's name, stands for. */
function selectParameters(
  network: Network,
  pattern: string,
  key: keyof Selecting,
): string[] {
  const part = Object.hasOwn(PARTS, pattern) ? PARTS[pattern]?.(network) : undefined;
  const isWanted = part === undefined
    ? nameMatcher([pattern])
    : (name: string) => part.some((one) => one.name === name);
  const selectable = network.parameters.filter(({ trainable, isFrozen }) =>
    trainable || isFrozen
  ).map(({ name }) => name);
  const selected = selectable.filter(isWanted);
  if (selected.length > 0) return selected;
  throw new RangeError(
    `Cannot use "optimizer.${key}": "${pattern}" fits no parameter of this network` +
      (part === undefined ? nearNames(pattern, selectable) : ", which has no such part"),
  );
}

// A name, a pattern for all that begin with the same words, or what there is at all.
function nearNames(pattern: string, names: readonly string[]): string {
  const beginnings = new Set(names.flatMap((name) => {
    const words = name.split(".");
    return words.slice(1).map((_, i) => `${words.slice(0, i + 1).join(".")}.*`);
  }));
  const near = didYouMean(pattern, [...Object.keys(PARTS), ...beginnings, ...names]);
  if (near !== "") return near;
  const first = new Set(names.map((name) => `"${name.split(".")[0]}.*"`));
  return `: there are "encoder", "decoder", ${[...first].join(", ")}`;
}

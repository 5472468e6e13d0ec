/** Whether ranks that train together do the same. Each check fails alike on all of them. @module */
import { lookAheadOf } from "../config/method.ts";
import type { RunConfig } from "../config/schema.ts";
import type { BackendInfo } from "../core/device.ts";
import { futureGroups } from "../core/ranks.ts";
import { versions } from "../core/versions.ts";
import { weightsToHost } from "../core/weights.ts";
import { checkRanks, gatherFacts } from "../distributed/check_ranks.ts";
import { openedRanks } from "../distributed/open_ranks.ts";
import { assertSameReplicas } from "../distributed/replicas.ts";
import type { DataIdentities } from "./run_data.ts";
import type { TrainingSession } from "./training_session.ts";

/**
 * Compares what ranks compute with, their configurations and their options.
 *
 * @param options Those that all ranks must have alike.
 * @throws {Error} If one differs, two ranks have one GPU unasked, or the method cannot be
 * divided among ranks.
 */
export function checkStart(
  config: RunConfig,
  backend: BackendInfo,
  options: Readonly<Record<string, unknown>> = {},
): void {
  const ranks = openedRanks();
  if (ranks === null) return;
  const { device } = ranks;
  const own = { host: Deno.hostname(), pid: Deno.pid, backend, device };
  const facts = gatherFacts(ranks, { ...own, versions: versions(), config, options });
  checkRanks(facts);
  const { method } = config;
  if (ranks.size > 1 && method.name === "mean-teacher" && method.contrastive !== null) {
    throw new RangeError(
      `Cannot train on ${ranks.size} ranks with "method.contrastive": its memory bank is ` +
        "of the pixels of whole batches; set it to null, or train on one rank",
    );
  }
}

/** Threads of a rank: where nobody says how many, those of a host share its cores. */
export function threadsOfRank(threads: number | "auto"): number | "auto" {
  const ranks = openedRanks();
  if (ranks === null || ranks.localSize === 1 || threads !== "auto") return threads;
  return Math.max(1, Math.floor(navigator.hardwareConcurrency / ranks.localSize));
}

/** How many ranks there are, and where: a line for the log; null: there are none. */
export function ranksLine(batchSize: number): string | null {
  const ranks = openedRanks();
  if (ranks === null) return null;
  const hosts = new Set(ranks.gatherTexts(Deno.hostname())).size;
  const images = batchSize / ranks.size;
  return `ranks      ${ranks.size} on ${hosts === 1 ? "1 host" : `${hosts} hosts`} ` +
    `(${ranks.library}), ${images} of the ${batchSize} images of a batch each`;
}

/**
 * What to know about futures that groups of ranks compute, a line for the log; null: nothing.
 *
 * @param network Its running statistics are parameters that neither learn nor are frozen.
 */
export function futureGroupsNote(
  { parameters }: Pick<TrainingSession["network"], "parameters">,
): string | null {
  const hasStatistics = parameters.some(({ trainable, isFrozen = false }) =>
    !trainable && !isFrozen
  );
  if (futureGroups() === null || !hasStatistics) return null;
  return "each future on ranks begins with the same running statistics of batch norm, and " +
    "their means are kept: a teacher that predicts with them differs from that of " +
    '"--futures together"';
}

/** Compares the data of the hosts. @throws {Error} If a part of it differs. */
export function checkData(data: DataIdentities): void {
  const ranks = openedRanks();
  if (ranks === null) return;
  const own = { host: Deno.hostname(), data };
  const [first, ...others] = ranks.gatherTexts(JSON.stringify(own)).map((text) =>
    JSON.parse(text) as typeof own
  );
  for (const [i, { host, data }] of others.entries()) {
    for (const [part, identity] of Object.entries(first?.data ?? {})) {
      if (JSON.stringify(data[part]) === JSON.stringify(identity)) continue;
      throw new Error(
        `Cannot train on ${ranks.size} ranks: "data.${part}" on rank ${i + 1} (host ` +
          `"${host}") is not that on rank 0 (host "${first?.host}"): give all hosts the ` +
          "same files",
      );
    }
  }
}

/** Compares the weights of the ranks. @throws {Error} If a bit of them differs. */
export async function checkReplicas(
  { network: { parameters }, learner: { student, teacher } }: Pick<
    TrainingSession,
    "network" | "learner"
  >,
): Promise<void> {
  const ranks = openedRanks();
  if (ranks === null) return;
  for (const [role, weights] of Object.entries({ student, teacher })) {
    if (weights === null) continue;
    const tensors = [...(await weightsToHost(parameters, weights)).values()];
    const bytes = tensors.map(({ bytes }) => bytes);
    await assertSameReplicas(ranks, `${role}'s weights`, bytes);
  }
}

/**
 * How many futures groups of ranks can compute one each of.
 *
 * @throws {RangeError} If a run has none, or one would depend on another.
 */
export function dividedFutures({ method }: RunConfig): number {
  const lookAhead = lookAheadOf(method);
  if (lookAhead === null || lookAhead.width < 2) {
    throw new RangeError(
      'Cannot divide futures among ranks: the run averages none; set "method.lookAhead.width" ' +
        'to 2 or more, or leave out "--futures ranks"',
    );
  }
  for (const key of ["optimizerState", "buffers"] as const) {
    if (lookAhead[key] === "restore") continue;
    throw new RangeError(
      `Cannot divide futures among ranks: "method.lookAhead.${key}" is "${
        lookAhead[key]
      }", ` +
        'so that each future begins with what the one before it left; set it to "restore", or ' +
        'leave out "--futures ranks"',
    );
  }
  return lookAhead.width;
}

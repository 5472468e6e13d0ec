/** What the messages of an iteration cost between machines, by arithmetic. @module */
import type { RunConfig } from "../../src/config/schema.ts";
import { type Communicator, useCommunicator } from "../../src/core/ranks.ts";
import * as tf from "../../src/core/tf.ts";
import { buildNetwork } from "../../src/evaluate/build_network.ts";
import { classesOf } from "../../src/prepare/data_specs.ts";
import { dryIteration } from "../../src/train/dry_iteration.ts";
import { trainedNetwork, usesFeatureDistance } from "../../src/train/training_session.ts";
import type { Message } from "./exchange_meter.ts";

/** A network between machines. */
export interface Link {
  readonly gigabitsPerSecond: number;
  /** The share of it that data gets. */
  readonly efficiency: number;
  /** Seconds until a message begins to arrive. */
  readonly latency: number;
}

/** Links that are predicted for; the latency is that of TCP over Ethernet. */
export const LINKS: readonly Link[] = [10, 25, 100].map((gigabitsPerSecond) => ({
  gigabitsPerSecond,
  efficiency: 0.8,
  latency: 50e-6,
}));

/** Numbers of ranks that are predicted for, each on a machine of its own. */
export const RANKS = [2, 4, 8, 16] as const;

/**
 * Seconds of a message: by a ring, which sends least, or by doubling, which waits least,
 * whichever is faster, as MPI chooses by the size.
 *
 * @param ranks N; a power of two.
 */
export function messageSeconds(
  { kind, bytes }: Message,
  ranks: number,
  { gigabitsPerSecond, efficiency, latency }: Link,
): number {
  const transfer = bytes / (efficiency * gigabitsPerSecond * 1e9 / 8);
  const rounds = Math.log2(ranks);
  switch (kind) {
    case "sum":
      return Math.min(
        2 * (ranks - 1) / ranks * transfer + 2 * (ranks - 1) * latency,
        rounds * (transfer + latency),
      );
    case "gather": // either way all parts arrive, of which this is one
      return (ranks - 1) * transfer + rounds * latency;
    case "broadcast":
      return rounds * (transfer + latency);
  }
}

/** Seconds of messages one after the other. */
export function communicationSeconds(
  messages: readonly Message[],
  ranks: number,
  link: Link,
): number {
  return messages.reduce(
    (sum, message) => sum + messageSeconds(message, ranks, link),
    0,
  );
}

/**
 * The messages of an iteration whose sizes follow from its shapes, in their order: found
 * without data, weights or computing. Left out are three of a few bytes: the label values of
 * the batch, its losses, and whether a rank is to stop.
 *
 * @param config Its batch is divided among two ranks.
 */
export async function predictMessages(config: RunConfig): Promise<Message[]> {
  const classes = classesOf(config.data);
  const network = buildNetwork(config.model, classes.length, config.data.channels);
  const trained = trainedNetwork(network, config);
  const messages: Message[] = [];
  const onKernel = ({ kernel, inputs }: tf.KernelCall) => {
    const kind = KINDS[kernel];
    if (kind === undefined) return;
    const sizes = Object.values(inputs).map(({ shape }) => tf.util.sizeFromShape(shape));
    messages.push({ kind, bytes: 4 * sizes.reduce((sum, size) => sum + size, 0) });
  };
  useCommunicator(TWO_RANKS);
  try {
    const hasFrozen = usesFeatureDistance(config);
    await dryIteration(config, classes, trained, hasFrozen, { onKernel });
  } finally {
    useCommunicator(null);
  }
  return messages;
}

// As `exchangeTensors` names them.
const KINDS: Readonly<Record<string, Message["kind"]>> = {
  "mean over ranks": "sum",
  "gather over ranks": "gather",
};

const refuse = () => {
  throw new Error("Cannot exchange anything in a dry run");
};

const TWO_RANKS: Communicator = {
  rank: 0,
  size: 2,
  sum: refuse,
  sumAsync: refuse,
  gather: refuse,
  gatherAsync: refuse,
  broadcast: refuse,
  split: refuse,
};

/** Which network a checkpoint holds. @module */
import { hasTeacher, primaryNetworkAt } from "../config/method.ts";
import type { RunConfig } from "../config/schema.ts";
import { valueAt } from "../config/renamed_keys.ts";
import { describeFormat, type PixelFormat } from "../core/host_batch.ts";
import type { HostTensor } from "../core/host_tensor.ts";
import type { Network } from "../core/network.ts";
import { type Checkpoint, splitSections } from "../weights/checkpoint.ts";
import { buildNetwork } from "./build_network.ts";
import type { NetworkFactory } from "./custom_network.ts";

/** A network of a checkpoint; nothing of it is on a device yet. */
export interface CheckpointNetwork {
  /** Whose weights these are. */
  readonly role: "student" | "teacher";
  /** Its parameters and functions. */
  readonly network: Network;
  /** Its weights, by the names of its parameters. */
  readonly section: ReadonlyMap<string, HostTensor>;
}

/**
 * Chooses the network of a checkpoint and builds it.
 *
 * @param config The checkpoint's configuration.
 * @param path For messages.
 * @param teacher Whether to take the teacher, or the student; by default the one that the
 * run is for.
 * @param makeNetwork What made the network, where it was not the configuration's `model`.
 * @throws {RangeError} If the network that is wanted is not there, or reads images of
 * another number of channels.
 */
export function checkpointNetwork(
  { tensors, metadata }: Checkpoint,
  config: RunConfig,
  path: string,
  {
    teacher = primaryNetworkAt(config.method, metadata.iteration) === "teacher",
    makeNetwork,
  }: {
    readonly teacher?: boolean | undefined;
    readonly makeNetwork?: NetworkFactory | undefined;
  } = {},
): CheckpointNetwork {
  if (teacher && !hasTeacher(config.method)) {
    throw new RangeError(
      `Cannot load a teacher from "${path}": the method "${config.method.name}" has none`,
    );
  }
  const role = teacher ? "teacher" : "student";
  const section = splitSections(tensors)[role];
  if (section.size === 0) {
    throw new RangeError(
      `Cannot load a ${role} from "${path}": the file has none; take the ` +
        `${teacher ? "student with --student" : "teacher with --teacher"}`,
    );
  }
  const { classes } = metadata;
  const { channels } = config.data;
  assertSameFormat(metadata, config.data, path);
  const network = makeNetwork?.(classes.length, channels) ??
    buildNetwork(config.model, classes.length, channels);
  return { role, network, section };
}

/** @throws {RangeError} If other images are to be read than those of the training. */
function assertSameFormat(
  { normalization: { mean }, config }: Checkpoint["metadata"],
  wanted: PixelFormat,
  path: string,
): void {
  const isOf16Bits = valueAt(config, ["data", "bitDepth"]) === 16; // earlier: always 8
  const trained: PixelFormat = { channels: mean.length, bitDepth: isOf16Bits ? 16 : 8 };
  for (const key of ["channels", "bitDepth"] as const) {
    if (wanted[key] === trained[key]) continue;
    throw new RangeError(
      `Cannot set "data.${key}" to ${wanted[key]} for "${path}": its network reads ` +
        describeFormat(trained),
    );
  }
}

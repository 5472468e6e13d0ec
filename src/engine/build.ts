/** From the names in a configuration to a network. @module */
import type { RunConfig } from "../config/schema.ts";
import type { Network } from "../core/network.ts";
import { network } from "../models/network.ts";
import { buildAuxiliary, buildDecoder } from "./build_decoder.ts";
import { buildEncoder } from "./build_encoder.ts";

/** Builds the network that a configuration describes. */
export function buildNetwork(
  { encoder: encoderConfig, decoder: decoderConfig, auxiliary }: Omit<
    RunConfig["model"],
    "pretrained" | "leaveOut" | "recompute"
  >,
  classes: number,
): Network {
  const encoder = buildEncoder(encoderConfig);
  const decoder = buildDecoder(decoderConfig, encoder, classes);
  const beside = auxiliary === null ? [] : [buildAuxiliary(auxiliary, encoder, classes)];
  return network(encoder, decoder, classes, beside);
}

/** From the names in a configuration to a network and its start. @module */
import type { RunConfig } from "../config/schema.ts";
import type { Decoder, Encoder, Network } from "../core/network.ts";
import { daformerHead } from "../models/daformer_head.ts";
import { mit, MIT_PRESETS } from "../models/mit.ts";
import { network } from "../models/network.ts";
import { segformerHead } from "../models/segformer_head.ts";

type Model = RunConfig["model"];

/** Names of the parts in checkpoints, those of mmsegmentation. */
const ENCODER_NAME = "backbone";
const DECODER_NAME = "decode_head";

/** Builds the network that a configuration describes. */
export function buildNetwork(model: Model, classes: number): Network {
  const encoder = buildEncoder(model.encoder);
  return network(encoder, buildDecoder(model.decoder, encoder, classes), classes);
}

function buildEncoder(encoder: Model["encoder"]): Encoder {
  if (encoder.name === "mit") return mit(ENCODER_NAME, encoder);
  const { name, dropPath } = encoder;
  return mit(ENCODER_NAME, { ...MIT_PRESETS[name], dropPath });
}

function buildDecoder(
  decoder: Model["decoder"],
  { widths }: Encoder,
  classes: number,
): Decoder {
  switch (decoder.name) {
    case "daformer":
      return daformerHead(DECODER_NAME, widths, { ...decoder, classes });
    case "segformer":
      return segformerHead(DECODER_NAME, widths, { ...decoder, classes });
  }
}

/**
 * Writes ESPNet's published CamVid weights as an ONNX file:
 *
 * ```sh
 * deno run -A examples/espnet/export.ts CHECKPOINT OUT.onnx
 * ```
 *
 * @module
 */
// deno-lint-ignore-file no-console -- a command prints
import { CAMVID_CLASSES } from "../../config.ts";
import { exportCustomNetwork, type ExportResult, openBackend } from "../../nn.ts";
import { releaseWeights } from "../../weights.ts";
import { ESPNET_CAMVID } from "./camvid.ts";
import { espnet } from "./espnet.ts";
import { weightsFromTorch } from "./load_weights.ts";

const USAGE = `Usage: deno run -A examples/espnet/export.ts CHECKPOINT OUT.onnx

  CHECKPOINT       espnet_p_2_q_8_camvid.pth`;

/** Exports the weights of the authors' file. */
export async function exportEspnet(
  checkpoint: string,
  output: string,
): Promise<ExportResult> {
  await openBackend("wasm");
  const network = espnet({ classes: CAMVID_CLASSES.length, unused: 1 });
  const weights = await weightsFromTorch(network, checkpoint);
  try {
    const exported = { network, weights, normalization: ESPNET_CAMVID };
    return await exportCustomNetwork(exported, CAMVID_CLASSES, output);
  } finally {
    releaseWeights(weights);
  }
}

/** @returns The exit status: 0 done, 1 failed, 2 wrong usage. */
async function main([checkpoint, output, ...rest]: string[]): Promise<number> {
  if (checkpoint === "--help" || output === undefined || rest.length > 0) {
    console.log(USAGE);
    return checkpoint === "--help" ? 0 : 2;
  }
  try {
    const { nodes, notes } = await exportEspnet(checkpoint ?? "", output);
    console.log([`${output}: ${nodes} nodes`, ...notes].join("\n"));
    return 0;
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    return 1;
  }
}

if (import.meta.main) Deno.exit(await main(Deno.args));

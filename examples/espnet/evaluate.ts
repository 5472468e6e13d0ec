/**
 * Measures ESPNet's published CamVid weights:
 *
 * ```sh
 * deno run -A examples/espnet/evaluate.ts CHECKPOINT CAMVID_ROOT
 * ```
 *
 * @module
 */
// deno-lint-ignore-file no-console -- a command prints
import { parseArgs } from "node:util";
import { CAMVID_CLASSES } from "../../config.ts";
import type { EvaluationResult } from "../../mod.ts";
import { type BackendChoice, evaluateCustomNetwork, openBackend } from "../../nn.ts";
import { releaseWeights } from "../../weights.ts";
import { ESPNET_CAMVID } from "./camvid.ts";
import { weightsFromTorch } from "./load_weights.ts";
import { espnet } from "./espnet.ts";

const BACKENDS = ["auto", "webgpu", "wasm"] as const;

const USAGE = `Usage: deno run -A examples/espnet/evaluate.ts CHECKPOINT CAMVID_ROOT

  CHECKPOINT       espnet_p_2_q_8_camvid.pth
  CAMVID_ROOT      the folder that holds images/val and labels/val
  --images N       at most N images, evenly spread (default: all)
  --backend NAME   auto, webgpu or wasm (default: auto)
  --json           print one JSON document`;

/** What to measure. */
export interface EvaluationArguments {
  /** The authors' file. */
  readonly checkpoint: string;
  /** The data set's folder. */
  readonly root: string;
  /** @default {null} for all */
  readonly images?: number | null;
  /** @default {"auto"} */
  readonly backend?: BackendChoice;
  /** Told about progress. */
  readonly log?: (line: string) => void;
}

/** Measures the weights of a file on the validation images. */
export async function evaluateEspnet(
  { checkpoint, root, images: maxImages = null, backend = "auto", log = () => {} }:
    EvaluationArguments,
): Promise<EvaluationResult> {
  const { name, adapter } = await openBackend(backend);
  log(`backend ${name} on ${adapter}`);
  const network = espnet({ classes: CAMVID_CLASSES.length, unused: 1 });
  const weights = await weightsFromTorch(network, checkpoint);
  try {
    const trainedNetwork = { network, weights, normalization: ESPNET_CAMVID };
    const folder = { root, split: "val", classes: CAMVID_CLASSES };
    const onImage = (_: unknown, done: number, of: number) => {
      if (done % 10 === 0 || done === of) log(`${done} of ${of} images`);
    };
    return await evaluateCustomNetwork(trainedNetwork, folder, {
      maxImages,
      onPrediction: onImage,
    });
  } finally {
    releaseWeights(weights);
  }
}

function formatTable({ classes, mIoU, pixelAccuracy, images }: EvaluationResult): string {
  const row = (name: string, figure: string) => name.padEnd(16) + figure.padStart(8);
  const share = (figure: number | null) => figure === null ? "–" : figure.toFixed(4);
  return [
    row("class", "IoU"),
    ...classes.map(({ name, iou }) => row(name, share(iou))),
    row("mIoU", share(mIoU)),
    row("pixel accuracy", share(pixelAccuracy)),
    row("images", String(images)),
  ].join("\n");
}

function readArguments(args: string[]): EvaluationArguments & { readonly json: boolean } {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      images: { type: "string" },
      backend: { type: "string", default: "auto" },
      json: { type: "boolean", default: false },
    },
  });
  const [checkpoint, root, ...rest] = positionals;
  const images = values.images === undefined ? null : Number(values.images);
  const backend = BACKENDS.find((name) => name === values.backend);
  if (checkpoint === undefined || root === undefined || rest.length > 0) {
    throw new TypeError("Two arguments are needed, CHECKPOINT and CAMVID_ROOT");
  }
  if (images !== null && !(Number.isInteger(images) && images > 0)) {
    throw new TypeError(
      `"--images" must be a whole number above 0, not ${values.images}`,
    );
  }
  if (backend === undefined) {
    throw new TypeError(`"--backend" must be one of ${BACKENDS.join(", ")}`);
  }
  return { checkpoint, root, images, backend, json: values.json };
}

/** @returns The exit status: 0 done, 1 failed, 2 wrong usage. */
async function main(args: string[]): Promise<number> {
  if (args.includes("--help")) {
    console.log(USAGE);
    return 0;
  }
  let given: ReturnType<typeof readArguments>;
  try {
    given = readArguments(args);
  } catch (error) {
    console.error(`${messageOf(error)}\n\n${USAGE}`);
    return 2;
  }
  try {
    const { json, ...measurement } = given;
    const result = await evaluateEspnet({ ...measurement, log: console.error });
    console.log(json ? JSON.stringify(result) : formatTable(result));
    return 0;
  } catch (error) {
    console.error(messageOf(error));
    return 1;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

if (import.meta.main) Deno.exit(await main(Deno.args));

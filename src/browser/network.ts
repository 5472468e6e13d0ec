/** The bytes of a checkpoint → a network that predicts in a page. @module */
import { checkConfig } from "../config/check_config.ts";
import { renameOldKeys } from "../config/renamed_keys.ts";
import type { BackendChoice, BackendInfo } from "../core/device.ts";
import { type ClassInfo, describeFormat, isRgbFormat } from "../core/host_batch.ts";
import { isOutOfMemory } from "../core/out_of_memory.ts";
import { releaseWeights } from "../core/weights.ts";
import { checkpointNetwork } from "../evaluate/checkpoint_network.ts";
import { predictImage, type TestTimeAugmentation } from "../evaluate/predict_image.ts";
import type { RgbImage } from "../formats/image_codec.ts";
import { parseCheckpoint, readCheckpointSection } from "../weights/checkpoint.ts";
import { parseSafetensors } from "../weights/safetensors.ts";
import { openPageBackend } from "./backend.ts";

/** A network in a page. */
export interface PageNetwork {
  /** What it tells apart, in the order of their ids. */
  readonly classes: readonly ClassInfo[];
  /** Iterations of its training. */
  readonly iteration: number;
  /** Whose weights these are. */
  readonly role: "student" | "teacher";
  /** Where it computes, and why there. */
  readonly backend: BackendInfo;
  /**
   * Labels every pixel of a picture: y[r, s] = argmax over c of logits[r, s, c], the logits
   * being scaled to the picture's size.
   *
   * @param picture 8-bit RGB. [H, W, 3]
   * @returns Class ids. [H, W]
   * @throws {RangeError} If the picture's bytes do not fill its size.
   * @throws {Error} If memory is not enough, or the GPU has failed.
   */
  predict(picture: RgbImage, augmentation?: TestTimeAugmentation): Promise<Uint8Array>;
  /** Frees the weights. */
  release(): void;
}

/** How a network is loaded into a page. */
export interface PageNetworkOptions {
  /**
   * Where the bytes come from, for messages.
   *
   * @default {"checkpoint"}
   */
  readonly name?: string;
  /**
   * Where to compute. "auto" takes WebGPU on a GPU where it can be opened, else
   * WebAssembly; {@linkcode BackendInfo.reason} says why.
   *
   * @default {"auto"}
   */
  readonly backend?: BackendChoice;
}

/**
 * Loads a network from the bytes of a checkpoint and starts the backend.
 *
 * It is the network that `deno task predict` takes: the teacher of a semi-supervised run,
 * else the student.
 *
 * @param bytes A whole `.safetensors` file that a run has saved; kept until the weights are
 * on the device.
 * @returns The caller releases it.
 * @throws {SyntaxError} If the bytes are damaged, or no checkpoint.
 * @throws {RangeError} If it reads other images than RGB of 8 bits.
 * @throws {WeightsMismatchError} If the weights do not fit the configuration.
 * @throws {Error} If the backend cannot be opened.
 */
export async function networkFrom(
  bytes: Uint8Array<ArrayBuffer>,
  { name = "checkpoint", backend = "auto" }: PageNetworkOptions = {},
): Promise<PageNetwork> {
  const checkpoint = parseCheckpoint(parseSafetensors(bytes, name), name);
  const { classes, iteration, config: saved } = checkpoint.metadata;
  const config = checkConfig(renameOldKeys(saved, name).root, name);
  if (!isRgbFormat(config.data)) {
    throw new RangeError(
      `Cannot open "${name}" in a page: its network reads images of ${
        describeFormat(config.data)
      }, and a page decodes pictures to RGB of 8 bits: use deno task predict`,
    );
  }
  const { role, network, section } = checkpointNetwork(checkpoint, config, name);
  const backendInfo = await openPageBackend(backend);
  const weights = readCheckpointSection(network.parameters, section, name);
  const trained = { path: name, config, classes, network, weights };
  return {
    classes,
    iteration,
    role,
    backend: backendInfo,
    async predict(picture, augmentation) {
      try {
        return await predictImage(trained, picture, augmentation);
      } catch (error) {
        if (!(error instanceof Error && isOutOfMemory(error.cause))) throw error;
        const { width, height } = picture;
        throw new Error(
          `Cannot label a picture of ${width}×${height} pixels: the memory of ` +
            "WebAssembly is not enough; take a smaller one",
          { cause: error },
        );
      }
    },
    release: () => releaseWeights(weights),
  };
}

/** Golden files: numbers recorded from the PyTorch reference. @module */
import { basename } from "node:path";
import { problemLines } from "../../src/config/problems.ts";
import type { HostTensor } from "../../src/core/host_tensor.ts";
import type { Parameter, Weights } from "../../src/core/network.ts";
import * as tf from "../../src/core/tf.ts";
import { pytorchShape, weightsFromHost } from "../../src/core/weights.ts";
import * as z from "../../src/core/zod.ts";
import { type MatchOptions, matchWeights } from "../../src/weights/match_weights.ts";
import { readSafetensors } from "../../src/weights/safetensors_file.ts";

/** A golden and its sidecar. */
export interface Golden {
  /** The stem of both files. */
  readonly name: string;
  /** The sidecar; each verifier checks the part it reads. */
  readonly sidecar: unknown;
  /** By names such as "input/resize0/x". */
  readonly tensors: ReadonlyMap<string, HostTensor>;
}

/**
 * Reads `<name>.safetensors` and `<name>.json` beside it.
 *
 * @param path Of either file.
 * @throws {Deno.errors.NotFound} If one of the two is missing.
 */
export async function readGolden(path: string): Promise<Golden> {
  const stem = path.replace(/\.(json|safetensors)$/, "");
  const { tensors } = await readSafetensors(`${stem}.safetensors`);
  let text: string;
  try {
    text = await Deno.readTextFile(`${stem}.json`);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new Deno.errors.NotFound(
      `Cannot verify "${stem}.safetensors": "${stem}.json", which says what is in it, is ` +
        "missing",
    );
  }
  const sidecar: unknown = JSON.parse(text);
  const name = z.object({ name: z.string() }).safeParse(sidecar).data?.name;
  return { name: name ?? basename(stem), sidecar, tensors };
}

/**
 * The part of a sidecar that a schema describes.
 *
 * @throws {SyntaxError} If it asks for what the schema does not know, with every key.
 */
export function parseSidecar<S extends z.ZodType>(
  { name, sidecar }: Golden,
  schema: S,
): z.output<S> {
  const { success, data, error } = schema.safeParse(sidecar);
  if (success) return data;
  const problems = problemLines(error, schema, sidecar).join("; ");
  throw new SyntaxError(`Cannot verify "${name}": ${problems}`);
}

/**
 * The recorded weights of a network.
 *
 * @param prefix Of their names in the golden.
 * @param options Tolerated differences.
 * @throws {WeightsMismatchError} If they are not exactly the network's.
 */
export function recordedWeights(
  golden: Golden,
  parameters: readonly Parameter[],
  prefix: string,
  options: MatchOptions = {},
): Weights {
  const shapes = new Map(parameters.map((one) => [one.name, pytorchShape(one)]));
  const host = tensorsUnder(golden, prefix);
  const { tensors } = matchWeights(shapes, host, golden.name, options);
  return weightsFromHost(parameters, tensors);
}

/** The tensors of a golden below a prefix, without it. */
export function tensorsUnder(
  { tensors }: Golden,
  prefix: string,
): Map<string, HostTensor> {
  return new Map(
    [...tensors].filter(([key]) => key.startsWith(prefix))
      .map(([key, tensor]) => [key.slice(prefix.length), tensor]),
  );
}

/** A stored tensor. @throws {RangeError} If the golden lacks it. */
export function storedTensor({ name, tensors }: Golden, key: string): HostTensor {
  const tensor = tensors.get(key);
  if (tensor === undefined) {
    throw new RangeError(`Cannot verify "${name}": it has no "${key}"`);
  }
  return tensor;
}

/** The numbers of a stored tensor, whatever their type. */
export function numbersOf({ dtype, bytes }: HostTensor): Float32Array | Int32Array {
  const buffer = bytes.slice().buffer;
  switch (dtype) {
    case "F32":
      return new Float32Array(buffer);
    case "I32":
      return new Int32Array(buffer);
    case "U8":
    case "BOOL":
      return Int32Array.from(new Uint8Array(buffer));
    case "I64":
      return Int32Array.from(new BigInt64Array(buffer), Number);
    case "F64":
      return Float32Array.from(new Float64Array(buffer));
    default:
      throw new RangeError(`Cannot verify tensors of type ${dtype}`);
  }
}

/** A stored tensor on the device, in the layout of the file; the caller owns it. */
export function deviceTensor<R extends tf.Rank>(
  golden: Golden,
  key: string,
): tf.Tensor<R> {
  const host = storedTensor(golden, key);
  const numbers = numbersOf(host);
  const dtype = numbers instanceof Int32Array ? "int32" : "float32";
  return tf.tensor(numbers, [...host.shape] as tf.ShapeMap[R], dtype);
}

/** Images or maps as we hold them. [B, C, H, W] in the file, [B, H, W, C] here */
export function channelsLastTensor(golden: Golden, key: string): tf.Tensor4D {
  return tf.tidy(() => tf.transpose(deviceTensor<tf.Rank.R4>(golden, key), [0, 2, 3, 1]));
}

/** The opposite: [B, H, W, C] here, [B, C, H, W] in the file. */
export const channelsFirst = <T extends tf.Tensor>(maps: T): T =>
  tf.transpose(maps, [0, 3, 1, 2]);

/** Labels as we hold them. [B, 1, H, W] in the file, int32 [B, H, W] here */
export function labelTensor(golden: Golden, key: string): tf.Tensor3D {
  return tf.tidy(() => {
    const labels = deviceTensor(golden, key);
    const [B = 0, H = 0, W = 0] = labels.shape.filter((_, axis) =>
      labels.rank === 3 || axis !== 1
    );
    return tf.cast(tf.reshape(labels, [B, H, W]), "int32");
  });
}

/**
 * ONNX Runtime, which computes what is in a file. The only file that names it. It has no
 * build for some systems, and a pack leaves it out: tests are then reported as ignored.
 *
 * @module
 */
import type * as tf from "../../src/core/tf.ts";

const ort = await import("npm:onnxruntime-node@1.30.0").catch(() => null);

/** Whether files can be run here. */
export const HAS_ONNX_RUNTIME: boolean = ort !== null;

/** What a file returns. */
export interface OnnxOutput {
  readonly name: string;
  readonly data: tf.TypedArray;
  readonly shape: readonly number[];
}

/** An ONNX file that can be run. */
export interface OnnxSession {
  /** @param image [B, 3, H, W] */
  run(image: Float32Array, shape: readonly number[]): Promise<OnnxOutput>;
}

/** Opens a file; its errors are those of ONNX Runtime. */
export async function openOnnx(bytes: Uint8Array): Promise<OnnxSession> {
  if (ort === null) throw new Error("ONNX Runtime is not installed");
  const { InferenceSession, Tensor } = ort.default;
  const session = await InferenceSession.create(bytes, {
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    logSeverityLevel: 4, // errors are thrown, too
  });
  const [input = ""] = session.inputNames;
  const [name = ""] = session.outputNames;
  return {
    async run(image, shape) {
      const outputs = await session.run({
        [input]: new Tensor("float32", image, [...shape]),
      });
      const { data, dims } = outputs[name] ?? {};
      return { name, data: data as tf.TypedArray, shape: [...dims ?? []] };
    },
  };
}

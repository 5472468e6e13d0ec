/** ONNX Runtime, which computes what is in a file. The only file that names it. @module */
import ort from "npm:onnxruntime-node@1.30.0";
import type * as tf from "../../src/core/tf.ts";

/** An ONNX file that can be run. */
export interface OnnxSession {
  /** @param image [B, 3, H, W] */
  run(
    image: Float32Array,
    shape: readonly number[],
  ): Promise<
    { readonly name: string; readonly data: tf.TypedArray; readonly shape: number[] }
  >;
}

/** Opens a file; its errors are those of ONNX Runtime. */
export async function openOnnx(bytes: Uint8Array): Promise<OnnxSession> {
  const session = await ort.InferenceSession.create(bytes, {
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    logSeverityLevel: 4, // errors are thrown, too
  });
  return {
    async run(image, shape) {
      const [input = raise("input")] = session.inputNames;
      const outputs = await session.run({
        [input]: new ort.Tensor("float32", image, [...shape]),
      });
      const [[name, { data, dims }] = raise("output")] = Object.entries(outputs);
      return { name, data: data as tf.TypedArray, shape: [...dims] };
    },
  };
}

function raise(what: string): never {
  throw new Error(`the file has no ${what}`);
}

/**
 * ONNX files, encoded by protobufjs with the project's own definitions.
 *
 * Source: https://github.com/onnx/onnx, `onnx/onnx.proto` (Apache-2.0).
 *
 * @module
 */
import definitions from "./onnx.proto" with { type: "text" };

/** Types of elements, by their numbers in `TensorProto.DataType`. */
export const ELEMENT_TYPES = { float: 1, int32: 6, int64: 7, float16: 10 } as const;

/** The name of an {@linkcode ELEMENT_TYPES} entry. */
export type ElementType = keyof typeof ELEMENT_TYPES;

/** A tensor that is part of a file. */
export interface OnnxTensor {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly number[];
  /** Little-endian elements, row by row. */
  readonly bytes: Uint8Array;
}

/** The value of an attribute: whole numbers, a text, or a float as {@linkcode OnnxFloat}. */
export type OnnxAttribute = number | readonly number[] | string | OnnxFloat;

/** A number that ONNX is to read as a float, whatever its value. */
export interface OnnxFloat {
  readonly float: number;
}

/** One operator with its operands. */
export interface OnnxNode {
  readonly name: string;
  readonly operator: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, OnnxAttribute>>;
}

/** What a graph receives or returns. */
export interface OnnxValue {
  readonly name: string;
  readonly type: ElementType;
  /** Texts are names of sizes that are known when the graph runs. */
  readonly shape: readonly (number | string)[];
}

/** A graph and what is said about it. */
export interface OnnxModel {
  readonly opset: number;
  readonly producer: { readonly name: string; readonly version: string };
  readonly name: string;
  readonly description: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  readonly initializers: readonly OnnxTensor[];
  readonly nodes: readonly OnnxNode[];
}

/** The version of the file format that came with operator set 17 (ONNX 1.12). */
const IR_VERSION = 8;

const ATTRIBUTE_TYPES = { float: 1, int: 2, string: 3, ints: 7 } as const;

/** The bytes of a file. */
export async function encodeOnnx(model: OnnxModel): Promise<Uint8Array> {
  // Loaded here, since it takes longer than the rest of a short command.
  const { protobuf } = await import("./protobuf.ts");
  const modelType = protobuf.parse(definitions).root.lookupType("onnx.ModelProto");
  return modelType.encode({
    irVersion: IR_VERSION,
    producerName: model.producer.name,
    producerVersion: model.producer.version,
    docString: model.description,
    opsetImport: [{ domain: "", version: model.opset }],
    metadataProps: Object.entries(model.metadata).map(([key, value]) => ({ key, value })),
    graph: {
      name: model.name,
      input: model.inputs.map(encodeValue),
      output: model.outputs.map(encodeValue),
      initializer: model.initializers.map(({ name, type, shape, bytes }) => ({
        name,
        dataType: ELEMENT_TYPES[type],
        dims: shape,
        rawData: bytes,
      })),
      node: model.nodes.map(({ name, operator, inputs, outputs, attributes }) => ({
        name,
        opType: operator,
        input: inputs,
        output: outputs,
        attribute: Object.entries(attributes).map(encodeAttribute),
      })),
    },
  }).finish();
}

const encodeValue = ({ name, type, shape }: OnnxValue) => ({
  name,
  type: {
    tensorType: {
      elemType: ELEMENT_TYPES[type],
      shape: {
        dim: shape.map((side) =>
          typeof side === "number" ? { dimValue: side } : { dimParam: side }
        ),
      },
    },
  },
});

function encodeAttribute([name, value]: [string, OnnxAttribute]) {
  if (typeof value === "number") return { name, type: ATTRIBUTE_TYPES.int, i: value };
  if (typeof value === "string") {
    return { name, type: ATTRIBUTE_TYPES.string, s: new TextEncoder().encode(value) };
  }
  return "float" in value
    ? { name, type: ATTRIBUTE_TYPES.float, f: value.float }
    : { name, type: ATTRIBUTE_TYPES.ints, ints: value };
}

/** Products of matrices, and the layers that are such products here. @module */
import { convolve } from "./map_nodes.ts";
import {
  constantOf,
  type GraphTensor,
  type GraphTensors,
  layerNameOf,
} from "./graph_tensor.ts";
import { equalSizes, mapSizes, type Size } from "./size.ts";

/** What a product is of, and what is added to it. */
export interface Product {
  readonly a: GraphTensor;
  readonly b: GraphTensor;
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
  /** One value per column. */
  readonly bias?: GraphTensor | undefined;
}

/**
 * A product of matrices, of each in a batch or of all with the same one.
 *
 * Maps are flattened here before a matrix is applied to their channels: as a node it is
 * applied to the map itself, and a convolution of one tap is a convolution again.
 *
 * @param shape Of the result.
 */
export function multiply(
  tensors: GraphTensors,
  { a, b, transposeA = false, transposeB = false, bias }: Product,
  shape: readonly Size[],
): GraphTensor {
  const columns = shape.at(-1) ?? 0;
  const map = transposeA || b.shape.length !== 2 ? null : unflattened(a);
  const left = map ?? (transposeA ? swapped(tensors, a) : a);
  const made = map === null ? shape : [...map.shape.slice(0, -1), columns];
  const filter = transposeB ? null : pointwiseFilter(tensors, b);
  if (map !== null && filter !== null && map.shape.length === 4) {
    const tap = { strides: [1, 1], dilations: [1, 1], pads: [0, 0, 0, 0] };
    const convolved = convolve(tensors, { x: map, filter, bias }, tap, made);
    return tensors.reshape(convolved, shape);
  }
  const right = transposeB ? swapped(tensors, b) : b;
  const name = layerNameOf(b);
  const operands = [tensors.value(left), tensors.value(right)];
  const product = tensors.builder.node("MatMul", operands, {
    name: name && `${name}.matmul`,
  });
  const sum = bias === undefined
    ? product
    : tensors.builder.node("Add", [product, tensors.value(bias)], {
      name: name && `${name}.bias_add`,
    });
  return tensors.reshape(tensors.made(made, sum), shape);
}

/** The last two axes swapped. */
function swapped(tensors: GraphTensors, x: GraphTensor): GraphTensor {
  const axes = [...x.shape.keys()];
  const rank = axes.length;
  return tensors.transpose(x, [...axes.slice(0, -2), rank - 1, rank - 2]);
}

// The tensor whose leading axes were joined to one.
function unflattened({ shape, source }: GraphTensor): GraphTensor | null {
  if (shape.length !== 2 || source.kind !== "reshaped") return null;
  const { base } = source;
  const rows = mapSizes(
    base.shape.slice(0, -1),
    (...lengths) => lengths.reduce((product, side) => product * side, 1),
  );
  const isFlattened = equalSizes(rows, shape[0] ?? 0) &&
    equalSizes(base.shape.at(-1) ?? 0, shape[1] ?? 0);
  return isFlattened ? base : null;
}

// The filter of one tap whose matrix on the channels this is. [1, 1, I, O]
function pointwiseFilter(tensors: GraphTensors, x: GraphTensor): GraphTensor | null {
  const constant = constantOf(x);
  if (constant === null || !constant.isFilter) return null;
  return tensors.reshape(x, [1, 1, ...x.shape]);
}

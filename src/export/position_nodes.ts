/** Windows of maps and biases of attention per relative position. @module */
import type { GraphTensor, GraphTensors } from "./graph_tensor.ts";
import { pad, slice, TO_THE_END } from "./map_nodes.ts";
import type { Size } from "./size.ts";

/** How maps are cut, see `windowSizes` in `src/ops`. */
export interface WindowSizes {
  readonly height: Size;
  readonly width: Size;
  readonly channels: number;
  readonly window: number;
  readonly shift: number;
}

/** Maps as windows: padded to whole ones, rolled, cut. [B·R·S, window², C] */
export function partitionWindows(
  tensors: GraphTensors,
  x: GraphTensor,
  sizes: WindowSizes,
  shape: readonly Size[],
): GraphTensor {
  const { window, shift, channels } = sizes;
  const { rows, columns, height, width } = paddedSizes(tensors, sizes);
  const [B = 0] = x.shape;
  const padded = pad(tensors, x, [0, 0, 0, 0], [B, height, width, channels]);
  const rolled = roll(tensors, roll(tensors, padded, 1, shift), 2, shift);
  const blocks = tensors.reshape(rolled, [B, rows, window, columns, window, channels]);
  return tensors.reshape(tensors.transpose(blocks, BLOCK_AXES), shape);
}

/** Undoes {@linkcode partitionWindows}. [B, H, W, C] */
export function joinWindows(
  tensors: GraphTensors,
  windows: GraphTensor,
  sizes: WindowSizes,
  shape: readonly Size[],
): GraphTensor {
  const { window, shift, channels } = sizes;
  const { rows, columns, height, width } = paddedSizes(tensors, sizes);
  const [B = 0] = shape;
  const blocks = tensors.reshape(windows, [B, rows, columns, window, window, channels]);
  const joined = tensors.reshape(tensors.transpose(blocks, BLOCK_AXES), [
    B,
    height,
    width,
    channels,
  ]);
  const rolled = roll(tensors, roll(tensors, joined, 1, -shift), 2, -shift);
  return slice(tensors, rolled, [0, 0, 0, 0], shape);
}

// Swaps the rows inside of a window and the columns of windows.
const BLOCK_AXES = [0, 1, 3, 2, 4, 5];

function paddedSizes(
  { sizes }: GraphTensors,
  { height, width, window }: WindowSizes,
) {
  const rows = sizes.ceilDiv(height, window);
  const columns = sizes.ceilDiv(width, window);
  const [paddedHeight, paddedWidth] = [
    sizes.product(rows, window),
    sizes.product(columns, window),
  ];
  sizes.difference(paddedHeight, height);
  sizes.difference(paddedWidth, width);
  return { rows, columns, height: paddedHeight, width: paddedWidth };
}

// The first `by` elements of an axis go to its end; below 0, the last ones to its start.
function roll(
  tensors: GraphTensors,
  x: GraphTensor,
  axis: number,
  by: number,
): GraphTensor {
  if (by === 0) return x;
  const { builder } = tensors;
  const order = tensors.orderOf(x);
  const at = order.indexOf(axis);
  const value = tensors.value(x, order);
  const part = (from: number, to: number) =>
    builder.node("Slice", [
      value,
      builder.integers([from]),
      builder.integers([to]),
      builder.integers([at]),
    ]);
  const parts = [part(by, TO_THE_END), part(0, by)];
  const rolled = builder.node("Concat", parts, { attributes: { axis: at } });
  return tensors.made(x.shape, rolled, order);
}

/** Sizes of the bias inside of windows, see `src/ops/position_bias`. */
export interface WindowBiasSizes {
  readonly heads: number;
  readonly window: number;
  readonly shift: number;
  readonly rows: Size;
  readonly columns: Size;
}

/** What Swin Transformer adds between pixels that must not attend to each other. */
const MASKED_SCORE = -100;

/**
 * Scores of attention inside of windows plus the bias of the relative position, and in
 * windows across a seam of rolled maps the mask.
 *
 * @param scores [B·R·S, heads, N, N], N = window²
 * @param table [(2·window − 1)², heads]
 */
export function addWindowBias(
  tensors: GraphTensors,
  scores: GraphTensor,
  table: GraphTensor,
  { heads, window, shift, rows, columns }: WindowBiasSizes,
): GraphTensor {
  const { builder, sizes } = tensors;
  const N = window ** 2;
  const entries = pairsOfWindow(
    window,
    (py, px, qy, qx) => (py - qy + window - 1) * (2 * window - 1) + px - qx + window - 1,
  );
  const bias = biasOf(tensors, table, builder.integers(entries, [N, N]));
  const biased = builder.node("Add", [tensors.value(scores), bias]);
  const result = tensors.made(scores.shape, biased);
  if (shift === 0) return result;
  // Windows of four kinds: without a seam, with one to the right, one below, and both.
  const seam = window - shift;
  const masks = [0, 1, 2, 3].flatMap((kind) =>
    pairsOfWindow(window, (py, px, qy, qx) => {
      const isMasked = (kind > 1 && (py < seam) !== (qy < seam)) ||
        (kind % 2 === 1 && (px < seam) !== (qx < seam));
      return isMasked ? MASKED_SCORE : 0;
    })
  );
  const isLast = (count: Size) => {
    const range = [
      builder.integers([0], []),
      sizes.scalar(count),
      builder.integers([1], []),
    ];
    const last = sizes.of(sizes.sum(count, -1));
    return builder.cast(
      builder.node("Equal", [builder.node("Range", range), last]),
      "int64",
    );
  };
  const lowest = builder.node("Mul", [isLast(rows), builder.integers([2])]);
  const kinds = builder.node("Add", [
    builder.node("Unsqueeze", [lowest, builder.integers([1])]),
    isLast(columns),
  ]); // [R, S]
  const mask = builder.node("Gather", [
    builder.floats(
      `window_masks_${window}_${shift}`,
      Float32Array.from(masks),
      [4, 1, N, N],
    ),
    builder.node("Reshape", [kinds, builder.integers([-1])]),
  ]); // [R·S, 1, N, N]
  const windows = sizes.product(rows, columns);
  const [all = 0] = scores.shape;
  const grouped = builder.node("Reshape", [
    tensors.value(result),
    sizes.list([-1, windows, heads, N, N]),
  ]);
  const masked = builder.node("Reshape", [
    builder.node("Add", [grouped, mask]),
    builder.integers([-1, heads, N, N]),
  ]);
  return tensors.made([all, heads, N, N], masked);
}

/** Sizes of the bias among the tokens of a grid, see `src/ops/position_bias`. */
export interface GridBiasSizes {
  readonly height: Size;
  readonly width: Size;
  readonly tableHeight: number;
  readonly tableWidth: number;
}

/**
 * Scores of attention among a class token and the tokens of a grid plus the bias of the
 * relative position.
 *
 * @param scores [B, heads, N, N], N = 1 + height · width
 * @param table [(2·TH − 1)·(2·TW − 1) + 3, heads]
 */
export function addGridBias(
  tensors: GraphTensors,
  scores: GraphTensor,
  table: GraphTensor,
  { height, width, tableHeight, tableWidth }: GridBiasSizes,
): GraphTensor {
  const { builder, sizes } = tensors;
  const whole = (...values: number[]) => builder.integers(values);
  const wide = 2 * tableWidth - 1;
  const offsets = (2 * tableHeight - 1) * wide;
  const tokens = sizes.product(height, width);
  const numbers = builder.node("Range", [
    builder.integers([0], []),
    sizes.scalar(tokens),
    builder.integers([1], []),
  ]);
  // An entry is linear in the difference of two places.
  const rows = builder.node("Div", [numbers, sizes.of(width)]);
  const columns = builder.node("Mod", [numbers, sizes.of(width)]);
  const places = builder.node("Add", [
    builder.node("Mul", [rows, whole(wide)]),
    columns,
  ]);
  const differences = builder.node("Sub", [
    builder.node("Unsqueeze", [places, whole(1)]),
    places,
  ]);
  const center = (tableHeight - 1) * wide + tableWidth - 1;
  const excess = builder.node("Add", [
    beyond(tensors, height, tableHeight),
    beyond(tensors, width, tableWidth),
  ]);
  const first = builder.node("Add", [
    builder.node("Mul", [excess, whole(NO_ENTRY)]),
    whole(center),
  ]);
  const grid = builder.node("Add", [differences, first]);
  // Above it the entry from the class token, at the left that to it, both at the corner.
  const fromClass = builder.node("Pad", [
    grid,
    whole(1, 0, 0, 0),
    builder.integers([offsets], []),
  ]);
  const toClass = builder.node("Pad", [
    builder.integers([offsets + 2], [1, 1]),
    sizes.list([0, 0, tokens, 0]),
    builder.integers([offsets + 1], []),
  ]);
  const entries = builder.node("Concat", [toClass, fromClass], {
    attributes: { axis: 1 },
  });
  const bias = biasOf(tensors, table, entries);
  const biased = builder.node("Add", [tensors.value(scores), bias]);
  return tensors.made(scores.shape, biased);
}

// By how much a side is too large for the table; then no entry must be read by mistake.
function beyond({ builder, sizes }: GraphTensors, side: Size, most: number): string {
  const more = builder.node("Sub", [sizes.of(side), builder.integers([most])]);
  return builder.node("Max", [more, builder.integers([0])]);
}

/** Larger than the number of any entry: runtimes refuse it. */
const NO_ENTRY = 2 ** 31;

// The rows of a table, heads first. [heads, N, N]
function biasOf(tensors: GraphTensors, table: GraphTensor, entries: string): string {
  const rows = tensors.builder.node("Gather", [tensors.value(table), entries]);
  return tensors.builder.node("Transpose", [rows], { attributes: { perm: [2, 0, 1] } });
}

// A value for every pair of pixels of a window.
function pairsOfWindow(
  window: number,
  valueOf: (py: number, px: number, qy: number, qx: number) => number,
): number[] {
  return Array.from({ length: window ** 4 }, (_, k) => {
    const [p, q] = [Math.floor(k / window ** 2), k % window ** 2];
    const [py, qy] = [Math.floor(p / window), Math.floor(q / window)];
    return valueOf(py, p % window, qy, q % window);
  });
}

/** Sizes of a bicubic resize along an axis, see `src/ops/bicubic`. */
export interface BicubicSizes {
  readonly inputs: number;
  readonly outputs: Size;
  readonly acrossInputs: number;
  readonly acrossOutputs: Size;
  readonly offset: number;
  readonly antialias: number;
}

/** The matrix of weights of a bicubic resize. [outputs, inputs] */
export function bicubicWeights(
  tensors: GraphTensors,
  { inputs, outputs, acrossInputs, acrossOutputs, offset, antialias }: BicubicSizes,
): GraphTensor {
  const { builder, sizes } = tensors;
  const node = (operator: string, ...operands: string[]) =>
    builder.node(operator, operands);
  const float = (value: number) => builder.float(value);
  const isSame = node(
    "And",
    node("Equal", sizes.of(outputs), builder.integers([inputs])),
    node("Equal", sizes.of(acrossOutputs), builder.integers([acrossInputs])),
  );
  const enlarged = node(
    "Add",
    builder.cast(sizes.of(outputs), "float"),
    node("Where", isSame, float(0), float(offset)),
  );
  const ratio = node("Div", float(inputs), enlarged); // [1]
  const targets = node(
    "Range",
    builder.integers([0], []),
    sizes.scalar(outputs),
    builder.integers([1], []),
  );
  const centers = node(
    "Mul",
    node("Add", builder.cast(targets, "float"), float(0.5)),
    ratio,
  );
  const column = node("Unsqueeze", centers, builder.integers([1])); // [outputs, 1]
  // Sources beyond the border are the border, unless they are left out.
  const beyond = antialias === 1 ? 0 : 2;
  const sources = Float32Array.from(
    { length: inputs + 2 * beyond },
    (_, i) => i - beyond + 0.5,
  );
  const name = `bicubic_sources_${inputs}_${antialias}`;
  const distances = node(
    "Sub",
    builder.floats(name, sources, [1, sources.length]),
    column,
  );
  if (antialias === 1) {
    const width = node("Max", ratio, float(1));
    const weights = cubic(tensors, node("Div", distances, width), -0.5);
    const sum = node("ReduceSum", weights, builder.integers([1])); // [outputs, 1]
    return tensors.made([outputs, inputs], node("Div", weights, sum));
  }
  const clamped = Float32Array.from({ length: sources.length * inputs }, (_, k) => {
    const source = Math.floor(k / inputs) - beyond;
    return Math.min(Math.max(source, 0), inputs - 1) === k % inputs ? 1 : 0;
  });
  const border = builder.floats(`bicubic_border_${inputs}`, clamped, [
    sources.length,
    inputs,
  ]);
  const weights = node("MatMul", cubic(tensors, distances, -0.75), border);
  return tensors.made([outputs, inputs], weights);
}

// Keys' kernel with the parameter a.
function cubic({ builder }: GraphTensors, distances: string, a: number): string {
  const d = builder.node("Abs", [distances]);
  // The value of a polynomial at d, highest power first.
  const at = (...coefficients: number[]) =>
    coefficients.slice(1).reduce(
      (value, coefficient) =>
        builder.node("Add", [
          builder.node("Mul", [value, d]),
          builder.float(coefficient),
        ]),
      builder.float(coefficients[0] ?? 0),
    );
  const isBelow = (limit: number) => builder.node("Less", [d, builder.float(limit)]);
  const far = builder.node("Where", [
    isBelow(2),
    at(a, -5 * a, 8 * a, -4 * a),
    builder.float(0),
  ]);
  return builder.node("Where", [isBelow(1), at(a + 2, -(a + 3), 0, 1), far]);
}

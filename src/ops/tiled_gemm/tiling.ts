/** How the 64 invocations of a workgroup share a product of matrices in tiles. @module */
import { openedGpu } from "../../core/device.ts";
import { environmentVariable } from "../../core/environment.ts";
import epilogue from "./epilogue.wgsl" with { type: "text" };
import erf from "../gelu/erf.wgsl" with { type: "text" };

/** Tiles of a product of matrices, see register_tile.wgsl. */
export interface Tiling {
  /** Whether an invocation owns 16×16 elements instead of 8×8. */
  readonly large: boolean;
  /** Lanes side by side. */
  readonly lanesAcross: number;
  /** Invocations that a matrix takes, whole workgroups. */
  readonly invocations: number;
}

// Below, large tiles would leave most lanes of a vector without work.
const MIN_LARGE_TILE_ELEMENTS = 8 * 16 ** 2;
// Widest first: at equal waste, square workgroups read least.
const LANES_ACROSS = [8, 4, 2, 1];

/**
 * Tiles for a matrix; as few columns beyond the last as possible are computed.
 *
 * @param large The size of the tiles, where it is decided already.
 */
export function tiling(
  rows: number,
  columns: number,
  large: boolean = prefersLargeTiles(rows, columns),
): Tiling {
  const tileSide = large ? 16 : 8;
  const padded = (lanesAcross: number) =>
    Math.ceil(columns / (tileSide * lanesAcross)) * lanesAcross;
  const lanesAcross = LANES_ACROSS.reduce((best, lanes) =>
    padded(lanes) < padded(best) ? lanes : best
  );
  const down = Math.ceil(rows / (tileSide * 64 / lanesAcross));
  return {
    large,
    lanesAcross,
    invocations: 64 * down * (padded(lanesAcross) / lanesAcross),
  };
}

function prefersLargeTiles(rows: number, columns: number): boolean {
  return prefersLarge() && rows > 8 && columns > 8 &&
    rows * columns >= MIN_LARGE_TILE_ELEMENTS;
}

// Software drivers do; FST_GPU_TILE makes one compute as a GPU would, and the reverse.
function prefersLarge(): boolean {
  const given = environmentVariable("FST_GPU_TILE") ?? "auto";
  if (given !== "auto" && given !== "small" && given !== "large") {
    throw new RangeError(
      `Cannot use FST_GPU_TILE="${given}": it must be auto, small or large`,
    );
  }
  return given === "auto" ? openedGpu()?.adapter.software === true : given === "large";
}

/** What follows a product, and whether all rows start at multiples of four elements. */
export type EpilogueFlags = Readonly<
  Record<"hasBias" | "hasGelu" | "hasResidual" | "aligned", boolean>
>;

/** The arrays of left · right with an epilogue; where there is none, any tensors do. */
export function productArrays(aligned: boolean) {
  const four = elementsOf(aligned);
  return {
    inputs: { left: four, right: four, bias: "f32", residual: four },
    outputs: { product: four },
  } as const;
}

/** WGSL for {@linkcode productArrays}: access to four elements, and the epilogue. */
export function productShader(aligned: boolean): string {
  const access = fourAccess(aligned, ["left", "right", "residual"], "product");
  return access + erf + epilogue;
}

/** The elements of an array that {@linkcode fourAccess} reads. */
export function elementsOf(aligned: boolean): "vec4f" | "f32" {
  return aligned ? "vec4f" : "f32";
}

/**
 * WGSL that reads and writes four neighboring elements of arrays.
 *
 * `<name>Four(at, count)` reads four, the elements beyond the first `count` as 0, and
 * `set<Name>Four(at, count, four)` writes the first `count`. Aligned arrays hold vectors:
 * there `at` is a multiple of four and `count` is always four or more.
 */
export function fourAccess(
  aligned: boolean,
  read: readonly string[],
  written: string,
): string {
  const readers = [...read, written].map((name) =>
    `fn ${name}Four(at: u32, count: u32) -> vec4f {
${
      aligned ? `  return ${name}[at / 4u];` : `  let four =
    vec4f(${name}[at], ${name}[at + 1u], ${name}[at + 2u], ${name}[at + 3u]);
  return select(vec4f(), four, vec4u(0u, 1u, 2u, 3u) < vec4u(count));`
    }
}
`
  );
  const writes = aligned
    ? [`  ${written}[at / 4u] = four;`]
    : [0, 1, 2, 3].map((k) =>
      `  if (count > ${k}u) {\n    ${written}[at + ${k}u] = four[${k}];\n  }`
    );
  const setter = `set${written.charAt(0).toUpperCase()}${written.slice(1)}Four`;
  return `${readers.join("\n")}
fn ${setter}(at: u32, count: u32, four: vec4f) {
${writes.join("\n")}
}

`;
}

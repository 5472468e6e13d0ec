// The sums that one invocation owns: a tile of 8×8 elements of a product of matrices, or
// of 16×16 if `large`, in blocks of 4×4.
//
// All have names and nothing is indexed by a variable, so they stay in registers and no
// access is checked. A tile of 8×8 takes 64 registers, which suits GPUs. A software driver
// keeps its lanes in memory anyhow and pays for loads most, so there the large one wins: it
// does twice the arithmetic per load.

override large: bool = false;

// Four rows of the left factor or four columns of the right one, four terms each.
struct Blocks {
  first: mat4x4f,
  second: mat4x4f,
  third: mat4x4f,
  fourth: mat4x4f,
}

// Block c12 has the second rows and the third columns; a column of a matrix is a row.
struct Sums {
  c00: mat4x4f,
  c01: mat4x4f,
  c02: mat4x4f,
  c03: mat4x4f,
  c10: mat4x4f,
  c11: mat4x4f,
  c12: mat4x4f,
  c13: mat4x4f,
  c20: mat4x4f,
  c21: mat4x4f,
  c22: mat4x4f,
  c23: mat4x4f,
  c30: mat4x4f,
  c31: mat4x4f,
  c32: mat4x4f,
  c33: mat4x4f,
}

// Adds four terms to every sum: they are added to each other first.
fn accumulate(sums: ptr<function, Sums>, rows: Blocks, columns: Blocks) {
  (*sums).c00 += columns.first * rows.first;
  (*sums).c01 += columns.second * rows.first;
  (*sums).c10 += columns.first * rows.second;
  (*sums).c11 += columns.second * rows.second;
  if (large) {
    (*sums).c02 += columns.third * rows.first;
    (*sums).c03 += columns.fourth * rows.first;
    (*sums).c12 += columns.third * rows.second;
    (*sums).c13 += columns.fourth * rows.second;
    (*sums).c20 += columns.first * rows.third;
    (*sums).c21 += columns.second * rows.third;
    (*sums).c22 += columns.third * rows.third;
    (*sums).c23 += columns.fourth * rows.third;
    (*sums).c30 += columns.first * rows.fourth;
    (*sums).c31 += columns.second * rows.fourth;
    (*sums).c32 += columns.third * rows.fourth;
    (*sums).c33 += columns.fourth * rows.fourth;
  }
}

// The tile of a lane in one of several matrices. A lane's rows follow each other; its blocks
// of columns are `step` apart, so that lanes side by side read and write side by side.
struct Tile {
  matrix: u32,
  row: u32,
  column: u32,
  step: u32,
}

// Workgroups take the tiles of a matrix of `rows` × `columns` row by row; `across` lanes of a
// workgroup lie side by side.
fn tileOf(group: u32, lane: u32, rows: u32, columns: u32) -> Tile {
  let side = select(8u, 16u, large);
  let width = side * uniforms.across;
  let height = side * 64u / uniforms.across;
  let tilesAcross = (columns + width - 1u) / width;
  let tilesDown = (rows + height - 1u) / height;
  return Tile(
    group / (tilesAcross * tilesDown),
    group / tilesAcross % tilesDown * height + lane / uniforms.across * side,
    group % tilesAcross * width + lane % uniforms.across * 4u,
    4u * uniforms.across,
  );
}

fn blockOf(sums: Sums, index: u32) -> mat4x4f {
  switch index {
    case 0u: { return sums.c00; }
    case 1u: { return sums.c01; }
    case 2u: { return sums.c02; }
    case 3u: { return sums.c03; }
    case 4u: { return sums.c10; }
    case 5u: { return sums.c11; }
    case 6u: { return sums.c12; }
    case 7u: { return sums.c13; }
    case 8u: { return sums.c20; }
    case 9u: { return sums.c21; }
    case 10u: { return sums.c22; }
    case 11u: { return sums.c23; }
    case 12u: { return sums.c30; }
    case 13u: { return sums.c31; }
    case 14u: { return sums.c32; }
    default: { return sums.c33; }
  }
}

// Passes every block to the `store` of the shader. The loop is only for the large tile: it
// keeps the shader short; a software driver would compile a long one for seconds.
fn storeAll(sums: Sums, start: u32, tile: Tile, isFirst: bool, isLast: bool) {
  let row = tile.row;
  let column = tile.column;
  if (large) {
    for (var i = 0u; i < 16u; i++) {
      let at = column + i % 4u * tile.step;
      store(start, row + i / 4u * 4u, at, blockOf(sums, i), isFirst, isLast);
    }
  } else {
    let second = column + tile.step;
    store(start, row, column, sums.c00, isFirst, isLast);
    store(start, row, second, sums.c01, isFirst, isLast);
    store(start, row + 4u, column, sums.c10, isFirst, isLast);
    store(start, row + 4u, second, sums.c11, isFirst, isLast);
  }
}

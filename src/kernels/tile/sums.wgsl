// The sums that one invocation owns: a tile of 8×8 elements of a product of matrices, or
// of 16×16 if `large`, in blocks of 4×4.
//
// All have names, nothing is indexed by a variable, so they stay in registers and no access
// is checked. A tile of 8×8 takes 64 registers, which suits GPUs. A software driver keeps
// its lanes in memory anyhow and pays for loads most, so there the large one wins: it does
// twice the arithmetic per load.

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

fn sideOfTile() -> u32 {
  return select(8u, 16u, large);
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

// Where a tile lies. A lane's rows follow each other; its blocks of columns are `step`
// apart, so that lanes side by side read and write side by side.
struct Place {
  start: u32,
  row: u32,
  column: u32,
  step: u32,
}

// Hands every block to the `store` of the shader.
fn storeAll(sums: Sums, place: Place, isFirst: bool, isLast: bool) {
  let start = place.start;
  let row = place.row;
  let c0 = place.column;
  let c1 = c0 + place.step;
  store(start, row, c0, sums.c00, isFirst, isLast);
  store(start, row, c1, sums.c01, isFirst, isLast);
  store(start, row + 4u, c0, sums.c10, isFirst, isLast);
  store(start, row + 4u, c1, sums.c11, isFirst, isLast);
  if (large) {
    let c2 = c1 + place.step;
    let c3 = c2 + place.step;
    store(start, row, c2, sums.c02, isFirst, isLast);
    store(start, row, c3, sums.c03, isFirst, isLast);
    store(start, row + 4u, c2, sums.c12, isFirst, isLast);
    store(start, row + 4u, c3, sums.c13, isFirst, isLast);
    store(start, row + 8u, c0, sums.c20, isFirst, isLast);
    store(start, row + 8u, c1, sums.c21, isFirst, isLast);
    store(start, row + 8u, c2, sums.c22, isFirst, isLast);
    store(start, row + 8u, c3, sums.c23, isFirst, isLast);
    store(start, row + 12u, c0, sums.c30, isFirst, isLast);
    store(start, row + 12u, c1, sums.c31, isFirst, isLast);
    store(start, row + 12u, c2, sums.c32, isFirst, isLast);
    store(start, row + 12u, c3, sums.c33, isFirst, isLast);
  }
}

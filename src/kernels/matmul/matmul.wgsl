// Product of matrices, either factor transposed, for each image of a batch.
//
//   product[i] = g(op(left[i]) · op(right[i]) + bias) + residual[i], see epilogue.wgsl
//
// One invocation owns a tile, see sums.wgsl: 8×8 elements in blocks of 4×4. One step of the
// loop is four terms of the sums: 16 loads of four numbers for 256 multiplications, all
// straight-line, no barrier, no workgroup memory. The lanes of a row of the workgroup share
// the rows of the left factor and its columns those of the right one, so on hardware most
// loads are met by the first-level cache; the ratio of loads to arithmetic should then allow
// a third to a half of the peak (not measured yet).
//
// Four terms are added first, then 64 such sums in registers, then blocks of 256 terms in
// memory: in a fixed order, and more exact than one running sum.
//
// The batch may also be the shares of one long sum: `depth` terms each, the last `tail`.
//
// Invocations  batch · those of a matrix, see tile/shape.ts
// Reads        left [batch, rows, depth] or [batch, depth, rows],
//              right [batch or 1, depth, columns] or [batch or 1, columns, depth],
//              bias [columns] and residual [batch, rows, columns], or any tensors
// Writes       product [batch, rows, columns]

override transpose_left: bool = false;
override transpose_right: bool = false;

const BLOCK = 256u;

struct Sizes {
  batch: u32,
  rows: u32,
  columns: u32,
  depth: u32,
  tail: u32,
  // From one right factor to the next; 0 if all images share one.
  rightStep: u32,
  // Lanes of a workgroup side by side.
  across: u32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;

// Rows row … row + 3 of the left factor, terms k … k + 3: one column of the matrix per row.
fn leftBlock(start: u32, row: u32, k: u32, end: u32) -> mat4x4f {
  let count = end - k;
  if (transpose_left) {
    let at = start + min(row, sizes.rows - 1u);
    let last = end - 1u;
    let most = sizes.rows - row;
    return transpose(mat4x4f(
      leftFour(at + k * sizes.rows, most),
      leftFour(at + min(k + 1u, last) * sizes.rows, most),
      leftFour(at + min(k + 2u, last) * sizes.rows, most),
      leftFour(at + min(k + 3u, last) * sizes.rows, most),
    ));
  }
  let at = start + k;
  let last = sizes.rows - 1u;
  return mat4x4f(
    leftFour(at + min(row, last) * sizes.depth, count),
    leftFour(at + min(row + 1u, last) * sizes.depth, count),
    leftFour(at + min(row + 2u, last) * sizes.depth, count),
    leftFour(at + min(row + 3u, last) * sizes.depth, count),
  );
}

// Terms k … k + 3 of the right factor, columns column … column + 3, 0 beyond the end.
fn rightBlock(start: u32, column: u32, k: u32, end: u32) -> mat4x4f {
  let count = end - k;
  if (transpose_right) {
    let at = start + k;
    let last = sizes.columns - 1u;
    return transpose(mat4x4f(
      rightFour(at + min(column, last) * sizes.depth, count),
      rightFour(at + min(column + 1u, last) * sizes.depth, count),
      rightFour(at + min(column + 2u, last) * sizes.depth, count),
      rightFour(at + min(column + 3u, last) * sizes.depth, count),
    ));
  }
  let at = start + min(column, sizes.columns - 1u);
  let last = end - 1u;
  let most = sizes.columns - column;
  return mat4x4f(
    rightFour(at + k * sizes.columns, most),
    select(vec4f(), rightFour(at + min(k + 1u, last) * sizes.columns, most), count > 1u),
    select(vec4f(), rightFour(at + min(k + 2u, last) * sizes.columns, most), count > 2u),
    select(vec4f(), rightFour(at + min(k + 3u, last) * sizes.columns, most), count > 3u),
  );
}

fn store(start: u32, row: u32, column: u32, sums: mat4x4f, isFirst: bool, isLast: bool) {
  if (column >= sizes.columns) {
    return;
  }
  let at = start + row * sizes.columns + column;
  let count = sizes.columns - column;
  if (row < sizes.rows) {
    finish(at, column, count, sums[0], isFirst, isLast);
  }
  if (row + 1u < sizes.rows) {
    finish(at + sizes.columns, column, count, sums[1], isFirst, isLast);
  }
  if (row + 2u < sizes.rows) {
    finish(at + 2u * sizes.columns, column, count, sums[2], isFirst, isLast);
  }
  if (row + 3u < sizes.rows) {
    finish(at + 3u * sizes.columns, column, count, sums[3], isFirst, isLast);
  }
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let side = sideOfTile();
  let width = side * sizes.across;
  let height = side * 64u / sizes.across;
  let tilesAcross = (sizes.columns + width - 1u) / width;
  let tilesDown = (sizes.rows + height - 1u) / height;
  let tile = group.x + group.y * groups.x;
  let image = tile / (tilesAcross * tilesDown);
  let row = tile / tilesAcross % tilesDown * height + lane / sizes.across * side;
  let column = tile % tilesAcross * width + lane % sizes.across * 4u;
  if (image >= sizes.batch || row >= sizes.rows || column >= sizes.columns) {
    return;
  }
  let step = 4u * sizes.across;
  let place = Place(image * sizes.rows * sizes.columns, row, column, step);
  let startLeft = image * sizes.rows * sizes.depth;
  let startRight = image * sizes.rightStep;
  let depth = select(sizes.depth, sizes.tail, image + 1u == sizes.batch);

  for (var begin = 0u; begin < depth; begin += BLOCK) {
    let stop = min(begin + BLOCK, depth);
    var sums = Sums();
    for (var k = begin; k < stop; k += 4u) {
      var columns: Blocks;
      columns.first = rightBlock(startRight, column, k, depth);
      columns.second = rightBlock(startRight, column + step, k, depth);
      var rows: Blocks;
      rows.first = leftBlock(startLeft, row, k, depth);
      rows.second = leftBlock(startLeft, row + 4u, k, depth);
      if (large) {
        columns.third = rightBlock(startRight, column + 2u * step, k, depth);
        columns.fourth = rightBlock(startRight, column + 3u * step, k, depth);
        rows.third = leftBlock(startLeft, row + 8u, k, depth);
        rows.fourth = leftBlock(startLeft, row + 12u, k, depth);
      }
      accumulate(&sums, rows, columns);
    }
    storeAll(sums, place, begin == 0u, stop == depth);
  }
}

// Product of matrices, either factor transposed, for each image of a batch.
//
//   product[i] = g(op(left[i]) · op(right[i]) + bias) + residual[i], see epilogue.wgsl
//
// One invocation owns a tile, see register_tile.wgsl: 8×8 elements in blocks of 4×4. One step
// of the loop is four terms of the sums: 16 loads of four numbers for 256 multiplications, all
// straight-line, no barrier, no workgroup memory. The lanes of a row of the workgroup share
// the rows of the left factor and its columns those of the right one, so on hardware most
// loads hit the first-level cache; the ratio of loads to arithmetic should then allow a third
// to a half of the peak (not measured yet).
//
// Four terms are added first, then 64 such sums in registers, then blocks of 256 terms in
// memory: in a fixed order, and more exact than one running sum.
//
// `rightStep` elements lie between right factors, 0 if all images share one. The batch may
// also be the splits of one long sum: `depth` terms each, the last `tail`.
//
// Invocations  batch · those of a matrix, see tiling.ts
// Reads        left [batch, rows, depth] or [batch, depth, rows],
//              right [batch or 1, depth, columns] or [batch or 1, columns, depth],
//              bias [columns] and residual [batch, rows, columns], or any tensors
// Writes       product [batch, rows, columns]

override transposeLeft: bool = false;
override transposeRight: bool = false;

const BLOCK = 256u;

// Rows row … row + 3 of the left factor, terms k … k + 3: one column of the matrix per row.
fn leftBlock(start: u32, row: u32, k: u32, end: u32) -> mat4x4f {
  let count = end - k;
  if (transposeLeft) {
    let at = start + min(row, uniforms.rows - 1u);
    let last = end - 1u;
    let most = uniforms.rows - row;
    return transpose(mat4x4f(
      leftFour(at + k * uniforms.rows, most),
      leftFour(at + min(k + 1u, last) * uniforms.rows, most),
      leftFour(at + min(k + 2u, last) * uniforms.rows, most),
      leftFour(at + min(k + 3u, last) * uniforms.rows, most),
    ));
  }
  let at = start + k;
  let last = uniforms.rows - 1u;
  return mat4x4f(
    leftFour(at + min(row, last) * uniforms.depth, count),
    leftFour(at + min(row + 1u, last) * uniforms.depth, count),
    leftFour(at + min(row + 2u, last) * uniforms.depth, count),
    leftFour(at + min(row + 3u, last) * uniforms.depth, count),
  );
}

// Terms k … k + 3 of the right factor, columns column … column + 3, 0 beyond the end.
fn rightBlock(start: u32, column: u32, k: u32, end: u32) -> mat4x4f {
  let count = end - k;
  if (transposeRight) {
    let at = start + k;
    let last = uniforms.columns - 1u;
    return transpose(mat4x4f(
      rightFour(at + min(column, last) * uniforms.depth, count),
      rightFour(at + min(column + 1u, last) * uniforms.depth, count),
      rightFour(at + min(column + 2u, last) * uniforms.depth, count),
      rightFour(at + min(column + 3u, last) * uniforms.depth, count),
    ));
  }
  let at = start + min(column, uniforms.columns - 1u);
  let last = end - 1u;
  let most = uniforms.columns - column;
  return mat4x4f(
    rightFour(at + k * uniforms.columns, most),
    select(vec4f(), rightFour(at + min(k + 1u, last) * uniforms.columns, most), count > 1u),
    select(vec4f(), rightFour(at + min(k + 2u, last) * uniforms.columns, most), count > 2u),
    select(vec4f(), rightFour(at + min(k + 3u, last) * uniforms.columns, most), count > 3u),
  );
}

fn store(start: u32, row: u32, column: u32, sums: mat4x4f, isFirst: bool, isLast: bool) {
  if (column >= uniforms.columns) {
    return;
  }
  let at = start + row * uniforms.columns + column;
  let count = uniforms.columns - column;
  if (row < uniforms.rows) {
    finish(at, column, count, sums[0], isFirst, isLast);
  }
  if (row + 1u < uniforms.rows) {
    finish(at + uniforms.columns, column, count, sums[1], isFirst, isLast);
  }
  if (row + 2u < uniforms.rows) {
    finish(at + 2u * uniforms.columns, column, count, sums[2], isFirst, isLast);
  }
  if (row + 3u < uniforms.rows) {
    finish(at + 3u * uniforms.columns, column, count, sums[3], isFirst, isLast);
  }
}

fn computeLane(group: u32, lane: u32) {
  let tile = tileOf(group, lane, uniforms.rows, uniforms.columns);
  let image = tile.matrix;
  let row = tile.row;
  let column = tile.column;
  if ((image >= uniforms.batch) | (row >= uniforms.rows) | (column >= uniforms.columns)) {
    return;
  }
  let step = tile.step;
  let start = image * uniforms.rows * uniforms.columns;
  let startLeft = image * uniforms.rows * uniforms.depth;
  let startRight = image * uniforms.rightStep;
  let depth = select(uniforms.depth, uniforms.tail, image + 1u == uniforms.batch);

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
    storeAll(sums, start, tile, begin == 0u, stop == depth);
  }
}

// How many elements of a mask are not zero, block by block of each row: pass 1 of 2.
//
//   counts[r, b] = number of columns in [256·b, 256·b + 256) with mask[r, column] ≠ 0
//
// Invocations  R · blocks
// Reads        mask [R, columns]
// Writes       counts [R, blocks]

const BLOCK = 256u;

fn compute(i: u32) {
  let first = i % uniforms.blocks * BLOCK;
  let end = min(first + BLOCK, uniforms.columns);
  let row = i / uniforms.blocks * uniforms.columns;
  var found = 0.0;
  for (var column = first; column < end; column++) {
    if (mask[row + column] != 0.0) {
      found += 1.0;
    }
  }
  counts[i] = found;
}

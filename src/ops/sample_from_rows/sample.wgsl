// Random columns in which a mask is not zero, row by row: pass 2 of 2.
//
//   n = nonzero elements of the row, u = uniformAt(r · samples + j)
//   with replacement  k = floor(u · n)
//   stratified        k = j if n ≤ samples,
//                     else one of [floor(j·n/samples), floor((j+1)·n/samples))
//   index[r, j] = the column with k nonzero ones before it; −1 if there is none
//
// Stratified sampling takes every column at most once, in order.
//
// Invocations  R · samples
// Reads        mask [R, columns], counts [R, blocks]
// Writes       index [R, samples]

const BLOCK = 256u;

// floor(j · n / samples) without the product, which may not fit.
fn stratum(j: u32, n: u32) -> u32 {
  return j * (n / uniforms.samples) + j * (n % uniforms.samples) / uniforms.samples;
}

fn compute(i: u32) {
  let row = i / uniforms.samples;
  let j = i % uniforms.samples;
  var n = 0u;
  for (var b = 0u; b < uniforms.blocks; b++) {
    n += u32(counts[row * uniforms.blocks + b]);
  }
  let takesAll = (uniforms.stratified == 1u) & (n <= uniforms.samples);
  if ((n == 0u) | (takesAll & (j >= n))) {
    index[i] = -1;
    return;
  }
  var from_ = 0u;
  var width = n;
  if (takesAll) {
    from_ = j;
    width = 1u;
  } else if (uniforms.stratified == 1u) {
    from_ = stratum(j, n);
    width = stratum(j + 1u, n) - from_;
  }
  var rest = from_ + randomInteger(width, i);

  var block = 0u;
  for (; block < uniforms.blocks; block++) {
    let here = u32(counts[row * uniforms.blocks + block]);
    if (rest < here) {
      break;
    }
    rest -= here;
  }
  for (var column = block * BLOCK; column < uniforms.columns; column++) {
    if (mask[row * uniforms.columns + column] != 0.0) {
      if (rest == 0u) {
        index[i] = i32(column);
        return;
      }
      rest--;
    }
  }
}

// Adds to attention scores a bias per relative position of two tokens: those of a grid,
// row by row, after one that has no place, the class token.
//
//   out[n, h, i, j] = scores[n, h, i, j] + table[entry(i, j), h]
//   entry(i, j) = (yi − yj + TH − 1)·(2·TW − 1) + xi − xj + TW − 1   between tokens of the grid
//
// The last three entries are for class → grid, grid → class and class → class. The table
// may be made for a larger grid, TH × TW, than there is, H × W.
//
// Invocations  B · heads · N²,  N = 1 + H·W
// Reads        scores [B, heads, N, N], table [(2·TH − 1)·(2·TW − 1) + 3, heads]
// Writes       out, like scores

fn entry(i: u32, j: u32) -> u32 {
  let tall = 2u * uniforms.tableHeight - 1u;
  let wide = 2u * uniforms.tableWidth - 1u;
  if ((i == 0u) | (j == 0u)) {
    return tall * wide + select(select(1u, 0u, i == 0u), 2u, i == j);
  }
  let a = i - 1u;
  let b = j - 1u;
  let dy = a / uniforms.width + uniforms.tableHeight - 1u - b / uniforms.width;
  let dx = a % uniforms.width + uniforms.tableWidth - 1u - b % uniforms.width;
  return dy * wide + dx;
}

fn compute(k: u32) {
  let tokens = 1u + uniforms.height * uniforms.width;
  let j = k % tokens;
  let i = k / tokens % tokens;
  let h = k / (tokens * tokens) % uniforms.heads;
  out[k] = scores[k] + table[entry(i, j) * uniforms.heads + h];
}

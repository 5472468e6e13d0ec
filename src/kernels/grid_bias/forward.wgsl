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

struct Sizes {
  count: u32,
  heads: u32,
  height: u32,
  width: u32,
  tableHeight: u32,
  tableWidth: u32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> scores: array<f32>;
@group(0) @binding(2) var<storage, read> table: array<f32>;
@group(0) @binding(3) var<storage, read_write> out: array<f32>;

fn entry(i: u32, j: u32) -> u32 {
  let tall = 2u * sizes.tableHeight - 1u;
  let wide = 2u * sizes.tableWidth - 1u;
  if (i == 0u || j == 0u) {
    return tall * wide + select(select(1u, 0u, i == 0u), 2u, i == j);
  }
  let a = i - 1u;
  let b = j - 1u;
  let dy = a / sizes.width + sizes.tableHeight - 1u - b / sizes.width;
  let dx = a % sizes.width + sizes.tableWidth - 1u - b % sizes.width;
  return dy * wide + dx;
}

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let k = id.x + id.y * groups.x * 64u;
  if (k >= sizes.count) {
    return;
  }
  let tokens = 1u + sizes.height * sizes.width;
  let j = k % tokens;
  let i = k / tokens % tokens;
  let h = k / (tokens * tokens) % sizes.heads;
  out[k] = scores[k] + table[entry(i, j) * sizes.heads + h];
}

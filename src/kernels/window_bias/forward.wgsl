// Adds to attention scores a bias per relative position, and −100 between pixels that
// rolling alone made neighbours.
//
//   out[n, h, p, q] = scores[n, h, p, q] + table[Δ(p, q), h] − 100·[apart(n, p, q)]
//   Δ(p, q) = (py − qy + w − 1)·(2w − 1) + px − qx + w − 1
//
// for pixels p = (py, px) and q of a window of side w. A map that was rolled by `shift` has
// its upper rows in the last `shift` rows of its last windows, and its left columns likewise:
// two pixels are apart if such a seam separates them.
//
// Invocations  B·R·S · heads · w⁴
// Reads        scores [B·R·S, heads, w², w²], table [(2w − 1)², heads]
// Writes       out, like scores

struct Sizes {
  count: u32,
  heads: u32,
  window: u32,
  shift: u32,
  rows: u32,
  columns: u32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> scores: array<f32>;
@group(0) @binding(2) var<storage, read> table: array<f32>;
@group(0) @binding(3) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let k = id.x + id.y * groups.x * 64u;
  if (k >= sizes.count) {
    return;
  }
  let w = sizes.window;
  let pixels = w * w;
  let q = k % pixels;
  let p = k / pixels % pixels;
  let h = k / (pixels * pixels) % sizes.heads;
  let n = k / (pixels * pixels * sizes.heads);
  let dy = p / w + w - 1u - q / w;
  let dx = p % w + w - 1u - q % w;
  var value = scores[k] + table[(dy * (2u * w - 1u) + dx) * sizes.heads + h];
  // Without a roll the seam is at the border, where it separates nothing.
  let seam = w - sizes.shift;
  let lowest = n / sizes.columns % sizes.rows == sizes.rows - 1u;
  let rightmost = n % sizes.columns == sizes.columns - 1u;
  if ((lowest && (p / w < seam) != (q / w < seam))
    || (rightmost && (p % w < seam) != (q % w < seam))) {
    value -= 100.0;
  }
  out[k] = value;
}

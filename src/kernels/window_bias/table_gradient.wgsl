// Gradient of a table of biases per relative position.
//
//   out[Δ, h] = Σ over pairs p, q of pixels with p − q = Δ of dy[h, p, q], by rows of p
//
// One invocation owns one entry and visits only the pixels that have such a partner.
//
// Invocations  (2w − 1)² · heads
// Reads        dy, summed over windows [heads, w², w²]
// Writes       out [(2w − 1)², heads]

struct Sizes {
  heads: u32,
  window: u32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let k = id.x + id.y * groups.x * 64u;
  let w = sizes.window;
  let side = 2u * w - 1u;
  if (k >= side * side * sizes.heads) {
    return;
  }
  let h = k % sizes.heads;
  // From 0 to 2w − 2; w − 1 is the pixel itself.
  let down = k / sizes.heads / side;
  let right = k / sizes.heads % side;
  let pixels = w * w;
  var sum = 0.0;
  for (var y = max(down, w - 1u) - (w - 1u); y < min(w, down + 1u); y++) {
    var row = 0.0;
    for (var x = max(right, w - 1u) - (w - 1u); x < min(w, right + 1u); x++) {
      let q = (y + w - 1u - down) * w + x + w - 1u - right;
      row += dy[(h * pixels + y * w + x) * pixels + q];
    }
    sum += row;
  }
  out[k] = sum;
}

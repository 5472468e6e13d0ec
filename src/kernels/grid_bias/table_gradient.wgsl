// Gradient of a table of biases per relative position of tokens, see forward.wgsl.
//
//   out[e, h] = Σ over pairs i, j of tokens with entry(i, j) = e of dy[h, i, j], by rows
//
// One invocation owns one entry and visits only the tokens that have such a partner;
// entries of distances that the grid does not have are 0.
//
// Invocations  ((2·TH − 1)·(2·TW − 1) + 3) · heads
// Reads        dy, summed over the batch [heads, N, N],  N = 1 + H·W
// Writes       out [(2·TH − 1)·(2·TW − 1) + 3, heads]

struct Sizes {
  heads: u32,
  height: u32,
  width: u32,
  tableHeight: u32,
  tableWidth: u32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;

// The scores of the class token with all tokens of the grid: `first` is its own with the
// first of them, `step` the way to the next.
fn of_class(first: u32, step: u32) -> f32 {
  var sum = 0.0;
  for (var y = 0u; y < sizes.height; y++) {
    var row = 0.0;
    for (var x = 0u; x < sizes.width; x++) {
      row += dy[first + (y * sizes.width + x) * step];
    }
    sum += row;
  }
  return sum;
}

// The scores of all pairs `down` rows and `right` columns apart.
fn of_grid(first: u32, down: i32, right: i32) -> f32 {
  let tokens = 1u + sizes.height * sizes.width;
  let height = i32(sizes.height);
  let width = i32(sizes.width);
  var sum = 0.0;
  for (var y = max(0, down); y < min(height, height + down); y++) {
    var row = 0.0;
    for (var x = max(0, right); x < min(width, width + right); x++) {
      let i = u32(1 + y * width + x);
      let j = u32(1 + (y - down) * width + x - right);
      row += dy[first + i * tokens + j];
    }
    sum += row;
  }
  return sum;
}

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let k = id.x + id.y * groups.x * 64u;
  let wide = 2u * sizes.tableWidth - 1u;
  let pairs = (2u * sizes.tableHeight - 1u) * wide;
  if (k >= (pairs + 3u) * sizes.heads) {
    return;
  }
  let h = k % sizes.heads;
  let entry = k / sizes.heads;
  let tokens = 1u + sizes.height * sizes.width;
  let first = h * tokens * tokens;
  if (entry == pairs) {
    out[k] = of_class(first + 1u, 1u);
  } else if (entry == pairs + 1u) {
    out[k] = of_class(first + tokens, tokens);
  } else if (entry == pairs + 2u) {
    out[k] = dy[first];
  } else {
    let down = i32(entry / wide) - i32(sizes.tableHeight - 1u);
    let right = i32(entry % wide) - i32(sizes.tableWidth - 1u);
    out[k] = of_grid(first, down, right);
  }
}

// Gradient of the products with respect to the anchors.
//
//   da[c, q] = dy[c, q, 0] · positives[c] + Σ over k of dy[c, q, 1 + k] · row
//   row = bank[c, v] if v < S, keys[c, v − S] beyond; zeros if v = index[c, q, k] < 0
//
// Invocations  C · Q · D
// Reads        dy [C, Q, N + 1], positives [C, D], bank [C, S, D], keys [C, M, D],
//              index [C, Q, N]
// Writes       da [C, Q, D]

struct Sizes {
  count: u32,
  columns: u32,
  queries: u32,
  negatives: u32,
  capacity: u32,
  most: u32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read> positives: array<f32>;
@group(0) @binding(3) var<storage, read> bank: array<f32>;
@group(0) @binding(4) var<storage, read> keys: array<f32>;
@group(0) @binding(5) var<storage, read> index: array<i32>;
@group(0) @binding(6) var<storage, read_write> da: array<f32>;

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= sizes.count) {
    return;
  }
  let d = i % sizes.columns;
  let query = i / sizes.columns;
  let class_ = query / sizes.queries;
  let slopes = query * (sizes.negatives + 1u);
  var sum = dy[slopes] * positives[class_ * sizes.columns + d];
  for (var k = 0u; k < sizes.negatives; k++) {
    let v = index[query * sizes.negatives + k];
    var value = 0.0;
    if (v >= i32(sizes.capacity)) {
      let row = class_ * sizes.most + u32(v) - sizes.capacity;
      value = keys[row * sizes.columns + d];
    } else if (v >= 0) {
      let row = class_ * sizes.capacity + u32(v);
      value = bank[row * sizes.columns + d];
    }
    sum += dy[slopes + 1u + k] * value;
  }
  da[i] = sum;
}

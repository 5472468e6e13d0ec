// Products of anchors with a positive and with entries of a bank that are never put side by
// side in memory.
//
//   out[c, q, 0]     = anchors[c, q] · positives[c]
//   out[c, q, 1 + k] = anchors[c, q] · row, v = index[c, q, k]
//   row = bank[c, v] if v < S, keys[c, v − S] beyond; zeros if v is negative
//
// Invocations  C · Q · (N + 1)
// Reads        anchors [C, Q, D], positives [C, D], bank [C, S, D], keys [C, M, D],
//              index [C, Q, N]
// Writes       out [C, Q, N + 1]

struct Sizes {
  count: u32,
  columns: u32,
  queries: u32,
  negatives: u32,
  capacity: u32,
  most: u32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> anchors: array<f32>;
@group(0) @binding(2) var<storage, read> positives: array<f32>;
@group(0) @binding(3) var<storage, read> bank: array<f32>;
@group(0) @binding(4) var<storage, read> keys: array<f32>;
@group(0) @binding(5) var<storage, read> index: array<i32>;
@group(0) @binding(6) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= sizes.count) {
    return;
  }
  let k = i % (sizes.negatives + 1u);
  let query = i / (sizes.negatives + 1u);
  let class_ = query / sizes.queries;
  let own = query * sizes.columns;
  var sum = 0.0;
  if (k == 0u) {
    let row = class_ * sizes.columns;
    for (var d = 0u; d < sizes.columns; d++) {
      sum += anchors[own + d] * positives[row + d];
    }
    out[i] = sum;
    return;
  }
  let v = index[query * sizes.negatives + k - 1u];
  if (v >= i32(sizes.capacity)) {
    let row = (class_ * sizes.most + u32(v) - sizes.capacity) * sizes.columns;
    for (var d = 0u; d < sizes.columns; d++) {
      sum += anchors[own + d] * keys[row + d];
    }
  } else if (v >= 0) {
    let row = (class_ * sizes.capacity + u32(v)) * sizes.columns;
    for (var d = 0u; d < sizes.columns; d++) {
      sum += anchors[own + d] * bank[row + d];
    }
  }
  out[i] = sum;
}

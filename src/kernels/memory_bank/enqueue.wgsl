// New entries of a bank replace the oldest ones, in place.
//
//   bank[c, (next[c] + j) mod S] ← keys[c, j] for j < fresh[c]
//
// M must be at most S, so that no two of them meet.
//
// Invocations  C · M · D
// Reads        keys [C, M, D], fresh [C], cursor [C, 3]: next place, (any), (any)
// Updates      bank [C, S, D]

struct Sizes {
  count: u32,
  columns: u32,
  capacity: u32,
  most: u32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> keys: array<f32>;
@group(0) @binding(2) var<storage, read> fresh: array<f32>;
@group(0) @binding(3) var<storage, read> cursor: array<f32>;
@group(0) @binding(4) var<storage, read_write> bank: array<f32>;

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
  let j = i / sizes.columns % sizes.most;
  let class_ = i / (sizes.columns * sizes.most);
  if (j >= u32(fresh[class_])) {
    return;
  }
  let place = (u32(cursor[3u * class_]) + j) % sizes.capacity;
  bank[(class_ * sizes.capacity + place) * sizes.columns + d] = keys[i];
}

// How many cells of a mask are set, block by block of each row: pass 1 of 2.
//
//   counts[r, b] = number of columns in [256·b, 256·b + 256) with mask[r, column] ≠ 0
//
// Invocations  R · blocks
// Reads        mask [R, columns]
// Writes       counts [R, blocks]

struct Sizes {
  count: u32,
  columns: u32,
  blocks: u32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> mask: array<f32>;
@group(0) @binding(2) var<storage, read_write> counts: array<f32>;

const BLOCK = 256u;

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= sizes.count) {
    return;
  }
  let first = i % sizes.blocks * BLOCK;
  let end = min(first + BLOCK, sizes.columns);
  let row = i / sizes.blocks * sizes.columns;
  var found = 0.0;
  for (var column = first; column < end; column++) {
    if (mask[row + column] != 0.0) {
      found += 1.0;
    }
  }
  counts[i] = found;
}

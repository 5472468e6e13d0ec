// Gradient of the cross entropy of enlarged logits, pass 4 of 4: a logit is the corner of
// four cells.
//
// Invocations  N = B · h · w · C
// Reads        cells [N, 4]: upper left, upper right, lower left, lower right
// Writes       slopes [N]

struct Sizes {
  count: u32,
  height: u32,
  width: u32,
  classes: u32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> cells: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> slopes: array<f32>;

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= sizes.count) {
    return;
  }
  let left = i / sizes.classes % sizes.width;
  let line = sizes.width * sizes.classes;
  let top = i / line % sizes.height;
  var sum = cells[i].x;
  if (left > 0u) {
    sum += cells[i - sizes.classes].y;
  }
  if (top > 0u) {
    sum += cells[i - line].z;
    if (left > 0u) {
      sum += cells[i - line - sizes.classes].w;
    }
  }
  slopes[i] = sum;
}

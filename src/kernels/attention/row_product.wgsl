// What the softmax takes back from the gradient of each score of a row:
//
//   back[n] = Σ over the channels of a head of dy[n] · out[n]
//
// Invocations  B · heads · N, the queries of a head side by side
// Reads        dy [B, N, C], out [B, N, C]
// Writes       back [B, heads, N]

@group(0) @binding(1) var<storage, read> dy: array<vec4f>;
@group(0) @binding(2) var<storage, read> out: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> back: array<f32>;

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= sizes.count) {
    return;
  }
  let head = i / sizes.rows % sizes.heads;
  let own = rowAt(i / (sizes.rows * sizes.heads), head, i % sizes.rows);
  var sum = 0.0;
  for (var j = 0u; j < sizes.depth; j++) {
    sum += dot(dy[own + j], out[own + j]);
  }
  back[i] = sum;
}

// Gradient of attention by its queries; the scores are computed again.
//
//   p = exp(s[n, m] − log[n]),  ds[n, m] = p · (dy[n] · v[m] − back[n])
//   dq[n] = scale · Σ_m ds[n, m] · k[m]
//
// Invocations  B · heads · N, the queries of a head side by side
// Reads        query [B, N, C], keyValue [B, M, 2C], dy [B, N, C], log and back [B, heads, N]
// Writes       dq [B, N, C]

@group(0) @binding(1) var<storage, read> query: array<vec4f>;
@group(0) @binding(2) var<storage, read> keyValue: array<vec4f>;
@group(0) @binding(3) var<storage, read> dy: array<vec4f>;
@group(0) @binding(4) var<storage, read> logs: array<f32>;
@group(0) @binding(5) var<storage, read> back: array<f32>;
@group(0) @binding(6) var<storage, read_write> dq: array<vec4f>;

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
  let image = i / (sizes.rows * sizes.heads);
  let own = rowAt(image, head, i % sizes.rows);
  let values = valueBehind();
  var q: array<vec4f, MOST>;
  var g: array<vec4f, MOST>;
  var sum: array<vec4f, MOST>;
  for (var j = 0u; j < sizes.depth; j++) {
    q[j] = query[own + j] * sizes.scale;
    g[j] = dy[own + j];
  }
  for (var first = 0u; first < sizes.columns; first += 4u) {
    let m = min(first + vec4u(0u, 1u, 2u, 3u), vec4u(sizes.columns - 1u));
    let a = keyAt(image, head, m.x);
    let b = keyAt(image, head, m.y);
    let c = keyAt(image, head, m.z);
    let d = keyAt(image, head, m.w);
    var s = vec4f();
    var t = vec4f();
    for (var j = 0u; j < sizes.depth; j++) {
      s += vec4f(
        dot(q[j], keyValue[a + j]),
        dot(q[j], keyValue[b + j]),
        dot(q[j], keyValue[c + j]),
        dot(q[j], keyValue[d + j]),
      );
      let at = values + j;
      t += vec4f(
        dot(g[j], keyValue[a + at]),
        dot(g[j], keyValue[b + at]),
        dot(g[j], keyValue[c + at]),
        dot(g[j], keyValue[d + at]),
      );
    }
    let ds = select(
      vec4f(),
      exp(s - logs[i]) * (t - back[i]),
      first + vec4u(0u, 1u, 2u, 3u) < vec4u(sizes.columns),
    );
    for (var j = 0u; j < sizes.depth; j++) {
      sum[j] += ds.x * keyValue[a + j] + ds.y * keyValue[b + j]
        + ds.z * keyValue[c + j] + ds.w * keyValue[d + j];
    }
  }
  for (var j = 0u; j < sizes.depth; j++) {
    dq[own + j] = sum[j] * sizes.scale;
  }
}

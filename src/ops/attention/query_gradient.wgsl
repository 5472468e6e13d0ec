// Gradient of attention by its queries; the scores are computed again.
//
//   p = exp(s[n, m] − logSumExp[n]),  ds[n, m] = p · (dy[n] · v[m] − delta[n])
//   dq[n] = scale · Σ_m ds[n, m] · k[m]
//
// Invocations  B · heads · N, the queries of a head side by side
// Reads        query [B, N, C], keyValue [B, M, 2C], dy [B, N, C],
//              logSumExp and delta [B, heads, N]
// Writes       dq [B, N, C]

fn compute(i: u32) {
  let head = i / uniforms.rows % uniforms.heads;
  let image = i / (uniforms.rows * uniforms.heads);
  let own = rowAt(image, head, i % uniforms.rows);
  let values = valueBehind();
  var q: array<vec4f, MOST>;
  var g: array<vec4f, MOST>;
  var sum: array<vec4f, MOST>;
  for (var j = 0u; j < uniforms.depth; j++) {
    q[j] = query[own + j] * uniforms.scale;
    g[j] = dy[own + j];
  }
  for (var first = 0u; first < uniforms.columns; first += 4u) {
    let m = min(first + vec4u(0u, 1u, 2u, 3u), vec4u(uniforms.columns - 1u));
    let a = keyAt(image, head, m.x);
    let b = keyAt(image, head, m.y);
    let c = keyAt(image, head, m.z);
    let d = keyAt(image, head, m.w);
    var s = vec4f();
    var t = vec4f();
    for (var j = 0u; j < uniforms.depth; j++) {
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
      exp(s - logSumExp[i]) * (t - delta[i]),
      first + vec4u(0u, 1u, 2u, 3u) < vec4u(uniforms.columns),
    );
    for (var j = 0u; j < uniforms.depth; j++) {
      sum[j] += ds.x * keyValue[a + j] + ds.y * keyValue[b + j]
        + ds.z * keyValue[c + j] + ds.w * keyValue[d + j];
    }
  }
  for (var j = 0u; j < uniforms.depth; j++) {
    dq[own + j] = sum[j] * uniforms.scale;
  }
}

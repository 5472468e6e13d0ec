// Softmax attention without storing the scores.
//
//   out[n] = Σ_m exp(s[n, m] − logSumExp[n]) · v[m],  s[n, m] = scale · q[n] · k[m],
//   logSumExp[n] = log Σ_m exp(s[n, m])
//
// An invocation owns a query of one head and walks over the keys, four at a time, with
// the largest score so far; what it has is rescaled where a larger one turns up.
//
// Invocations  B · heads · N, the queries of a head side by side
// Reads        query [B, N, C], keyValue [B, M, 2C], both in vectors of four channels
// Writes       out [B, N, C], logSumExp [B, heads, N]

fn compute(i: u32) {
  let head = i / uniforms.rows % uniforms.heads;
  let image = i / (uniforms.rows * uniforms.heads);
  let own = rowAt(image, head, i % uniforms.rows);
  let values = valueBehind();
  var q: array<vec4f, MOST>;
  var sum: array<vec4f, MOST>;
  for (var j = 0u; j < uniforms.depth; j++) {
    q[j] = query[own + j] * uniforms.scale;
  }
  var largest = LOWEST;
  var mass = 0.0;
  for (var first = 0u; first < uniforms.columns; first += 4u) {
    let m = min(first + vec4u(0u, 1u, 2u, 3u), vec4u(uniforms.columns - 1u));
    let a = keyAt(image, head, m.x);
    let b = keyAt(image, head, m.y);
    let c = keyAt(image, head, m.z);
    let d = keyAt(image, head, m.w);
    var s = vec4f();
    for (var j = 0u; j < uniforms.depth; j++) {
      s += vec4f(
        dot(q[j], keyValue[a + j]),
        dot(q[j], keyValue[b + j]),
        dot(q[j], keyValue[c + j]),
        dot(q[j], keyValue[d + j]),
      );
    }
    s = select(vec4f(LOWEST), s, first + vec4u(0u, 1u, 2u, 3u) < vec4u(uniforms.columns));
    let next = max(max(max(s.x, s.y), max(s.z, s.w)), largest);
    let kept = exp(largest - next);
    let p = exp(s - next);
    mass = mass * kept + dot(p, vec4f(1.0));
    largest = next;
    for (var j = 0u; j < uniforms.depth; j++) {
      let at = values + j;
      sum[j] = sum[j] * kept + p.x * keyValue[a + at] + p.y * keyValue[b + at]
        + p.z * keyValue[c + at] + p.w * keyValue[d + at];
    }
  }
  for (var j = 0u; j < uniforms.depth; j++) {
    out[own + j] = sum[j] / mass;
  }
  logSumExp[i] = largest + log(mass);
}

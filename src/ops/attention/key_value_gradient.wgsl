// Gradient of attention by its keys and values, a split of the queries at a time; the scores
// are computed again.
//
//   p = exp(s[n, m] − logSumExp[n]),  ds[n, m] = p · (dy[n] · v[m] − delta[n])
//   dk[m] = scale · Σ_n ds[n, m] · q[n],  dv[m] = Σ_n p · dy[n]
//
// An invocation owns a key of one head and walks over the queries of its split, four at a
// time. The sums of the splits are added afterwards, in order (columnSum).
//
// Invocations  splits · B · heads · M, the keys of a head side by side
// Reads        query [B, N, C], keyValue [B, M, 2C], dy [B, N, C],
//              logSumExp and delta [B, heads, N]
// Writes       partialSums [splits, B, M, 2C]

fn compute(i: u32) {
  let column = i % uniforms.columns;
  let head = i / uniforms.columns % uniforms.heads;
  let columns = uniforms.columns * uniforms.heads;
  let images = uniforms.invocations / columns;
  // The partial sums of all images of a split follow each other, then come those of the next.
  let place = i / columns;
  let splits = (uniforms.rows + uniforms.rowsPerSplit - 1u) / uniforms.rowsPerSplit;
  let image = place % (images / splits);
  let start = place / (images / splits) * uniforms.rowsPerSplit;
  let end = min(start + uniforms.rowsPerSplit, uniforms.rows);

  let key = keyAt(image, head, column);
  let values = valueBehind();
  let stats = (image * uniforms.heads + head) * uniforms.rows;
  var dk: array<vec4f, MOST>;
  var dv: array<vec4f, MOST>;
  for (var first = start; first < end; first += 4u) {
    let n = min(first + vec4u(0u, 1u, 2u, 3u), vec4u(end - 1u));
    let a = rowAt(image, head, n.x);
    let b = rowAt(image, head, n.y);
    let c = rowAt(image, head, n.z);
    let d = rowAt(image, head, n.w);
    var s = vec4f();
    var t = vec4f();
    for (var j = 0u; j < uniforms.depth; j++) {
      let k = keyValue[key + j];
      s += vec4f(
        dot(k, query[a + j]),
        dot(k, query[b + j]),
        dot(k, query[c + j]),
        dot(k, query[d + j]),
      );
      let v = keyValue[key + values + j];
      t += vec4f(dot(v, dy[a + j]), dot(v, dy[b + j]), dot(v, dy[c + j]), dot(v, dy[d + j]));
    }
    let rows = stats + n;
    let l = vec4f(logSumExp[rows.x], logSumExp[rows.y], logSumExp[rows.z], logSumExp[rows.w]);
    let taken = vec4f(delta[rows.x], delta[rows.y], delta[rows.z], delta[rows.w]);
    let p = select(
      vec4f(),
      exp(s * uniforms.scale - l),
      first + vec4u(0u, 1u, 2u, 3u) < vec4u(end),
    );
    let ds = p * (t - taken);
    for (var j = 0u; j < uniforms.depth; j++) {
      dk[j] += ds.x * query[a + j] + ds.y * query[b + j] + ds.z * query[c + j]
        + ds.w * query[d + j];
      dv[j] += p.x * dy[a + j] + p.y * dy[b + j] + p.z * dy[c + j] + p.w * dy[d + j];
    }
  }
  let to = keyAt(place, head, column);
  for (var j = 0u; j < uniforms.depth; j++) {
    partialSums[to + j] = dk[j] * uniforms.scale;
    partialSums[to + values + j] = dv[j];
  }
}

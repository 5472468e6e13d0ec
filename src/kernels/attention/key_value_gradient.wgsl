// Gradient of attention by its keys and values, a block of queries at a time; the scores
// are computed again.
//
//   p = exp(s[n, m] − log[n]),  ds[n, m] = p · (dy[n] · v[m] − back[n])
//   dk[m] = scale · Σ_n ds[n, m] · q[n],  dv[m] = Σ_n p · dy[n]
//
// An invocation owns a key of one head and walks over the queries of its block, four at a
// time. The sums of the blocks are added afterwards, in order (columnSum).
//
// Invocations  blocks · B · heads · M, the keys of a head side by side
// Reads        query [B, N, C], keyValue [B, M, 2C], dy [B, N, C], log and back [B, heads, N]
// Writes       parts [blocks, B, M, 2C]

@group(0) @binding(1) var<storage, read> query: array<vec4f>;
@group(0) @binding(2) var<storage, read> keyValue: array<vec4f>;
@group(0) @binding(3) var<storage, read> dy: array<vec4f>;
@group(0) @binding(4) var<storage, read> logs: array<f32>;
@group(0) @binding(5) var<storage, read> back: array<f32>;
@group(0) @binding(6) var<storage, read_write> parts: array<vec4f>;

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= sizes.count) {
    return;
  }
  let column = i % sizes.columns;
  let head = i / sizes.columns % sizes.heads;
  let columns = sizes.columns * sizes.heads;
  let images = sizes.count / columns;
  // Blocks and images count on together: where the parts go, they lie one after another.
  let place = i / columns;
  let blocks = (sizes.rows + sizes.block - 1u) / sizes.block;
  let image = place % (images / blocks);
  let start = place / (images / blocks) * sizes.block;
  let end = min(start + sizes.block, sizes.rows);

  let key = keyAt(image, head, column);
  let values = valueBehind();
  let stats = (image * sizes.heads + head) * sizes.rows;
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
    for (var j = 0u; j < sizes.depth; j++) {
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
    let l = vec4f(logs[rows.x], logs[rows.y], logs[rows.z], logs[rows.w]);
    let taken = vec4f(back[rows.x], back[rows.y], back[rows.z], back[rows.w]);
    let p = select(
      vec4f(),
      exp(s * sizes.scale - l),
      first + vec4u(0u, 1u, 2u, 3u) < vec4u(end),
    );
    let ds = p * (t - taken);
    for (var j = 0u; j < sizes.depth; j++) {
      dk[j] += ds.x * query[a + j] + ds.y * query[b + j] + ds.z * query[c + j]
        + ds.w * query[d + j];
      dv[j] += p.x * dy[a + j] + p.y * dy[b + j] + p.z * dy[c + j] + p.w * dy[d + j];
    }
  }
  let to = keyAt(place, head, column);
  for (var j = 0u; j < sizes.depth; j++) {
    parts[to + j] = dk[j] * sizes.scale;
    parts[to + values + j] = dv[j];
  }
}

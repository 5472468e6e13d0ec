// Gradient of the cross entropy of enlarged logits, pass 3 of 4.
//
//   g_c[p] = w[p] · (exp(z_c − log[p]) − [c = label[p]])
//
// Four neighbouring logits span a cell; the pixels in it mix these four and no others. One
// invocation owns a class in a cell and adds up what its pixels ask of each corner, row
// by row. Every pixel is visited once; pass 4 (gather.wgsl) adds the cells that share a
// corner. All sums go in a fixed order.
//
// Invocations  N = B · h · w · C
// Reads        logits [B, h, w, C], labels [P], weights w [P] (any tensor if not weighted),
//              log [P]
// Writes       cells [N, 4]: upper left, upper right, lower left, lower right

struct Sizes {
  count: u32,
  height: u32,
  width: u32,
  classes: u32,
  outHeight: u32,
  outWidth: u32,
  alignCorners: u32,
  weighted: u32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> logits: array<f32>;
@group(0) @binding(2) var<storage, read> labels: array<i32>;
@group(0) @binding(3) var<storage, read> weights: array<f32>;
@group(0) @binding(4) var<storage, read> logs: array<f32>;
@group(0) @binding(5) var<storage, read_write> cells: array<vec4f>;

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= sizes.count) {
    return;
  }
  let C = sizes.classes;
  let k = i % C;
  let left = i / C % sizes.width;
  let top = i / (C * sizes.width) % sizes.height;
  let image = i / (C * sizes.width * sizes.height);
  let right = min(left + 1u, sizes.width - 1u);
  let upper = (image * sizes.height + top) * sizes.width;
  let lower = (image * sizes.height + min(top + 1u, sizes.height - 1u)) * sizes.width;
  let a = logits[i];
  let b = logits[(upper + right) * C + k];
  let c = logits[(lower + left) * C + k];
  let d = logits[(lower + right) * C + k];

  let ys = axisOf(sizes.height, sizes.outHeight, sizes.alignCorners);
  let xs = axisOf(sizes.width, sizes.outWidth, sizes.alignCorners);
  let lastRow = firstTarget(ys, top + 1u);
  let firstCol = firstTarget(xs, left);
  let lastCol = firstTarget(xs, left + 1u);
  var sum = vec4f();
  for (var row = firstTarget(ys, top); row < lastRow; row++) {
    let y = shareOf(ys, row, top);
    // Mixed in the order of pass 1.
    let leftLogit = mix(a, c, y);
    let rightLogit = mix(b, d, y);
    let first = (image * sizes.outHeight + row) * sizes.outWidth;
    var line = vec2f();
    for (var col = firstCol; col < lastCol; col++) {
      let label = u32(labels[first + col]);
      var weight = 1.0;
      if (sizes.weighted == 1u) {
        weight = weights[first + col];
      }
      if (label >= C || weight == 0.0) {
        continue;
      }
      let x = shareOf(xs, col, left);
      let own = select(0.0, 1.0, label == k);
      let slope = exp(mix(leftLogit, rightLogit, x) - logs[first + col]) - own;
      line += weight * slope * vec2f(1.0 - x, x);
    }
    sum += vec4f((1.0 - y) * line, y * line);
  }
  cells[i] = sum;
}

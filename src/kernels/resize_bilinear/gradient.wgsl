// Gradient of the bilinear resize: every input pixel gathers from the outputs it fed.
//
//   dx[y, x] = Σ over outputs of wy(row, y) · wx(col, x) · dy[row, col]
//
// where w(t, s) is the weight with which output t read input s. The outputs that may have
// read it lie in a window that is searched with one row and column to spare; weights
// outside are zero. The order of the sum is fixed: equal inputs give equal bits.
//
// Invocations  B · H · W · C
// Reads        dy [B, OH, OW, C]
// Writes       dx [B, H, W, C]

struct Sizes {
  count: u32,
  height: u32,
  width: u32,
  channels: u32,
  outHeight: u32,
  outWidth: u32,
  alignCorners: u32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read_write> dx: array<f32>;

fn source(target_: u32, inputs: u32, outputs: u32) -> f32 {
  if (sizes.alignCorners == 1u) {
    if (outputs == 1u) {
      return 0.0;
    }
    return f32(target_ * (inputs - 1u)) / f32(outputs - 1u);
  }
  return max((f32(target_) + 0.5) * f32(inputs) / f32(outputs) - 0.5, 0.0);
}

fn weight(target_: u32, at: u32, inputs: u32, outputs: u32) -> f32 {
  let s = source(target_, inputs, outputs);
  let low = min(u32(s), inputs - 1u);
  let high = min(low + 1u, inputs - 1u);
  let f = s - f32(low);
  var w = 0.0;
  if (at == low) {
    w += 1.0 - f;
  }
  if (at == high) {
    w += f;
  }
  return w;
}

// First and last output that may have read input `at`.
fn window(at: u32, inputs: u32, outputs: u32) -> vec2u {
  var ratio = f32(outputs) / f32(inputs);
  var shift = 0.5;
  if (sizes.alignCorners == 1u) {
    shift = 0.0;
    ratio = 0.0;
    if (inputs > 1u) {
      ratio = f32(outputs - 1u) / f32(inputs - 1u);
    }
  }
  var low = (f32(at) - 1.0 + shift) * ratio - shift - 1.0;
  var high = (f32(at) + 1.0 + shift) * ratio - shift + 1.0;
  if (at == 0u) {
    low = 0.0;
  }
  if (at == inputs - 1u) {
    high = f32(outputs);
  }
  return vec2u(u32(max(low, 0.0)), min(u32(max(high, 0.0)) + 1u, outputs));
}

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= sizes.count) {
    return;
  }
  let c = i % sizes.channels;
  let col = i / sizes.channels % sizes.width;
  let row = i / (sizes.channels * sizes.width) % sizes.height;
  let image = i / (sizes.channels * sizes.width * sizes.height);
  let rows = window(row, sizes.height, sizes.outHeight);
  let cols = window(col, sizes.width, sizes.outWidth);
  var sum = 0.0;
  for (var ty = rows.x; ty < rows.y; ty++) {
    let wy = weight(ty, row, sizes.height, sizes.outHeight);
    if (wy != 0.0) {
      let first = (image * sizes.outHeight + ty) * sizes.outWidth;
      for (var tx = cols.x; tx < cols.y; tx++) {
        let wx = weight(tx, col, sizes.width, sizes.outWidth);
        sum += wy * wx * dy[(first + tx) * sizes.channels + c];
      }
    }
  }
  dx[i] = sum;
}

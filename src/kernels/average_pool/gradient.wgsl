// Gradient of average pool: every input pixel gathers from the bins that cover it.
//
//   dx[y, x] = Σ over bins that hold (y, x) of dy[i, j] / (rows(i) · columns(j))
//
// Adaptive bins may overlap; bin i holds y if floor(y · out/in) ≤ i < ceil((y + 1) · out/in).
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
  window: u32, // 0: adaptive
  stride: u32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read_write> dx: array<f32>;

// First bin that holds a coordinate, and the one after the last.
fn covering(at: u32, inputs: u32, outputs: u32) -> vec2u {
  if (sizes.window == 0u) {
    return vec2u(at * outputs / inputs, ((at + 1u) * outputs + inputs - 1u) / inputs);
  }
  var low = 0u;
  if (at >= sizes.window) {
    low = (at - sizes.window) / sizes.stride + 1u;
  }
  return vec2u(low, min(at / sizes.stride + 1u, outputs));
}

fn length_of(i: u32, inputs: u32, outputs: u32) -> u32 {
  if (sizes.window == 0u) {
    return ((i + 1u) * inputs + outputs - 1u) / outputs - i * inputs / outputs;
  }
  return sizes.window;
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
  let rows = covering(row, sizes.height, sizes.outHeight);
  let cols = covering(col, sizes.width, sizes.outWidth);
  var sum = 0.0;
  for (var ty = rows.x; ty < rows.y; ty++) {
    let tall = length_of(ty, sizes.height, sizes.outHeight);
    let first = (image * sizes.outHeight + ty) * sizes.outWidth;
    for (var tx = cols.x; tx < cols.y; tx++) {
      let wide = length_of(tx, sizes.width, sizes.outWidth);
      sum += dy[(first + tx) * sizes.channels + c] / f32(tall * wide);
    }
  }
  dx[i] = sum;
}

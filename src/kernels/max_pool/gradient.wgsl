// Gradient of max pool: every input pixel gathers from the windows whose maximum it was.
//
//   dx[y, x] = Σ over windows with places = y · W + x of dy
//
// Invocations  B · H · W · C
// Reads        dy [B, OH, OW, C], places [B, OH, OW, C]
// Writes       dx [B, H, W, C]

struct Sizes {
  count: u32,
  height: u32,
  width: u32,
  channels: u32,
  outHeight: u32,
  outWidth: u32,
  window: u32,
  stride: u32,
  padding: u32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read> places: array<i32>;
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;

// First window that covers a padded coordinate, and the one after the last.
fn covering(at: u32, outputs: u32) -> vec2u {
  var low = 0u;
  if (at >= sizes.window) {
    low = (at - sizes.window) / sizes.stride + 1u;
  }
  return vec2u(low, min(at / sizes.stride + 1u, outputs));
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
  let place = i32(row * sizes.width + col);
  let rows = covering(row + sizes.padding, sizes.outHeight);
  let cols = covering(col + sizes.padding, sizes.outWidth);
  var sum = 0.0;
  for (var ty = rows.x; ty < rows.y; ty++) {
    for (var tx = cols.x; tx < cols.y; tx++) {
      let at = ((image * sizes.outHeight + ty) * sizes.outWidth + tx) * sizes.channels + c;
      if (places[at] == place) {
        sum += dy[at];
      }
    }
  }
  dx[i] = sum;
}

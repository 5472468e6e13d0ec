// Gradient of the nearest resize: every input gathers from the outputs that copied it.
//
//   dx[y, x] = Σ dy over rows ceil(y · OH/H) … ceil((y + 1) · OH/H) − 1 and such columns
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
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read_write> dx: array<f32>;

// First output that copied an input; that of the next input is the end.
fn first_copy(at: u32, inputs: u32, outputs: u32) -> u32 {
  return (at * outputs + inputs - 1u) / inputs;
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
  let top = first_copy(row, sizes.height, sizes.outHeight);
  let bottom = first_copy(row + 1u, sizes.height, sizes.outHeight);
  let left = first_copy(col, sizes.width, sizes.outWidth);
  let right = first_copy(col + 1u, sizes.width, sizes.outWidth);
  var sum = 0.0;
  for (var ty = top; ty < bottom; ty++) {
    let first = (image * sizes.outHeight + ty) * sizes.outWidth;
    for (var tx = left; tx < right; tx++) {
      sum += dy[(first + tx) * sizes.channels + c];
    }
  }
  dx[i] = sum;
}

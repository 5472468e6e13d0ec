// The columns of random set cells of a mask, row by row: pass 2 of 2.
//
//   n = set cells of the row, u = uniform(seed, stream, evaluation, r · draws + j)
//   with replacement  k = floor(u · n)
//   spread            k = j if n ≤ draws, else one of [floor(j·n/draws), floor((j+1)·n/draws))
//   index[r, j] = the column with k set ones before it; −1 if there is none
//
// A spread draw takes every cell at most once, in the order of columns. The hash is pcg4d,
// as in core/random.ts.
//
// Invocations  R · draws
// Reads        mask [R, columns], counts [R, blocks]
// Writes       index [R, draws]

struct Sizes {
  count: u32,
  columns: u32,
  blocks: u32,
  draws: u32,
  spread: u32,
  seed: u32,
  stream: u32,
  evaluation: u32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> mask: array<f32>;
@group(0) @binding(2) var<storage, read> counts: array<f32>;
@group(0) @binding(3) var<storage, read_write> index: array<i32>;

const BLOCK = 256u;

fn pcg4d(words: vec4u) -> vec4u {
  var v = words * 1664525u + 1013904223u;
  v.x += v.y * v.w;
  v.y += v.z * v.x;
  v.z += v.x * v.y;
  v.w += v.y * v.z;
  v ^= v >> vec4u(16u);
  v.x += v.y * v.w;
  v.y += v.z * v.x;
  v.z += v.x * v.y;
  v.w += v.y * v.z;
  return v;
}

// floor(j · n / draws) without the product, which may not fit.
fn share(j: u32, n: u32) -> u32 {
  return j * (n / sizes.draws) + j * (n % sizes.draws) / sizes.draws;
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
  let row = i / sizes.draws;
  let j = i % sizes.draws;
  var n = 0u;
  for (var b = 0u; b < sizes.blocks; b++) {
    n += u32(counts[row * sizes.blocks + b]);
  }
  let few = sizes.spread == 1u && n <= sizes.draws;
  if (n == 0u || (few && j >= n)) {
    index[i] = -1;
    return;
  }
  var from_ = 0u;
  var width = n;
  if (few) {
    from_ = j;
    width = 1u;
  } else if (sizes.spread == 1u) {
    from_ = share(j, n);
    width = share(j + 1u, n) - from_;
  }
  let bits = pcg4d(vec4u(sizes.seed, sizes.stream, sizes.evaluation, i)).x;
  let u = f32(bits >> 8u) * 0x1p-24;
  var rest = from_ + min(u32(u * f32(width)), width - 1u);

  var block = 0u;
  for (; block < sizes.blocks; block++) {
    let here = u32(counts[row * sizes.blocks + block]);
    if (rest < here) {
      break;
    }
    rest -= here;
  }
  for (var column = block * BLOCK; column < sizes.columns; column++) {
    if (mask[row * sizes.columns + column] != 0.0) {
      if (rest == 0u) {
        index[i] = i32(column);
        return;
      }
      rest--;
    }
  }
}

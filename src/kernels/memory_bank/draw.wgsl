// Random entries of a bank in which new ones are about to replace the oldest.
//
//   n = min(filled + fresh, capacity), k = floor(uniform(seed, stream, evaluation, i) · n)
//   index = capacity + k − kept               k-th of the kept and the new ones is a new one
//         = (next − kept + k) mod capacity    or an old one, kept = n − fresh
//   −1 if n = 0
//
// The hash is pcg4d, as in core/random.ts.
//
// Invocations  C · Q · N
// Reads        cursor [C, 3]: next place, filled places, (any); fresh [C]
// Writes       index [C, Q, N]

struct Sizes {
  count: u32,
  perClass: u32,
  capacity: u32,
  seed: u32,
  stream: u32,
  evaluation: u32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> cursor: array<f32>;
@group(0) @binding(2) var<storage, read> fresh: array<f32>;
@group(0) @binding(3) var<storage, read_write> index: array<i32>;

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

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= sizes.count) {
    return;
  }
  let class_ = i / sizes.perClass;
  let next = u32(cursor[3u * class_]);
  let filled = u32(cursor[3u * class_ + 1u]);
  let added = u32(fresh[class_]);
  let n = min(filled + added, sizes.capacity);
  if (n == 0u) {
    index[i] = -1;
    return;
  }
  let bits = pcg4d(vec4u(sizes.seed, sizes.stream, sizes.evaluation, i)).x;
  let u = f32(bits >> 8u) * 0x1p-24;
  let k = min(u32(u * f32(n)), n - 1u);
  let kept = n - added;
  if (k >= kept) {
    index[i] = i32(sizes.capacity + k - kept);
  } else {
    index[i] = i32((next + sizes.capacity - kept + k) % sizes.capacity);
  }
}

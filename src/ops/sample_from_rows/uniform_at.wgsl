// Counter-based random numbers in [0, 1), multiples of 2⁻²⁴, of a seed, a stream, the count
// of forward passes and an index. The hash is pcg4d, as in core/random.ts.

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

fn uniformAt(index: u32) -> f32 {
  let words = vec4u(uniforms.seed, uniforms.stream, uniforms.forwardIndex, index);
  return f32(pcg4d(words).x >> 8u) * 0x1p-24;
}

// One of `count` integers.
fn randomInteger(count: u32, index: u32) -> u32 {
  return min(u32(uniformAt(index) * f32(count)), count - 1u);
}

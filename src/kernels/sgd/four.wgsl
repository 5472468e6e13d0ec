// One step of gradient descent with momentum of four tensors at once, in place; the formula
// is that of sgd.wgsl.
//
// The invocations of a tensor start at a whole workgroup, after those of the one before it.
//
// Invocations  Σ over tensors of N rounded up to 64
// Reads        gradients g0 … g3
// Updates      parameters p0 … p3, momentum buffers b0 … b3

struct Sizes {
  // Where the invocations of each tensor end.
  ends: vec4u,
  // How many numbers each one has.
  counts: vec4u,
  rates: vec4f,
  decays: vec4f,
  momentum: f32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> g0: array<f32>;
@group(0) @binding(2) var<storage, read> g1: array<f32>;
@group(0) @binding(3) var<storage, read> g2: array<f32>;
@group(0) @binding(4) var<storage, read> g3: array<f32>;
@group(0) @binding(5) var<storage, read_write> p0: array<f32>;
@group(0) @binding(6) var<storage, read_write> b0: array<f32>;
@group(0) @binding(7) var<storage, read_write> p1: array<f32>;
@group(0) @binding(8) var<storage, read_write> b1: array<f32>;
@group(0) @binding(9) var<storage, read_write> p2: array<f32>;
@group(0) @binding(10) var<storage, read_write> b2: array<f32>;
@group(0) @binding(11) var<storage, read_write> p3: array<f32>;
@group(0) @binding(12) var<storage, read_write> b3: array<f32>;

// A parameter and its momentum buffer after the step.
struct Moved {
  p: f32,
  b: f32,
}

fn moved(g: f32, p: f32, b: f32, rate: f32, decay: f32) -> Moved {
  let velocity = sizes.momentum * b + g + decay * p;
  return Moved(p - rate * velocity, velocity);
}

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let i = id.x + id.y * groups.x * 64u;
  if (i < sizes.ends.x) {
    let at = i;
    if (at < sizes.counts.x) {
      let next = moved(g0[at], p0[at], b0[at], sizes.rates.x, sizes.decays.x);
      p0[at] = next.p;
      b0[at] = next.b;
    }
  } else if (i < sizes.ends.y) {
    let at = i - sizes.ends.x;
    if (at < sizes.counts.y) {
      let next = moved(g1[at], p1[at], b1[at], sizes.rates.y, sizes.decays.y);
      p1[at] = next.p;
      b1[at] = next.b;
    }
  } else if (i < sizes.ends.z) {
    let at = i - sizes.ends.y;
    if (at < sizes.counts.z) {
      let next = moved(g2[at], p2[at], b2[at], sizes.rates.z, sizes.decays.z);
      p2[at] = next.p;
      b2[at] = next.b;
    }
  } else if (i < sizes.ends.w) {
    let at = i - sizes.ends.z;
    if (at < sizes.counts.w) {
      let next = moved(g3[at], p3[at], b3[at], sizes.rates.w, sizes.decays.w);
      p3[at] = next.p;
      b3[at] = next.b;
    }
  }
}

// One AdamW step of four tensors at once, in place; the formula is that of adamw.wgsl.
//
// The invocations of a tensor start at a whole workgroup, after those of the one before it.
//
// Invocations  Σ over tensors of N rounded up to 64
// Reads        gradients g0 … g3
// Updates      parameters p0 … p3, first moments m0 … m3, second moments v0 … v3

struct Sizes {
  // Where the invocations of each tensor end.
  ends: vec4u,
  // How many numbers each one has.
  counts: vec4u,
  decays: vec4f,
  steps: vec4f,
  beta1: f32,
  beta2: f32,
  take1: f32,
  take2: f32,
  correction: f32,
  epsilon: f32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> g0: array<f32>;
@group(0) @binding(2) var<storage, read> g1: array<f32>;
@group(0) @binding(3) var<storage, read> g2: array<f32>;
@group(0) @binding(4) var<storage, read> g3: array<f32>;
@group(0) @binding(5) var<storage, read_write> p0: array<f32>;
@group(0) @binding(6) var<storage, read_write> m0: array<f32>;
@group(0) @binding(7) var<storage, read_write> v0: array<f32>;
@group(0) @binding(8) var<storage, read_write> p1: array<f32>;
@group(0) @binding(9) var<storage, read_write> m1: array<f32>;
@group(0) @binding(10) var<storage, read_write> v1: array<f32>;
@group(0) @binding(11) var<storage, read_write> p2: array<f32>;
@group(0) @binding(12) var<storage, read_write> m2: array<f32>;
@group(0) @binding(13) var<storage, read_write> v2: array<f32>;
@group(0) @binding(14) var<storage, read_write> p3: array<f32>;
@group(0) @binding(15) var<storage, read_write> m3: array<f32>;
@group(0) @binding(16) var<storage, read_write> v3: array<f32>;

// A parameter and its moments after the step.
struct Moved {
  p: f32,
  m: f32,
  v: f32,
}

fn moved(g: f32, p: f32, m: f32, v: f32, decay: f32, step: f32) -> Moved {
  let first = sizes.beta1 * m + sizes.take1 * g;
  let second = sizes.beta2 * v + sizes.take2 * g * g;
  let kept = p - p * decay;
  let next = kept - step * first / (sqrt(second) * sizes.correction + sizes.epsilon);
  return Moved(next, first, second);
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
      let next = moved(g0[at], p0[at], m0[at], v0[at], sizes.decays.x, sizes.steps.x);
      p0[at] = next.p;
      m0[at] = next.m;
      v0[at] = next.v;
    }
  } else if (i < sizes.ends.y) {
    let at = i - sizes.ends.x;
    if (at < sizes.counts.y) {
      let next = moved(g1[at], p1[at], m1[at], v1[at], sizes.decays.y, sizes.steps.y);
      p1[at] = next.p;
      m1[at] = next.m;
      v1[at] = next.v;
    }
  } else if (i < sizes.ends.z) {
    let at = i - sizes.ends.y;
    if (at < sizes.counts.z) {
      let next = moved(g2[at], p2[at], m2[at], v2[at], sizes.decays.z, sizes.steps.z);
      p2[at] = next.p;
      m2[at] = next.m;
      v2[at] = next.v;
    }
  } else if (i < sizes.ends.w) {
    let at = i - sizes.ends.z;
    if (at < sizes.counts.w) {
      let next = moved(g3[at], p3[at], m3[at], v3[at], sizes.decays.w, sizes.steps.w);
      p3[at] = next.p;
      m3[at] = next.m;
      v3[at] = next.v;
    }
  }
}

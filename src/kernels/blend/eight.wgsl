// Moving average of eight tensors at once, in place; the formula is that of blend.wgsl.
//
// The invocations of a tensor start at a whole workgroup, after those of the one before it.
//
// Invocations  Σ over tensors of N rounded up to 64
// Reads        sources s0 … s7
// Updates      targets t0 … t7

struct Sizes {
  // Where the invocations of each tensor end.
  ends: vec4u,
  moreEnds: vec4u,
  // How many numbers each one has.
  counts: vec4u,
  moreCounts: vec4u,
  keep: f32,
  take: f32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> s0: array<f32>;
@group(0) @binding(2) var<storage, read> s1: array<f32>;
@group(0) @binding(3) var<storage, read> s2: array<f32>;
@group(0) @binding(4) var<storage, read> s3: array<f32>;
@group(0) @binding(5) var<storage, read> s4: array<f32>;
@group(0) @binding(6) var<storage, read> s5: array<f32>;
@group(0) @binding(7) var<storage, read> s6: array<f32>;
@group(0) @binding(8) var<storage, read> s7: array<f32>;
@group(0) @binding(9) var<storage, read_write> t0: array<f32>;
@group(0) @binding(10) var<storage, read_write> t1: array<f32>;
@group(0) @binding(11) var<storage, read_write> t2: array<f32>;
@group(0) @binding(12) var<storage, read_write> t3: array<f32>;
@group(0) @binding(13) var<storage, read_write> t4: array<f32>;
@group(0) @binding(14) var<storage, read_write> t5: array<f32>;
@group(0) @binding(15) var<storage, read_write> t6: array<f32>;
@group(0) @binding(16) var<storage, read_write> t7: array<f32>;

fn blended(before: f32, source: f32) -> f32 {
  if (sizes.keep == 0.0) {
    return source;
  }
  return sizes.keep * before + sizes.take * source;
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
      t0[at] = blended(t0[at], s0[at]);
    }
  } else if (i < sizes.ends.y) {
    let at = i - sizes.ends.x;
    if (at < sizes.counts.y) {
      t1[at] = blended(t1[at], s1[at]);
    }
  } else if (i < sizes.ends.z) {
    let at = i - sizes.ends.y;
    if (at < sizes.counts.z) {
      t2[at] = blended(t2[at], s2[at]);
    }
  } else if (i < sizes.ends.w) {
    let at = i - sizes.ends.z;
    if (at < sizes.counts.w) {
      t3[at] = blended(t3[at], s3[at]);
    }
  } else if (i < sizes.moreEnds.x) {
    let at = i - sizes.ends.w;
    if (at < sizes.moreCounts.x) {
      t4[at] = blended(t4[at], s4[at]);
    }
  } else if (i < sizes.moreEnds.y) {
    let at = i - sizes.moreEnds.x;
    if (at < sizes.moreCounts.y) {
      t5[at] = blended(t5[at], s5[at]);
    }
  } else if (i < sizes.moreEnds.z) {
    let at = i - sizes.moreEnds.y;
    if (at < sizes.moreCounts.z) {
      t6[at] = blended(t6[at], s6[at]);
    }
  } else if (i < sizes.moreEnds.w) {
    let at = i - sizes.moreEnds.z;
    if (at < sizes.moreCounts.w) {
      t7[at] = blended(t7[at], s7[at]);
    }
  }
}

// Softmax cross entropy of enlarged logits, pass 1 of 4: every pixel's loss.
//
//   z_c = bilinear enlargement of the logits of class c at pixel p
//   log[p] = log Σ_c exp(z_c),  loss = w[p] · (log[p] − z_label)
//
// Pixels whose label is no class (255, the ignored index) or whose weight is 0 lose
// nothing. A workgroup adds the losses of 64 pixels in order; pass 2 (total.wgsl) adds those
// sums.
//
// Invocations  P = B · H · W
// Reads        logits [B, h, w, C], labels [P], weights w [P] (any tensor if not weighted)
// Writes       log [P], sums [⌈P / 64⌉]

struct Sizes {
  pixels: u32,
  height: u32,
  width: u32,
  classes: u32,
  outHeight: u32,
  outWidth: u32,
  alignCorners: u32,
  weighted: u32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> logits: array<f32>;
@group(0) @binding(2) var<storage, read> labels: array<i32>;
@group(0) @binding(3) var<storage, read> weights: array<f32>;
@group(0) @binding(4) var<storage, read_write> logs: array<f32>;
@group(0) @binding(5) var<storage, read_write> sums: array<f32>;

// Below every logit; the largest of none.
const LOWEST = -3.4e38;

var<workgroup> losses: array<f32, 64>;

fn lossOf(i: u32) -> f32 {
  let label = u32(labels[i]);
  var weight = 1.0;
  if (sizes.weighted == 1u) {
    weight = weights[i];
  }
  let C = sizes.classes;
  if (label >= C || weight == 0.0) {
    logs[i] = 0.0;
    return 0.0;
  }
  let at = cornersOf(
    i,
    axisOf(sizes.height, sizes.outHeight, sizes.alignCorners),
    axisOf(sizes.width, sizes.outWidth, sizes.alignCorners),
    C,
  );
  // Σ exp(z − largest) over the classes so far, rescaled where a larger one turns up; four
  // classes at a time, so that this is rare next to the loads.
  var largest = LOWEST;
  var sum = 0.0;
  for (var first = 0u; first < C; first += 4u) {
    let k = first + vec4u(0u, 1u, 2u, 3u);
    let z = select(
      vec4f(LOWEST),
      enlarged(at, min(k, vec4u(C - 1u))),
      k < vec4u(C),
    );
    let next = max(max(max(z.x, z.y), max(z.z, z.w)), largest);
    sum = sum * exp(largest - next) + dot(exp(z - next), vec4f(1.0));
    largest = next;
  }
  let own = enlarged(at, vec4u(label)).x;
  logs[i] = largest + log(sum);
  return weight * ((largest - own) + log(sum));
}

@compute @workgroup_size(64)
fn main(
  @builtin(local_invocation_index) lane: u32,
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let block = group.x + group.y * groups.x;
  let i = block * 64u + lane;
  var loss = 0.0;
  if (i < sizes.pixels) {
    loss = lossOf(i);
  }
  losses[lane] = loss;
  workgroupBarrier();
  if (lane == 0u && block * 64u < sizes.pixels) {
    var sum = 0.0;
    for (var k = 0u; k < 64u; k++) {
      sum += losses[k];
    }
    sums[block] = sum;
  }
}

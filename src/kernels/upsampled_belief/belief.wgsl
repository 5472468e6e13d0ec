// Most probable class of each pixel of enlarged logits, its probability under softmax, and
// how many of 64 pixels are sure.
//
//   z_c = bilinear enlargement of the logits of class c
//   label = first c with the largest z_c,  confidence = 1 / Σ over c of exp(z_c − max z)
//
// A workgroup counts its pixels whose confidence reaches the threshold; total.wgsl adds the
// counts.
//
// Invocations  P = B · H · W
// Reads        logits [B, h, w, C]
// Writes       labels [P], confidence [P], counts [⌈P / 64⌉]

struct Sizes {
  pixels: u32,
  height: u32,
  width: u32,
  classes: u32,
  outHeight: u32,
  outWidth: u32,
  alignCorners: u32,
  threshold: f32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> logits: array<f32>;
@group(0) @binding(2) var<storage, read_write> labels: array<i32>;
@group(0) @binding(3) var<storage, read_write> confidence: array<f32>;
@group(0) @binding(4) var<storage, read_write> counts: array<f32>;

// Below every logit; the largest of none.
const LOWEST = -3.4e38;

var<workgroup> sure: array<f32, 64>;

// Writes a pixel's label and confidence; returns 1 if it is sure, else 0.
fn believe(i: u32) -> f32 {
  let C = sizes.classes;
  let at = cornersOf(
    i,
    axisOf(sizes.height, sizes.outHeight, sizes.alignCorners),
    axisOf(sizes.width, sizes.outWidth, sizes.alignCorners),
    C,
  );
  // Σ exp(z − largest) over the classes so far, rescaled where a larger one turns up.
  var label = 0u;
  var largest = LOWEST;
  var sum = 0.0;
  for (var first = 0u; first < C; first += 4u) {
    let k = first + vec4u(0u, 1u, 2u, 3u);
    let z = select(vec4f(LOWEST), enlarged(at, min(k, vec4u(C - 1u))), k < vec4u(C));
    let most = max(max(z.x, z.y), max(z.z, z.w));
    if (most > largest) {
      // Of equal ones the first.
      label = select(select(select(k.w, k.z, z.z == most), k.y, z.y == most), k.x, z.x == most);
    }
    let next = max(most, largest);
    sum = sum * exp(largest - next) + dot(exp(z - next), vec4f(1.0));
    largest = next;
  }
  labels[i] = i32(label);
  confidence[i] = 1.0 / sum;
  return select(0.0, 1.0, 1.0 / sum >= sizes.threshold);
}

@compute @workgroup_size(64)
fn main(
  @builtin(local_invocation_index) lane: u32,
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let block = group.x + group.y * groups.x;
  let i = block * 64u + lane;
  var one = 0.0;
  if (i < sizes.pixels) {
    one = believe(i);
  }
  sure[lane] = one;
  workgroupBarrier();
  if (lane == 0u && block * 64u < sizes.pixels) {
    var count = 0.0;
    for (var k = 0u; k < 64u; k++) {
      count += sure[k];
    }
    counts[block] = count;
  }
}

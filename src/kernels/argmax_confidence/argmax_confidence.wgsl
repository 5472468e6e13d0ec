// Most probable class of each row, and its probability under softmax.
//
//   label[r] = first c with the largest logit,  confidence[r] = 1 / Σ over c of exp(z[c] − max z)
//
// Invocations  R, one per row
// Reads        logits [R, C]
// Writes       labels [R], confidence [R]

struct Sizes {
  rows: u32,
  classes: u32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> logits: array<f32>;
@group(0) @binding(2) var<storage, read_write> labels: array<i32>;
@group(0) @binding(3) var<storage, read_write> confidence: array<f32>;

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= sizes.rows) {
    return;
  }
  let first = i * sizes.classes;
  var label = 0u;
  var largest = logits[first];
  for (var c = 1u; c < sizes.classes; c++) {
    let logit = logits[first + c];
    if (logit > largest) {
      largest = logit;
      label = c;
    }
  }
  var sum = 0.0;
  for (var c = 0u; c < sizes.classes; c++) {
    sum += exp(logits[first + c] - largest);
  }
  labels[i] = i32(label);
  confidence[i] = 1.0 / sum;
}

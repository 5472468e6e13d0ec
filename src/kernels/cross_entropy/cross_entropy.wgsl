// Softmax cross entropy per pixel, and its gradient.
//
//   forward   out[r]    = log Σ_c exp(z[r, c]) − z[r, label[r]]
//   gradient  out[r, c] = dy[r] · (softmax(z[r])[c] − [c = label[r]])
//
// Both are 0 where the label is no class (255, the ignored index).
//
// Invocations  R, one per pixel
// Reads        logits z [R, C], labels [R], dy [R] (any tensor in the forward pass)
// Writes       out [R] or [R, C]

struct Sizes {
  rows: u32,
  classes: u32,
  gradient: u32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> logits: array<f32>;
@group(0) @binding(2) var<storage, read> labels: array<i32>;
@group(0) @binding(3) var<storage, read> dy: array<f32>;
@group(0) @binding(4) var<storage, read_write> out: array<f32>;

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
  let label = u32(labels[i]);
  var largest = logits[first];
  for (var c = 1u; c < sizes.classes; c++) {
    largest = max(largest, logits[first + c]);
  }
  var sum = 0.0;
  for (var c = 0u; c < sizes.classes; c++) {
    sum += exp(logits[first + c] - largest);
  }
  let valid = label < sizes.classes;
  if (sizes.gradient == 0u) {
    var loss = 0.0;
    if (valid) {
      loss = largest + log(sum) - logits[first + label];
    }
    out[i] = loss;
    return;
  }
  for (var c = 0u; c < sizes.classes; c++) {
    var slope = 0.0;
    if (valid) {
      slope = exp(logits[first + c] - largest) / sum;
      if (c == label) {
        slope -= 1.0;
      }
      slope *= dy[i];
    }
    out[first + c] = slope;
  }
}

// What every pixel of a small map is to the contrast of every class.
//
//   label, E     those of pixel floor(ty · H/OH), floor(tx · W/OW) of the large maps
//   sure         a label, and E ≤ bounds[0] where the label is a pseudo-label
//   unsure       a label, and E ≥ bounds[1] where it is one
//   members[c]   sure and label = c
//   anchors[c]   members[c] and p_c > least, p = softmax of the logits
//   negatives[c] unsure, and with r the number of classes more probable than c:
//                r < low and label ≠ c where the label is known, low ≤ r < high elsewhere
//
// Of equally probable classes, the one with the smaller id comes first.
//
// Invocations  P = I · OH · OW
// Reads        logits [I, OH, OW, C], labels [I, H, W], entropy [I − known images, H, W],
//              bounds [2]
// Writes       anchors, members, negatives [C, P]

struct Sizes {
  count: u32,
  // Pixels of the small map whose labels are known; they come first.
  known: u32,
  classes: u32,
  height: u32,
  width: u32,
  outHeight: u32,
  outWidth: u32,
  low: u32,
  high: u32,
  least: f32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> logits: array<f32>;
@group(0) @binding(2) var<storage, read> labels: array<i32>;
@group(0) @binding(3) var<storage, read> entropy: array<f32>;
@group(0) @binding(4) var<storage, read> bounds: array<f32>;
@group(0) @binding(5) var<storage, read_write> anchors: array<f32>;
@group(0) @binding(6) var<storage, read_write> members: array<f32>;
@group(0) @binding(7) var<storage, read_write> negatives: array<f32>;

const IGNORED = 255;

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= sizes.count) {
    return;
  }
  let small = sizes.outHeight * sizes.outWidth;
  let image = i / small;
  let row = i % small / sizes.outWidth * sizes.height / sizes.outHeight;
  let col = i % sizes.outWidth * sizes.width / sizes.outWidth;
  let large = (image * sizes.height + row) * sizes.width + col;
  let label = labels[large];
  let known = i < sizes.known;
  var sure = label != IGNORED;
  var unsure = sure;
  if (!known) {
    let e = entropy[large - sizes.known / small * sizes.height * sizes.width];
    sure = sure && e <= bounds[0];
    unsure = unsure && e >= bounds[1];
  }

  let first = i * sizes.classes;
  var largest = logits[first];
  for (var c = 1u; c < sizes.classes; c++) {
    largest = max(largest, logits[first + c]);
  }
  var sum = 0.0;
  for (var c = 0u; c < sizes.classes; c++) {
    sum += exp(logits[first + c] - largest);
  }
  for (var c = 0u; c < sizes.classes; c++) {
    let own = logits[first + c];
    let labelled = label == i32(c);
    var rank = 0u;
    for (var k = 0u; k < sizes.classes; k++) {
      let other = logits[first + k];
      if (other > own || (other == own && k < c)) {
        rank++;
      }
    }
    let member = sure && labelled;
    let anchor = member && exp(own - largest) > sizes.least * sum;
    let confused = select(
      rank >= sizes.low && rank < sizes.high,
      rank < sizes.low && !labelled,
      known,
    );
    let at = c * sizes.count + i;
    members[at] = select(0.0, 1.0, member);
    anchors[at] = select(0.0, 1.0, anchor);
    negatives[at] = select(0.0, 1.0, unsure && confused);
  }
}

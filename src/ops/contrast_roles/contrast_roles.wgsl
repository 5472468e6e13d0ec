// What every pixel of a small map is to the contrast of every class.
//
//   label, E            those of pixel floor(ty · H/OH), floor(tx · W/OW) of the large maps
//   confident           a label, and E ≤ entropyBounds[0] where it is a pseudo-label
//   uncertain           a label, and E ≥ entropyBounds[1] where it is a pseudo-label
//   prototypePixels[c]  confident and label = c
//   anchors[c]          prototypePixels[c] and p_c > anchorThreshold, p = softmax of the logits
//   negatives[c]        uncertain, and with r the number of classes more probable than c:
//                       r < lowRank and label ≠ c where the label is known,
//                       lowRank ≤ r < highRank elsewhere
//
// Of equally probable classes, the one with the smaller id comes first.
//
// Invocations  P = I · OH · OW, the `labeledPixels` with known labels first
// Reads        logits [I, OH, OW, C], labels [I, H, W], entropy [I − labeled images, H, W],
//              entropyBounds [2]
// Writes       anchors, prototypePixels, negatives [C, P]

const IGNORED = 255;

fn compute(i: u32) {
  let small = uniforms.outHeight * uniforms.outWidth;
  let image = i / small;
  let row = i % small / uniforms.outWidth * uniforms.height / uniforms.outHeight;
  let col = i % uniforms.outWidth * uniforms.width / uniforms.outWidth;
  let large = (image * uniforms.height + row) * uniforms.width + col;
  let label = labels[large];
  let isLabeled = i < uniforms.labeledPixels;
  var confident = label != IGNORED;
  var uncertain = confident;
  if (!isLabeled) {
    let e = entropy[large - uniforms.labeledPixels / small * uniforms.height * uniforms.width];
    confident &= e <= entropyBounds[0];
    uncertain &= e >= entropyBounds[1];
  }

  let first = i * uniforms.classes;
  let softmax = softmaxOf(first);
  for (var c = 0u; c < uniforms.classes; c++) {
    let own = logits[first + c];
    let isLabel = label == i32(c);
    var rank = 0u;
    for (var k = 0u; k < uniforms.classes; k++) {
      let other = logits[first + k];
      rank += select(0u, 1u, (other > own) | ((other == own) & (k < c)));
    }
    let isPrototype = confident & isLabel;
    let isProbable = exp(own - softmax.x) > uniforms.anchorThreshold * softmax.y;
    let isAnchor = isPrototype & isProbable;
    let isHardClass = select(
      (rank >= uniforms.lowRank) & (rank < uniforms.highRank),
      (rank < uniforms.lowRank) & !isLabel,
      isLabeled,
    );
    let at = c * uniforms.invocations + i;
    prototypePixels[at] = select(0.0, 1.0, isPrototype);
    anchors[at] = select(0.0, 1.0, isAnchor);
    negatives[at] = select(0.0, 1.0, uncertain & isHardClass);
  }
}

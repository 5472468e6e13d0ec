// Gradient of the cross entropy of upsampled logits, pass 3 of 4.
//
//   g_c[p] = w[p] · (exp(z_c − logSumExp[p]) − [c = label[p]])
//
// Four neighboring logits span a square; the pixels in it mix these four and no others. One
// invocation owns a class in a square and adds up the gradients of its pixels by each corner,
// row by row. Every pixel is visited once; pass 4 (gather_gradient.wgsl) adds the squares that
// share a corner. All sums go in a fixed order.
//
// Invocations  N = B · h · w · C
// Reads        logits [B, h, w, C], labels [P], weights w [P] (any tensor if not weighted),
//              logSumExp [P]
// Writes       cornerGradients [N, 4]: upper left, upper right, lower left, lower right

fn compute(i: u32) {
  let C = uniforms.channels;
  let own = elementOf(i, uniforms.height, uniforms.width);
  let k = own.channel;
  let left = own.col;
  let top = own.row;
  let image = own.image;
  let right = min(left + 1u, uniforms.width - 1u);
  let upper = (image * uniforms.height + top) * uniforms.width;
  let lower = (image * uniforms.height + min(top + 1u, uniforms.height - 1u)) * uniforms.width;
  let a = logits[i];
  let b = logits[(upper + right) * C + k];
  let c = logits[(lower + left) * C + k];
  let d = logits[(lower + right) * C + k];

  let ys = rowAxis();
  let xs = columnAxis();
  let lastRow = firstTarget(ys, top + 1u);
  let firstCol = firstTarget(xs, left);
  let lastCol = firstTarget(xs, left + 1u);
  var sum = vec4f();
  for (var row = firstTarget(ys, top); row < lastRow; row++) {
    let y = weightOf(ys, row, top);
    // Mixed in the order of pass 1.
    let leftLogit = mix(a, c, y);
    let rightLogit = mix(b, d, y);
    let first = (image * uniforms.outHeight + row) * uniforms.outWidth;
    var line = vec2f();
    for (var col = firstCol; col < lastCol; col++) {
      let label = u32(labels[first + col]);
      var weight = 1.0;
      if (uniforms.weighted == 1u) {
        weight = weights[first + col];
      }
      if ((label >= C) | (weight == 0.0)) {
        continue;
      }
      let x = weightOf(xs, col, left);
      let probability = exp(mix(leftLogit, rightLogit, x) - logSumExp[first + col]);
      let gradient = probability - select(0.0, 1.0, label == k);
      line += weight * gradient * vec2f(1.0 - x, x);
    }
    sum += vec4f((1.0 - y) * line, y * line);
  }
  cornerGradients[i] = sum;
}

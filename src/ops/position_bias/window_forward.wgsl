// Adds to attention scores a bias per relative position, and −100 between pixels that
// rolling alone made neighbors.
//
//   out[n, h, p, q] = scores[n, h, p, q] + table[Δ(p, q), h] − 100·[apart(n, p, q)]
//   Δ(p, q) = (py − qy + w − 1)·(2w − 1) + px − qx + w − 1
//
// for pixels p = (py, px) and q of a window of side w. A map that was rolled by `shift` has
// its upper rows in the last `shift` rows of its last windows, and its left columns likewise:
// two pixels are apart if such a seam separates them.
//
// Invocations  B·R·S · heads · w⁴
// Reads        scores [B·R·S, heads, w², w²], table [(2w − 1)², heads]
// Writes       out, like scores

fn compute(k: u32) {
  let w = uniforms.window;
  let pixels = w * w;
  let q = k % pixels;
  let p = k / pixels % pixels;
  let h = k / (pixels * pixels) % uniforms.heads;
  let n = k / (pixels * pixels * uniforms.heads);
  let dy = p / w + w - 1u - q / w;
  let dx = p % w + w - 1u - q % w;
  var value = scores[k] + table[(dy * (2u * w - 1u) + dx) * uniforms.heads + h];
  // Without a roll the seam is at the border, where it separates nothing.
  let seam = w - uniforms.shift;
  let lowest = n / uniforms.columns % uniforms.rows == uniforms.rows - 1u;
  let rightmost = n % uniforms.columns == uniforms.columns - 1u;
  if ((lowest & ((p / w < seam) != (q / w < seam)))
    | (rightmost & ((p % w < seam) != (q % w < seam)))) {
    value -= 100.0;
  }
  out[k] = value;
}

// Random entries of a bank in which new ones are about to replace the oldest.
//
//   n = min(filled + new, capacity), k = floor(uniformAt(i) · n)
//   index = capacity + k − kept               k-th of the kept and the new ones is a new one
//         = (next − kept + k) mod capacity    or an old one, kept = n − new
//   −1 if n = 0
//
// Invocations  C · Q · N
// Reads        cursor [C, 3]: next place, filled places, (any); newCounts [C]
// Writes       index [C, Q, N]

fn compute(i: u32) {
  let class_ = i / uniforms.perClass;
  let next = u32(cursor[3u * class_]);
  let filled = u32(cursor[3u * class_ + 1u]);
  let added = u32(newCounts[class_]);
  let n = min(filled + added, uniforms.capacity);
  if (n == 0u) {
    index[i] = -1;
    return;
  }
  let k = randomInteger(n, i);
  let kept = n - added;
  if (k >= kept) {
    index[i] = i32(uniforms.capacity + k - kept);
  } else {
    index[i] = i32((next + uniforms.capacity - kept + k) % uniforms.capacity);
  }
}

// New entries of a bank replace the oldest ones, in place.
//
//   bank[c, (next[c] + j) mod S] ← keys[c, j] for j < newCounts[c]
//
// M must be at most S, so that no two of them meet.
//
// Invocations  C · M · D
// Reads        keys [C, M, D], newCounts [C], cursor [C, 3]: next place, (any), (any)
// Updates      bank [C, S, D]

fn compute(i: u32) {
  let d = i % uniforms.columns;
  let j = i / uniforms.columns % uniforms.maxNewKeys;
  let class_ = i / (uniforms.columns * uniforms.maxNewKeys);
  if (j >= u32(newCounts[class_])) {
    return;
  }
  let place = (u32(cursor[3u * class_]) + j) % uniforms.capacity;
  bank[(class_ * uniforms.capacity + place) * uniforms.columns + d] = keys[i];
}

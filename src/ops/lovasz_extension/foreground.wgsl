// How many pixels of a tile of sorted ones have the class.
//
// Invocations  S · K · T
// Reads        items [S · K, P]
// Writes       counts [S · K, T]

fn compute(i: u32) {
  let first = i / uniforms.tiles * uniforms.pixels;
  let begin = i % uniforms.tiles * uniforms.tilePixels;
  let end = min(begin + uniforms.tilePixels, uniforms.pixels);
  var count = 0;
  for (var k = begin; k < end; k++) {
    count += items[first + k] & 1;
  }
  counts[i] = count;
}

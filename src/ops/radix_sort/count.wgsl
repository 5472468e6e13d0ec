// Radix sort, step 1 of 3 of a pass: how many keys of a tile have each digit.
//
// Invocations  64 · R · T
// Reads        keys [R, N]
// Writes       counts [R, 32, T]

fn computeLane(group: u32, lane: u32) {
  countDigits(lanePairs(group, lane), lane);
  let row = group / uniforms.tiles;
  let tile = group % uniforms.tiles;
  if ((lane < DIGITS) & (group * 64u < uniforms.invocations)) {
    var sum = 0u;
    for (var k = 0u; k < 64u; k++) {
      sum += places[lane * 64u + k];
    }
    counts[(row * DIGITS + lane) * uniforms.tiles + tile] = i32(sum);
  }
}

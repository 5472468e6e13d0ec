// Radix sort, step 3 of 3 of a pass: every pair goes to its place.
//
// Invocations  64 · R · T
// Reads        keys [R, N], items [R, N], offsets [R, 32, T]: where the first pair of a tile
//              with a digit goes
// Writes       sortedKeys [R, N], sortedItems [R, N]

fn computeLane(group: u32, lane: u32) {
  let pairs = lanePairs(group, lane);
  countDigits(pairs, lane);
  let row = group / uniforms.tiles;
  let tile = group % uniforms.tiles;
  if (lane < DIGITS) {
    var next = u32(offsets[(row * DIGITS + lane) * uniforms.tiles + tile]);
    for (var k = 0u; k < 64u; k++) {
      let count = places[lane * 64u + k];
      places[lane * 64u + k] = next;
      next += count;
    }
  }
  workgroupBarrier();
  for (var i = pairs.x; i < pairs.y; i++) {
    let slot = digitOf(keys[i]) * 64u + lane;
    let place = row * uniforms.count + places[slot];
    places[slot]++;
    sortedKeys[place] = keys[i];
    sortedItems[place] = items[i];
  }
}

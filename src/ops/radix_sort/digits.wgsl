// What the passes of a radix sort share. A pass sorts by one digit of the keys, `shift` bits
// up; equal digits keep their order. Rows are sorted apart, a row in tiles of 1024 pairs: a
// workgroup owns a tile, and each of its lanes 16 pairs in a row.

const DIGITS = 32u;
const LANE_PAIRS = 16u;
const TILE_PAIRS = 1024u;

// Of every digit: how many pairs of each lane have it; later, where the next one goes.
var<workgroup> places: array<u32, 2048>;

fn digitOf(key: i32) -> u32 {
  return (u32(key) >> uniforms.shift) & (DIGITS - 1u);
}

// The pairs of a lane, from x up to y, none for a surplus workgroup.
fn lanePairs(group: u32, lane: u32) -> vec2u {
  let row = group / uniforms.tiles;
  let begin = min(group % uniforms.tiles * TILE_PAIRS + lane * LANE_PAIRS, uniforms.count);
  let end = min(begin + LANE_PAIRS, uniforms.count);
  let isReal = group * 64u < uniforms.invocations;
  return vec2u(begin, select(begin, end, isReal)) + row * uniforms.count;
}

fn countDigits(pairs: vec2u, lane: u32) {
  for (var d = 0u; d < DIGITS; d++) {
    places[d * 64u + lane] = 0u;
  }
  for (var i = pairs.x; i < pairs.y; i++) {
    places[digitOf(keys[i]) * 64u + lane]++;
  }
  workgroupBarrier();
}

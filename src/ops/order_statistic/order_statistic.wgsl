// The value at a position of the sorted array, between two neighbors if need be.
//
//   n = number of values below 3e38 (larger ones stand for "no value")
//   position = rank, or fraction · (n − 1) if rank is 0xffffffff; if `fractionAppended`, the
//   fraction lies behind the values
//   result = v[⌊position⌋] + (v[⌈position⌉] − v[⌊position⌋]) · remainder;  3.4e38 if n = 0
//
// One workgroup maps the values, of which it reads the bits, to integers of the same order;
// four rounds of counting find the bits of the wanted one, eight at a time.
//
// Invocations  64: one workgroup strides over the array
// Reads        values [N], or [N + 1] if `fractionAppended`
// Writes       result [1]

override fractionAppended: bool = false;

const NONE = 3.0e38;
const LARGEST = 3.4e38;

var<workgroup> counts: array<atomic<u32>, 256>;
var<workgroup> present: atomic<u32>;
var<workgroup> prefix: u32;
var<workgroup> below: u32;

fn keyOf(bits: u32) -> u32 {
  return select(bits | 0x80000000u, ~bits, (bits >> 31u) == 1u);
}

fn valueOf(key: u32) -> f32 {
  return bitcast<f32>(select(~key, key & 0x7fffffffu, (key >> 31u) == 1u));
}

// The value with `rank` smaller ones before it; all invocations take part.
fn nth(rank: u32, lane: u32) -> f32 {
  if (lane == 0u) {
    prefix = 0u;
    below = rank;
  }
  for (var round = 0u; round < 4u; round++) {
    let shift = 24u - 8u * round;
    for (var slot = lane; slot < 256u; slot += 64u) {
      atomicStore(&counts[slot], 0u);
    }
    workgroupBarrier();
    let found = prefix;
    // The bits already known; none in the first round, where a shift by 32 has no meaning.
    let known = select(0xffffffffu << (shift + 8u), 0u, round == 0u);
    for (var i = lane; i < uniforms.count; i += 64u) {
      let key = keyOf(values[i]);
      if ((key & known) == found) {
        atomicAdd(&counts[(key >> shift) & 255u], 1u);
      }
    }
    workgroupBarrier();
    if (lane == 0u) {
      var rest = below;
      var slot = 0u;
      for (; slot < 255u; slot++) {
        let here = atomicLoad(&counts[slot]);
        if (rest < here) {
          break;
        }
        rest -= here;
      }
      below = rest;
      prefix = found | (slot << shift);
    }
    workgroupBarrier();
  }
  return valueOf(prefix);
}

fn computeLane(group: u32, lane: u32) {
  if (lane == 0u) {
    atomicStore(&present, 0u);
  }
  workgroupBarrier();
  for (var i = lane; i < uniforms.count; i += 64u) {
    if (bitcast<f32>(values[i]) < NONE) {
      atomicAdd(&present, 1u);
    }
  }
  workgroupBarrier();
  let n = atomicLoad(&present);
  workgroupBarrier();
  var low = uniforms.rank;
  var remainder = 0.0;
  if (uniforms.rank == 0xffffffffu) {
    var fraction = uniforms.fraction;
    if (fractionAppended) {
      fraction = bitcast<f32>(values[uniforms.count]);
    }
    let position = fraction * f32(max(n, 1u) - 1u);
    low = u32(position);
    remainder = position - f32(low);
  }
  low = min(low, uniforms.count - 1u);
  let lower = nth(low, lane);
  workgroupBarrier();
  let upper = nth(min(low + 1u, uniforms.count - 1u), lane);
  if (lane == 0u) {
    var value = lower;
    if (remainder > 0.0) {
      value = lower + (upper - lower) * remainder;
    }
    if (n == 0u) {
      value = LARGEST;
    }
    result[0] = value;
  }
}

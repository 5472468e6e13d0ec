// The value at a position of the sorted array, between two neighbours if need be.
//
//   n = number of values below 3e38 (larger ones stand for "no value")
//   position = rank, or share · (n − 1) if rank is 0xffffffff; if `told`, the share lies
//   behind the values
//   result = v[⌊position⌋] + (v[⌈position⌉] − v[⌊position⌋]) · fraction;  3.4e38 if n = 0
//
// Plan: one workgroup; the values become integers of the same order, and four rounds of
// counting narrow the bits of the wanted one down, eight at a time.
//
// Invocations  64: one workgroup strides over the array
// Reads        values [N], or [N + 1] if `told`
// Writes       result [1]

struct Sizes {
  count: u32,
  rank: u32,
  share: f32,
}

override told: bool = false;

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> values: array<f32>;
@group(0) @binding(2) var<storage, read_write> result: array<f32>;

const NONE = 3.0e38;
const LARGEST = 3.4e38;

var<workgroup> counts: array<atomic<u32>, 256>;
var<workgroup> present: atomic<u32>;
var<workgroup> prefix: u32;
var<workgroup> below: u32;

fn key_of(value: f32) -> u32 {
  let bits = bitcast<u32>(value);
  return select(bits | 0x80000000u, ~bits, (bits >> 31u) == 1u);
}

fn value_of(key: u32) -> f32 {
  return bitcast<f32>(select(~key, key & 0x7fffffffu, (key >> 31u) == 1u));
}

// The value with `rank` smaller ones before it; all invocations take part.
fn nth(rank: u32, own: u32) -> f32 {
  if (own == 0u) {
    prefix = 0u;
    below = rank;
  }
  for (var round = 0u; round < 4u; round++) {
    let shift = 24u - 8u * round;
    for (var slot = own; slot < 256u; slot += 64u) {
      atomicStore(&counts[slot], 0u);
    }
    workgroupBarrier();
    let found = prefix;
    // The bits already known; none in the first round, where a shift by 32 has no meaning.
    let known = select(0xffffffffu << (shift + 8u), 0u, round == 0u);
    for (var i = own; i < sizes.count; i += 64u) {
      let key = key_of(values[i]);
      if ((key & known) == found) {
        atomicAdd(&counts[(key >> shift) & 255u], 1u);
      }
    }
    workgroupBarrier();
    if (own == 0u) {
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
  return value_of(prefix);
}

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) own: u32) {
  if (own == 0u) {
    atomicStore(&present, 0u);
  }
  workgroupBarrier();
  for (var i = own; i < sizes.count; i += 64u) {
    if (values[i] < NONE) {
      atomicAdd(&present, 1u);
    }
  }
  workgroupBarrier();
  let n = atomicLoad(&present);
  workgroupBarrier();
  var low = sizes.rank;
  var fraction = 0.0;
  if (sizes.rank == 0xffffffffu) {
    var share = sizes.share;
    if (told) {
      share = values[sizes.count];
    }
    let position = share * f32(max(n, 1u) - 1u);
    low = u32(position);
    fraction = position - f32(low);
  }
  low = min(low, sizes.count - 1u);
  let lower = nth(low, own);
  workgroupBarrier();
  let upper = nth(min(low + 1u, sizes.count - 1u), own);
  if (own == 0u) {
    var value = lower;
    if (fraction > 0.0) {
      value = lower + (upper - lower) * fraction;
    }
    if (n == 0u) {
      value = LARGEST;
    }
    result[0] = value;
  }
}

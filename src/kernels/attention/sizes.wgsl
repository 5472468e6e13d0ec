// What the shaders of attention share; put before each of them. A head has `depth` vectors of
// four channels. (With the depth as a constant a software driver unrolls everything, which
// made the code no faster and its compilation five to ten times longer.)
//
// Rows are queries, columns are keys; keyValue holds the keys of all heads first, then their
// values.

struct Sizes {
  count: u32,
  rows: u32,
  columns: u32,
  heads: u32,
  scale: f32,
  // Rows per block, in the gradient of keys and values.
  block: u32,
  depth: u32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;

// The most vectors of a head.
const MOST = 16u;

// Below every score; the largest of none.
const LOWEST = -3.4e38;

// Where a head of a query, or of what becomes of it, starts.
fn rowAt(image: u32, head: u32, row: u32) -> u32 {
  return ((image * sizes.rows + row) * sizes.heads + head) * sizes.depth;
}

// Where a head of a key starts.
fn keyAt(image: u32, head: u32, column: u32) -> u32 {
  return ((image * sizes.columns + column) * 2u * sizes.heads + head) * sizes.depth;
}

// How far behind a key its value is.
fn valueBehind() -> u32 {
  return sizes.heads * sizes.depth;
}

// Where heads lie, for all shaders of attention. A head has `depth` vectors of four channels.
// (With the depth as a constant a software driver unrolls everything, which made the code no
// faster and its compilation five to ten times longer.)
//
// Rows are queries, columns are keys; keyValue holds the keys of all heads first, then their
// values.

// The most vectors of a head.
const MOST = 16u;

// Below every score; the largest of none. No difference of it and a score overflows.
const LOWEST = -1.0e30;

// Where a head of a query, or of what becomes of it, starts.
fn rowAt(image: u32, head: u32, row: u32) -> u32 {
  return ((image * uniforms.rows + row) * uniforms.heads + head) * uniforms.depth;
}

// Where a head of a key starts.
fn keyAt(image: u32, head: u32, column: u32) -> u32 {
  return ((image * uniforms.columns + column) * 2u * uniforms.heads + head) * uniforms.depth;
}

// How far behind a key its value is.
fn valueBehind() -> u32 {
  return uniforms.heads * uniforms.depth;
}

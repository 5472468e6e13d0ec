// Access to four neighbouring channels where pixels start anywhere: four scalar accesses.
//
// It goes in front of a filter gradient. What is read beyond the first `count` belongs to
// rows or columns that are not written.

@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> dy: array<f32>;
@group(0) @binding(3) var<storage, read_write> dw: array<f32>;

fn xFour(at: u32, count: u32) -> vec4f {
  return vec4f(x[at], x[at + 1u], x[at + 2u], x[at + 3u]);
}

fn dyFour(at: u32, count: u32) -> vec4f {
  return vec4f(dy[at], dy[at + 1u], dy[at + 2u], dy[at + 3u]);
}

fn addOne(at: u32, one: f32, isFirst: bool) {
  if (isFirst) {
    dw[at] = one;
  } else {
    dw[at] += one;
  }
}

fn add(at: u32, count: u32, four: vec4f, isFirst: bool) {
  addOne(at, four.x, isFirst);
  if (count > 1u) {
    addOne(at + 1u, four.y, isFirst);
  }
  if (count > 2u) {
    addOne(at + 2u, four.z, isFirst);
  }
  if (count > 3u) {
    addOne(at + 3u, four.w, isFirst);
  }
}

// Access to four neighbouring channels where every pixel starts at a multiple of four.
//
// It goes in front of a filter gradient; `count`, how many are wanted, is always 4 here.

@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> dy: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> dw: array<vec4f>;

fn xFour(at: u32, count: u32) -> vec4f {
  return x[at / 4u];
}

fn dyFour(at: u32, count: u32) -> vec4f {
  return dy[at / 4u];
}

fn add(at: u32, count: u32, four: vec4f, isFirst: bool) {
  if (isFirst) {
    dw[at / 4u] = four;
  } else {
    dw[at / 4u] += four;
  }
}

// Access to the factors and the result of a product by four neighbours at a time, where
// every row starts at a multiple of four.
//
// It goes in front of a shader; `count`, how many of the four are wanted, is always 4 here.

@group(0) @binding(1) var<storage, read> left: array<vec4f>;
@group(0) @binding(2) var<storage, read> right: array<vec4f>;
@group(0) @binding(4) var<storage, read> residual: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> product: array<vec4f>;

fn leftFour(at: u32, count: u32) -> vec4f {
  return left[at / 4u];
}

fn rightFour(at: u32, count: u32) -> vec4f {
  return right[at / 4u];
}

fn residualFour(at: u32, count: u32) -> vec4f {
  return residual[at / 4u];
}

fn productFour(at: u32, count: u32) -> vec4f {
  return product[at / 4u];
}

fn setProductFour(at: u32, count: u32, four: vec4f) {
  product[at / 4u] = four;
}

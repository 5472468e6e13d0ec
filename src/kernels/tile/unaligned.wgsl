// Access to the factors and the result of a product by four neighbours at a time, where
// rows start anywhere: four scalar accesses.
//
// It goes in front of a shader. Of four neighbours the first `count` are wanted; the
// others read as 0 and are not written.

@group(0) @binding(1) var<storage, read> left: array<f32>;
@group(0) @binding(2) var<storage, read> right: array<f32>;
@group(0) @binding(4) var<storage, read> residual: array<f32>;
@group(0) @binding(5) var<storage, read_write> product: array<f32>;

fn firstOf(four: vec4f, count: u32) -> vec4f {
  return select(vec4f(), four, vec4u(0u, 1u, 2u, 3u) < vec4u(count));
}

fn leftFour(at: u32, count: u32) -> vec4f {
  return firstOf(vec4f(left[at], left[at + 1u], left[at + 2u], left[at + 3u]), count);
}

fn rightFour(at: u32, count: u32) -> vec4f {
  return firstOf(vec4f(right[at], right[at + 1u], right[at + 2u], right[at + 3u]), count);
}

fn residualFour(at: u32, count: u32) -> vec4f {
  let four = vec4f(residual[at], residual[at + 1u], residual[at + 2u], residual[at + 3u]);
  return firstOf(four, count);
}

fn productFour(at: u32, count: u32) -> vec4f {
  let four = vec4f(product[at], product[at + 1u], product[at + 2u], product[at + 3u]);
  return firstOf(four, count);
}

fn setProductFour(at: u32, count: u32, four: vec4f) {
  product[at] = four.x;
  if (count > 1u) {
    product[at + 1u] = four.y;
  }
  if (count > 2u) {
    product[at + 2u] = four.z;
  }
  if (count > 3u) {
    product[at + 3u] = four.w;
  }
}

// Gradient of a table of biases per relative position of tokens, see grid_forward.wgsl.
//
//   dtable[e, h] = Σ over pairs i, j of tokens with entry(i, j) = e of dy[h, i, j], by rows
//
// One invocation owns one entry and visits only the tokens that have such a partner;
// entries of distances that the grid does not have are 0.
//
// Invocations  ((2·TH − 1)·(2·TW − 1) + 3) · heads
// Reads        dy, summed over the batch [heads, N, N],  N = 1 + H·W
// Writes       dtable [(2·TH − 1)·(2·TW − 1) + 3, heads]

// The scores of the class token with all tokens of the grid, from `first` on, `step` apart.
fn ofClass(first: u32, step: u32) -> f32 {
  var sum = 0.0;
  for (var y = 0u; y < uniforms.height; y++) {
    var row = 0.0;
    for (var x = 0u; x < uniforms.width; x++) {
      row += dy[first + (y * uniforms.width + x) * step];
    }
    sum += row;
  }
  return sum;
}

// The scores of all pairs `down` rows and `right` columns apart.
fn ofGrid(first: u32, down: i32, right: i32) -> f32 {
  let tokens = 1u + uniforms.height * uniforms.width;
  let height = i32(uniforms.height);
  let width = i32(uniforms.width);
  var sum = 0.0;
  for (var y = max(0, down); y < min(height, height + down); y++) {
    var row = 0.0;
    for (var x = max(0, right); x < min(width, width + right); x++) {
      let i = u32(1 + y * width + x);
      let j = u32(1 + (y - down) * width + x - right);
      row += dy[first + i * tokens + j];
    }
    sum += row;
  }
  return sum;
}

fn compute(k: u32) {
  let wide = 2u * uniforms.tableWidth - 1u;
  let pairs = (2u * uniforms.tableHeight - 1u) * wide;
  let h = k % uniforms.heads;
  let entry = k / uniforms.heads;
  let tokens = 1u + uniforms.height * uniforms.width;
  let first = h * tokens * tokens;
  if (entry == pairs) {
    dtable[k] = ofClass(first + 1u, 1u);
  } else if (entry == pairs + 1u) {
    dtable[k] = ofClass(first + tokens, tokens);
  } else if (entry == pairs + 2u) {
    dtable[k] = dy[first];
  } else {
    let down = i32(entry / wide) - i32(uniforms.tableHeight - 1u);
    let right = i32(entry % wide) - i32(uniforms.tableWidth - 1u);
    dtable[k] = ofGrid(first, down, right);
  }
}

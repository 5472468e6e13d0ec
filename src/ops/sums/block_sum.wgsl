// A sum of many float32 terms as (sum of whole blocks of 32, block in progress): a plain sum
// loses digits that an optimizer like AdamW makes visible. (Drivers would simplify Kahan's
// summation away.)

fn addTerm(sum: vec2f, term: f32, index: u32) -> vec2f {
  let block = sum.y + term;
  if (index % 32u == 31u) {
    return vec2f(sum.x + block, 0.0);
  }
  return vec2f(sum.x, block);
}

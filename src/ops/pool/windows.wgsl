// Pooling windows along an axis.

// The first window that covers a padded coordinate, and the one after the last.
fn windowsCovering(at: u32, outputs: u32) -> vec2u {
  var low = 0u;
  if (at >= uniforms.window) {
    low = (at - uniforms.window) / uniforms.stride + 1u;
  }
  return vec2u(low, min(at / uniforms.stride + 1u, outputs));
}

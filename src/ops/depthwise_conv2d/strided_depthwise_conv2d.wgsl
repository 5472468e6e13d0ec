// Depthwise convolution of any stride and no dilation of NHWC maps, with an epilogue; or its
// input gradient.
//
//   forward  product[b, y, x, c] = g(Σ over i, j of
//              left[b, y·stride + i − paddingTop, x·stride + j − paddingLeft, c] ·
//              right[i, j, c] + …)
//   flipped  product[b, y, x, c] = Σ over i, j of
//              left[b, (y + paddingTop − i) / stride, (x + paddingLeft − j) / stride, c] ·
//              right[i, j, c]
//            where the divisions leave no remainder
//
// One invocation owns four channels of one pixel. Neighbors own neighboring channels, so
// loads are coalesced. Bound by memory.
//
// Invocations  batch · OH · OW · ceil(C / 4)
// Reads        left [batch, H, W, C], right = filter [KH, KW, C],
//              bias [C] and residual [batch, OH, OW, C], or any tensors
// Writes       product [batch, OH, OW, C]

override flipped: bool = false;

// Four channels of the pixel that a tap reads, 0 outside.
fn pixel(image: u32, origin: vec2i, tap: vec2i, channel: u32) -> vec4f {
  let stride = i32(uniforms.stride);
  var at = origin + tap;
  var isInside = true;
  if (flipped) {
    at = origin - tap;
    isInside = all(at % stride == vec2i());
    at = at / stride;
  }
  let size = vec2i(vec2u(uniforms.height, uniforms.width));
  isInside = isInside & all(at >= vec2i()) & all(at < size);
  let place = select(vec2u(), vec2u(at), isInside);
  let line = (image * uniforms.height + place.x) * uniforms.width;
  let start = (line + place.y) * uniforms.channels + channel;
  let four = leftFour(start, uniforms.channels - channel);
  return select(vec4f(), four, isInside);
}

fn compute(i: u32) {
  let fours = (uniforms.channels + 3u) / 4u;
  let channel = i % fours * 4u;
  let x = i / fours % uniforms.outWidth;
  let y = i / (fours * uniforms.outWidth) % uniforms.outHeight;
  let image = i / (fours * uniforms.outWidth * uniforms.outHeight);
  let padding = vec2i(vec2u(uniforms.paddingTop, uniforms.paddingLeft));
  var origin = vec2i(vec2u(y, x));
  if (flipped) {
    origin += padding;
  } else {
    origin = origin * i32(uniforms.stride) - padding;
  }
  var sum = vec4f();
  for (var row = 0u; row < uniforms.kernelHeight; row++) {
    for (var column = 0u; column < uniforms.kernelWidth; column++) {
      let tap = (row * uniforms.kernelWidth + column) * uniforms.channels + channel;
      let weight = rightFour(tap, uniforms.channels - channel);
      sum += pixel(image, origin, vec2i(vec2u(row, column)), channel) * weight;
    }
  }
  let at = i / fours * uniforms.channels + channel;
  finish(at, channel, uniforms.channels - channel, sum, true, true);
}

// Color jitter of normalized RGB images: per sample four steps in a per-sample order.
//
//   v = (x · std + mean) / 255, then up to four of
//     0 brightness: v ← clamp(v + (factor − 1), 0, 1)
//     1 contrast:   v ← clamp(v · factor, 0, 1)
//     2 saturation: S ← clamp(S · factor, 0, 1) in HSV
//     3 hue:        H ← fmod(H + factor · 2π, 2π) in HSV
//   and back: y = (v · 255 − mean) / std
//
// HSV as in kornia 0.5.8: S = Δ / (V + 1e-6), H from the first maximal channel.
//
// Invocations  B · H · W, one per pixel
// Reads        x [B, H, W, 3], settings [B, 8]: factors of brightness, contrast,
//              saturation and hue, then the steps in their order (4 is no step; with
//              none at all the sample is copied)
// Writes       y [B, H, W, 3]

// Hue in turns (0 … 1), saturation, value.
fn toHsv(rgb: vec3f) -> vec3f {
  let value = max(max(rgb.x, rgb.y), rgb.z);
  let spread = value - min(min(rgb.x, rgb.y), rgb.z);
  let divisor = select(spread, 1.0, spread == 0.0);
  let rest = vec3f(value) - rgb;
  var hue = 4.0 * divisor + rest.y - rest.x;
  if (rgb.x == value) {
    hue = rest.z - rest.y;
  } else if (rgb.y == value) {
    hue = 2.0 * divisor + rest.x - rest.z;
  }
  let turns = hue / divisor / 6.0;
  return vec3f(turns - floor(turns), spread / (value + 1e-6), value);
}

fn toRgb(hsv: vec3f) -> vec3f {
  let sixths = hsv.x * 6.0;
  let whole = floor(sixths);
  let f = sixths - whole;
  let v = hsv.z;
  let p = v * (1.0 - hsv.y);
  let q = v * (1.0 - f * hsv.y);
  let t = v * (1.0 - (1.0 - f) * hsv.y);
  // Negative hues wrap around; in integers, since a quotient of floats need not be exact,
  // and of none that is negative, whose remainder OpenGL leaves open.
  let sector = (i32(whole) + 6) % 6;
  switch sector {
    case 0: {
      return vec3f(v, t, p);
    }
    case 1: {
      return vec3f(q, v, p);
    }
    case 2: {
      return vec3f(p, v, t);
    }
    case 3: {
      return vec3f(p, q, v);
    }
    case 4: {
      return vec3f(t, p, v);
    }
    default: {
      return vec3f(v, p, q);
    }
  }
}

fn compute(i: u32) {
  let mean = vec3f(uniforms.meanRed, uniforms.meanGreen, uniforms.meanBlue);
  let deviation = vec3f(uniforms.stdRed, uniforms.stdGreen, uniforms.stdBlue);
  let own = i / uniforms.pixels * 8u;
  let steps = settings[own + 4u] + settings[own + 5u] + settings[own + 6u] +
    settings[own + 7u];
  if (steps == 16.0) {
    y[3u * i] = x[3u * i];
    y[3u * i + 1u] = x[3u * i + 1u];
    y[3u * i + 2u] = x[3u * i + 2u];
    return;
  }
  var rgb = (vec3f(x[3u * i], x[3u * i + 1u], x[3u * i + 2u]) * deviation + mean) / 255.0;
  for (var step = 0u; step < 4u; step++) {
    switch u32(settings[own + 4u + step]) {
      case 0u: {
        rgb = clamp(rgb + (settings[own] - 1.0), vec3f(0.0), vec3f(1.0));
      }
      case 1u: {
        rgb = clamp(rgb * settings[own + 1u], vec3f(0.0), vec3f(1.0));
      }
      case 2u: {
        let hsv = toHsv(rgb);
        rgb = toRgb(vec3f(hsv.x, clamp(hsv.y * settings[own + 2u], 0.0, 1.0), hsv.z));
      }
      case 3u: {
        let hsv = toHsv(rgb);
        // fmod in turns: the sign of the sum stays.
        let turns = hsv.x + settings[own + 3u];
        rgb = toRgb(vec3f(turns - trunc(turns), hsv.y, hsv.z));
      }
      default: {}
    }
  }
  let out = (rgb * 255.0 - mean) / deviation;
  y[3u * i] = out.x;
  y[3u * i + 1u] = out.y;
  y[3u * i + 2u] = out.z;
}

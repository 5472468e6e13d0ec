// Where element i of NHWC maps of a height and a width lies.

struct Element {
  image: u32,
  row: u32,
  col: u32,
  channel: u32,
}

fn elementOf(i: u32, height: u32, width: u32) -> Element {
  let pixel = i / uniforms.channels;
  return Element(
    pixel / (width * height),
    pixel / width % height,
    pixel % width,
    i % uniforms.channels,
  );
}

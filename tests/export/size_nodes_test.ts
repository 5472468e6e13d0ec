// Sizes that a graph computes while it runs: each relation is found and becomes the nodes
// that compute it, and what is no relation is refused.
import assert from "node:assert/strict";
import { GraphBuilder, permuted } from "../../src/export/graph_builder.ts";
import { mapSizes, type Size } from "../../src/export/size.ts";
import { SizeNodes } from "../../src/export/size_nodes.ts";

const HEIGHT: Size = [33, 64, 95, 130, 257];
const WIDTH: Size = [48, 37, 201, 66, 90];

function sizeNodes() {
  const builder = new GraphBuilder({ half: false });
  const sizes = new SizeNodes(builder);
  sizes.define(HEIGHT, () => "height");
  sizes.define(WIDTH, () => "width");
  return { builder, sizes };
}

/** The nodes that compute a size, as texts. */
function nodesOf(size: Size): string[] {
  const { builder, sizes } = sizeNodes();
  const name = sizes.of(size);
  const texts = builder.nodes.map(({ operator, inputs }) =>
    [operator, ...inputs].join(" ")
  );
  return texts.length === 0 ? [name] : texts;
}

Deno.test("SizeNodes.of() finds sides, multiples, parts, sums and products", () => {
  const of = (compute: (height: number, width: number) => number) =>
    nodesOf(mapSizes([HEIGHT, WIDTH], compute));
  assert.deepEqual(of(() => 7), ["int_7"]);
  assert.deepEqual(of((h) => h), ["height"]);
  assert.deepEqual(of((_, w) => 3 * w), ["Mul width int_3"]);
  assert.deepEqual(of((h) => h + 5), ["Add height int_5"]);
  assert.deepEqual(of((_, w) => Math.floor(w / 4)), ["Div width int_4"]);
  assert.deepEqual(of((h) => Math.ceil(h / 8)), ["Add height int_7", "Div Add:0 int_8"]);
  assert.deepEqual(of((h, w) => h * w), ["Mul height width"]);
  assert.deepEqual(of((h, w) => 4 * h * w), ["Mul height width", "Mul Mul:0 int_4"]);
});

Deno.test("SizeNodes.of() refuses a size that follows from nothing", () => {
  const { sizes } = sizeNodes();
  assert.throws(() => sizes.of([1, 1, 2, 9, 1]), /do not follow from a tensor's/);
});

Deno.test("SizeNodes.list() joins what is fixed", () => {
  const { builder, sizes } = sizeNodes();
  sizes.list([2, 3, HEIGHT, WIDTH, 1]);
  assert.deepEqual(
    builder.nodes.map(({ inputs }) => inputs),
    [["int_2_3", "height", "width", "int_1"]],
  );
});

Deno.test("GraphBuilder keeps one of equal nodes and constants", () => {
  const builder = new GraphBuilder({ half: false });
  const [a, b] = [1, 1].map(() => builder.node("Relu", [builder.float(0.5)]));
  assert.equal(a, b);
  assert.equal(builder.nodes.length, 1);
  assert.equal(builder.initializers.length, 1);
  assert.notEqual(builder.node("Relu", [builder.float(0.25)]), a);
});

Deno.test("permuted() puts axes into another order", () => {
  const values = Float32Array.from({ length: 24 }, (_, i) => i);
  const result = permuted(values, [2, 3, 4], [2, 0, 1]);
  const expected = [];
  for (let k = 0; k < 4; k++) {
    for (let i = 0; i < 2; i++) {
      for (let j = 0; j < 3; j++) expected.push((i * 3 + j) * 4 + k);
    }
  }
  assert.deepEqual([...result], expected);
  assert.deepEqual([...permuted(Float32Array.of(5), [], [])], [5]);
});

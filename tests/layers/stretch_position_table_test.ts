import assert from "node:assert/strict";
import type { HostTensor } from "../../src/core/host_tensor.ts";
import { stretchPositionTable } from "../../src/layers/stretch_position_table.ts";

/** A table of any numbers: sin(0.7·entry + 1.3·head), in float32. */
function tableOf(side: number, heads = 2): HostTensor {
  const entries = side ** 2 + 3;
  const cells = Float32Array.from(
    { length: entries * heads },
    (_, k) => Math.sin(0.7 * Math.floor(k / heads) + 1.3 * (k % heads)),
  );
  return { dtype: "F32", shape: [entries, heads], bytes: new Uint8Array(cells.buffer) };
}

const cellsOf = ({ bytes }: HostTensor) => new Float32Array(bytes.slice().buffer);

// mmsegmentation's `_geometric_sequence_interpolation` of such tables, its `interp2d(x, y,
// z, kind="cubic")` being SciPy 1.17.1's RectBivariateSpline(x, y, z, kx=3, ky=3, s=0) with
// targets clamped to the ends: [entry, head, value], and the sum of all magnitudes.
const REFERENCE: Record<
  string,
  readonly [from: number, window: number, sum: number, (readonly number[])[]]
> = {
  "from 14×14 tokens to 40×40, as published": [27, 40, 7940.775858101441, [
    [0, 0, 8.484776117256843e-6],
    [3, 1, 1.0065505504608154],
    [79, 0, 0.0073219481855630875],
    [163, 1, 0.9660972356796265],
    [3120, 0, -0.32498422265052795],
    [2080, 1, -0.7293595671653748],
    [6240, 0, 0.6146815419197083],
    [6242, 1, -0.2186174839735031],
  ]],
  "to a smaller grid": [27, 10, 464.1697719932666, [
    [0, 0, -0.11435428261756897],
    [3, 1, 0.23418624699115753],
    [43, 1, 0.9950066208839417],
    [180, 0, -0.32498422265052795],
    [360, 0, -0.5200831294059753],
  ]],
  "further than any stretching goes": [7, 14, 971.0239338419783, [
    [59, 1, 0.9635581970214844],
    [364, 0, -0.8875670433044434],
    [243, 1, 1.1264728307724],
    [728, 0, 0.8177662491798401],
    [730, 1, -0.9852983951568604],
  ]],
};

for (const [name, [from, window, sum, cells]] of Object.entries(REFERENCE)) {
  Deno.test(`stretchPositionTable() is the reference's ${name}`, () => {
    const found = stretchPositionTable(tableOf(from), [window, window]) ?? assert.fail();
    assert.deepEqual(found.shape, [(2 * window - 1) ** 2 + 3, 2]);
    const values = cellsOf(found);
    for (const [entry = 0, head = 0, expected = NaN] of cells) {
      const value = values[entry * 2 + head] ?? NaN;
      assert.ok(Math.abs(value - expected) < 2e-6, `${entry}, ${head}: ${value}`);
    }
    const all = values.reduce((sum, value) => sum + Math.abs(value), 0);
    assert.ok(Math.abs(all / sum - 1) < 1e-6, `${all}`);
  });
}

Deno.test("stretchPositionTable() leaves a table of its own grid as it is", () => {
  const table = tableOf(7);
  const found = stretchPositionTable(table, [4, 4]) ?? assert.fail();
  cellsOf(table).forEach((value, i) =>
    assert.ok(Math.abs(value - (cellsOf(found)[i] ?? NaN)) < 1e-6)
  );
});

Deno.test("stretchPositionTable() treats the axes of an oblong grid apart", () => {
  const tall = stretchPositionTable(tableOf(7), [6, 4]) ?? assert.fail();
  const square = stretchPositionTable(tableOf(7), [6, 6]) ?? assert.fail();
  assert.deepEqual(tall.shape, [11 * 7 + 3, 2]);
  // Along the axis that keeps its size nothing moves: the middle column is that of both.
  for (let y = 0; y < 11; y++) {
    const [a = 0, b = NaN] = [
      cellsOf(tall)[(y * 7 + 3) * 2],
      cellsOf(square)[(y * 11 + 5) * 2],
    ];
    assert.ok(Math.abs(a - b) < 1e-6, `${y}: ${a} ${b}`);
  }
});

Deno.test("stretchPositionTable() refuses what is no table of a square grid", () => {
  const table = tableOf(7);
  const refused: HostTensor[] = [
    { ...table, dtype: "F16" },
    { ...table, shape: [52 * 2] },
    { ...tableOf(7), shape: [26, 4], bytes: table.bytes },
    tableOf(6),
    tableOf(3),
  ];
  for (const value of refused) assert.equal(stretchPositionTable(value, [6, 6]), null);
});

import assert from "node:assert/strict";
import type { HostTensor } from "../../src/core/host_tensor.ts";
import { windowAttention } from "../../src/layers/window_attention.ts";
import {
  cubicSplineWeights,
  resizeBeitPositionTable,
  resizeSwinPositionTable,
} from "../../src/layers/resize_position_table.ts";
import { assertClose } from "../support/mod.ts";

const host = (values: Float32Array<ArrayBuffer>, heads: number): HostTensor => ({
  dtype: "F32",
  shape: [values.length / heads, heads],
  bytes: new Uint8Array(values.buffer),
});

/** Numbers that float32 holds exactly: ((7·i) mod 23 − 11) / 4. */
const table = (side: number, heads: number) =>
  host(
    Float32Array.from({ length: side ** 2 * heads }, (_, i) => (i * 7 % 23 - 11) / 4),
    heads,
  );

const valuesOf = ({ bytes }: HostTensor) => new Float32Array(bytes.slice().buffer);

// torch.nn.functional.interpolate of torch 2.13.0, mode="bicubic", align_corners=False, on
// the table as [1, 2, 3, 3] to 5×5 and as [1, 2, 5, 5] to 3×3, back as [25, 2] and [9, 2].
// deno-fmt-ignore
const UPSAMPLED = [
  -3.5949923992156982, -1.2400001287460327, -1.4718233346939087, 0.6160004734992981,
  0.8460000157356262, 2.5960001945495605, -0.2392570823431015, 1.4709993600845337,
  -1.6200003623962402, 0.13000011444091797, -0.9568227529525757, -2.105742931365967,
  -0.1508198082447052, -0.04936712980270386, 0.4339994788169861, 2.183999538421631,
  -1.105000376701355, 1.0888065099716187, -2.485743522644043, -0.2820003628730774,
  2.2160000801086426, -2.3359999656677246, 1.2889988422393799, -0.47999948263168335,
  -0.25, 1.5, -1.7889999151229858, 0.37499919533729553, -2.716000556945801,
  -0.9660000205039978, 1.9857430458068848, 0.8368245363235474, 0.6049989461898804,
  0.9896278381347656, -0.9339999556541443, 0.8160002827644348, -0.34917908906936646,
  -0.5623680949211121, 0.45682430267333984, -1.6500002145767212, 1.1200004816055298,
  3.474992513656616, -0.2607437074184418, 2.28082275390625, -1.3460001945495605,
  0.4040001332759857, 0.9718247652053833, -1.1747437715530396, 3.0949923992156982,
  -2.0620007514953613,
];
// deno-fmt-ignore
const DOWNSAMPLED = [
  -1.4583336114883423, 0.40997928380966187, -1.4351853132247925, 0.3148149847984314,
  0.7175936698913574, 0.3379622995853424, -1.0231481790542603, -1.4027776718139648,
  -1.0, 0.75, 1.1527785062789917, 0.7731472253799438, -0.5879627466201782,
  -0.9675920009613037, -0.564814567565918, 1.1851848363876343, 0.12877216935157776,
  1.2083319425582886,
];

Deno.test("resizeSwinPositionTable() equals PyTorch's bicubic interpolation", async () => {
  const larger = resizeSwinPositionTable(table(3, 2), 5, 2) ?? assert.fail();
  assert.deepEqual(larger.shape, [25, 2]);
  await assertClose(valuesOf(larger), UPSAMPLED, 1e-6);
  const smaller = resizeSwinPositionTable(table(5, 2), 3, 2) ?? assert.fail();
  assert.deepEqual(smaller.shape, [9, 2]);
  await assertClose(valuesOf(smaller), DOWNSAMPLED, 1e-6);
});

Deno.test("resizeSwinPositionTable() from window 7 to 12 equals PyTorch's", async () => {
  const waves = Float32Array.from({ length: 13 ** 2 }, (_, i) => Math.sin(0.37 * i));
  const values = valuesOf(
    resizeSwinPositionTable(host(waves, 1), 23, 1) ?? assert.fail(),
  );
  // Corners, the center and others, from the same function of torch 2.13.0.
  const places = [0, 1, 22, 23, 264, 300, 528];
  // deno-fmt-ignore
  const expected = [
    0.0606909915804863, 0.2084430754184723, -1.0910844802856445, -0.4065937399864197,
    -0.3296441435813904, 0.8237094879150391, -0.7328572869300842,
  ];
  await assertClose(places.map((place) => values[place] ?? NaN), expected, 2e-6);
});

Deno.test("windowAttention() adapts tables of other windows but not of other heads", () => {
  const [parameter] =
    windowAttention("attn", 4, { heads: 2, window: 3, shift: 0 }).parameters;
  const { adaptShape, shape } = parameter ?? assert.fail();
  assert.deepEqual(adaptShape?.(table(7, 2))?.shape, shape);
  const same = table(5, 2);
  assert.deepEqual(adaptShape?.(same), same, "a table of the same window is unchanged");
  assert.equal(adaptShape?.(table(7, 4)), null);
  assert.equal(adaptShape?.({ ...table(7, 2), shape: [98] }), null);
  assert.equal(
    adaptShape?.(host(new Float32Array(12), 2)),
    null,
    "six positions are not square",
  );
  assert.equal(adaptShape?.({ ...table(3, 2), dtype: "I32" }), null);
});

/** A table of the values sin(0.7·entry + 1.3·head), in float32. */
function tableOf(side: number, heads = 2): HostTensor {
  const entries = side ** 2 + 3;
  const values = Float32Array.from(
    { length: entries * heads },
    (_, k) => Math.sin(0.7 * Math.floor(k / heads) + 1.3 * (k % heads)),
  );
  return { dtype: "F32", shape: [entries, heads], bytes: new Uint8Array(values.buffer) };
}

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
  "beyond the largest geometric step": [7, 14, 971.0239338419783, [
    [59, 1, 0.9635581970214844],
    [364, 0, -0.8875670433044434],
    [243, 1, 1.1264728307724],
    [728, 0, 0.8177662491798401],
    [730, 1, -0.9852983951568604],
  ]],
};

for (const [name, [from, window, sum, entries]] of Object.entries(REFERENCE)) {
  Deno.test(`resizeBeitPositionTable() equals the reference ${name}`, () => {
    const found = resizeBeitPositionTable(tableOf(from), [window, window]) ??
      assert.fail();
    assert.deepEqual(found.shape, [(2 * window - 1) ** 2 + 3, 2]);
    const values = valuesOf(found);
    for (const [entry = 0, head = 0, expected = NaN] of entries) {
      const value = values[entry * 2 + head] ?? NaN;
      assert.ok(Math.abs(value - expected) < 2e-6, `${entry}, ${head}: ${value}`);
    }
    const magnitudes = values.reduce((sum, value) => sum + Math.abs(value), 0);
    assert.ok(Math.abs(magnitudes / sum - 1) < 1e-6, `${magnitudes}`);
  });
}

Deno.test("resizeBeitPositionTable() does not change a table of the same grid", () => {
  const table = tableOf(7);
  const found = resizeBeitPositionTable(table, [4, 4]) ?? assert.fail();
  valuesOf(table).forEach((value, i) =>
    assert.ok(Math.abs(value - (valuesOf(found)[i] ?? NaN)) < 1e-6)
  );
});

Deno.test("resizeBeitPositionTable() resizes both axes of an oblong grid independently", () => {
  const tall = resizeBeitPositionTable(tableOf(7), [6, 4]) ?? assert.fail();
  const square = resizeBeitPositionTable(tableOf(7), [6, 6]) ?? assert.fail();
  assert.deepEqual(tall.shape, [11 * 7 + 3, 2]);
  // The axis of unchanged size is not interpolated: both have the same middle column.
  for (let y = 0; y < 11; y++) {
    const [a = 0, b = NaN] = [
      valuesOf(tall)[(y * 7 + 3) * 2],
      valuesOf(square)[(y * 11 + 5) * 2],
    ];
    assert.ok(Math.abs(a - b) < 1e-6, `${y}: ${a} ${b}`);
  }
});

Deno.test("resizeBeitPositionTable() rejects tables that are not of a square grid", () => {
  const table = tableOf(7);
  const invalidTables: HostTensor[] = [
    { ...table, dtype: "F16" },
    { ...table, shape: [52 * 2] },
    { ...tableOf(7), shape: [26, 4], bytes: table.bytes },
    tableOf(6),
    tableOf(3),
  ];
  for (const value of invalidTables) {
    assert.equal(resizeBeitPositionTable(value, [6, 6]), null);
  }
});

const POINTS = [-7, -4, -1.5, 0, 1, 2.25, 6];

/** The spline through the values of f, at the targets. */
function spline(
  points: readonly number[],
  f: (x: number) => number,
  targets: readonly number[],
): number[] {
  const values = points.map(f);
  return cubicSplineWeights(points, targets)
    .map((row) => row.reduce((sum, weight, i) => sum + weight * (values[i] ?? 0), 0));
}

function assertNear(found: readonly number[], expected: readonly number[]): void {
  assert.equal(found.length, expected.length);
  found.forEach((value, i) => {
    const other = expected[i] ?? NaN;
    assert.ok(
      Math.abs(value - other) < 1e-9 * (1 + Math.abs(other)),
      `${value} ${other}`,
    );
  });
}

Deno.test("cubicSplineWeights() interpolates its points", () => {
  assertNear(spline(POINTS, Math.exp, POINTS), POINTS.map(Math.exp));
});

Deno.test("cubicSplineWeights() reproduces cubic polynomials with as few as 4 points", () => {
  const cubic = (x: number) => 2 - x + 0.5 * x ** 2 - 0.25 * x ** 3;
  const targets = [-6.5, -4, -2, 0.1, 3, 5.9];
  assertNear(spline(POINTS, cubic, targets), targets.map(cubic));
  assertNear(spline([-7, -1, 0, 6], cubic, targets), targets.map(cubic));
});

// SciPy 1.17.1: CubicSpline(points, sin(points))(targets), not-a-knot by default; along
// both axes RectBivariateSpline(kx=3, ky=3, s=0) gives their products, to 1e-15.
const SCIPY = [
  1.1055389051495996,
  -0.2014946788434026,
  0.48210035494829984,
  0.9661583163934397,
  -0.37921864865066085,
];

Deno.test("cubicSplineWeights() equals SciPy's not-a-knot spline", () => {
  assertNear(spline(POINTS, Math.sin, [-6, -3, 0.5, 1.5, 4]), SCIPY);
});

Deno.test("cubicSplineWeights() extrapolates with the end values", () => {
  assertNear(spline(POINTS, Math.exp, [-9, 6.001]), [Math.exp(-7), Math.exp(6)]);
});

Deno.test("cubicSplineWeights() rejects fewer than 4 points", () => {
  assert.throws(() => cubicSplineWeights([0, 1, 2], [0.5]), {
    name: "RangeError",
    message: "Cannot interpolate a cubic spline through 3 points: 4 are needed",
  });
});

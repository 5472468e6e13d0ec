import assert from "node:assert/strict";
import type { HostTensor } from "../../src/core/host_tensor.ts";
import { relativePositionTable } from "../../src/layers/relative_position.ts";
import { resizePositionTable } from "../../src/layers/resize_position_table.ts";
import { assertClose } from "../support/mod.ts";

const host = (cells: Float32Array<ArrayBuffer>, heads: number): HostTensor => ({
  dtype: "F32",
  shape: [cells.length / heads, heads],
  bytes: new Uint8Array(cells.buffer),
});

/** Numbers that float32 holds exactly: ((7·i) mod 23 − 11) / 4. */
const table = (side: number, heads: number) =>
  host(
    Float32Array.from({ length: side ** 2 * heads }, (_, i) => (i * 7 % 23 - 11) / 4),
    heads,
  );

const cellsOf = ({ bytes }: HostTensor) => new Float32Array(bytes.slice().buffer);

// torch.nn.functional.interpolate of torch 2.13.0, mode="bicubic", align_corners=False, on
// the table as [1, 2, 3, 3] to 5×5 and as [1, 2, 5, 5] to 3×3, back as [25, 2] and [9, 2].
// deno-fmt-ignore
const ENLARGED = [
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
const REDUCED = [
  -1.4583336114883423, 0.40997928380966187, -1.4351853132247925, 0.3148149847984314,
  0.7175936698913574, 0.3379622995853424, -1.0231481790542603, -1.4027776718139648,
  -1.0, 0.75, 1.1527785062789917, 0.7731472253799438, -0.5879627466201782,
  -0.9675920009613037, -0.564814567565918, 1.1851848363876343, 0.12877216935157776,
  1.2083319425582886,
];

Deno.test("resizePositionTable() agrees with PyTorch's bicubic resize", async () => {
  const larger = resizePositionTable(table(3, 2), 5, 2) ?? assert.fail();
  assert.deepEqual(larger.shape, [25, 2]);
  await assertClose(cellsOf(larger), ENLARGED, 1e-6);
  const smaller = resizePositionTable(table(5, 2), 3, 2) ?? assert.fail();
  assert.deepEqual(smaller.shape, [9, 2]);
  await assertClose(cellsOf(smaller), REDUCED, 1e-6);
});

Deno.test("resizePositionTable() from a window of 7 to one of 12", async () => {
  const waves = Float32Array.from({ length: 13 ** 2 }, (_, i) => Math.sin(0.37 * i));
  const cells = cellsOf(resizePositionTable(host(waves, 1), 23, 1) ?? assert.fail());
  // Corners, the centre and others, from the same function of torch 2.13.0.
  const places = [0, 1, 22, 23, 264, 300, 528];
  // deno-fmt-ignore
  const expected = [
    0.0606909915804863, 0.2084430754184723, -1.0910844802856445, -0.4065937399864197,
    -0.3296441435813904, 0.8237094879150391, -0.7328572869300842,
  ];
  await assertClose(places.map((place) => cells[place] ?? NaN), expected, 2e-6);
});

Deno.test("a table of relative positions fits other windows, not other heads", () => {
  const { fit, shape } = relativePositionTable("attn", 3, 2);
  assert.deepEqual(fit?.(table(7, 2))?.shape, shape);
  const same = table(5, 2);
  assert.deepEqual(fit?.(same), same, "its own window's is left as it is");
  assert.equal(fit?.(table(7, 4)), null);
  assert.equal(fit?.({ ...table(7, 2), shape: [98] }), null);
  assert.equal(fit?.(host(new Float32Array(12), 2)), null, "six positions are no square");
  assert.equal(fit?.({ ...table(3, 2), dtype: "I32" }), null);
});

import assert from "node:assert/strict";
import {
  decodeRunString,
  fillPolygon,
  fillRuns,
} from "../../../src/data/annotations/coco_mask.ts";
import { maskRows, readFixture } from "./fixtures.ts";

/** Draws polygons, as rows of digits. */
function polygonRows(width: number, height: number, polygons: number[][]): string[] {
  const rows = Array.from({ length: height }, () => new Array(width).fill(0));
  for (const polygon of polygons) {
    fillPolygon(polygon, { width, height }, (from, to) => {
      for (let i = from; i < to; i++) {
        const row = rows[i % height];
        if (row) row[Math.floor(i / height)] = 1;
      }
    });
  }
  return rows.map((row) => row.join(""));
}

Deno.test("fillPolygon() fills what pycocotools does, also outside of the picture", () => {
  const { cases } = readFixture("coco_masks.json");
  assert.ok(cases.length >= 80);
  for (const { width, height, segmentation, mask } of cases) {
    assert.deepEqual(
      polygonRows(width, height, segmentation),
      maskRows(width, height, mask),
      JSON.stringify(segmentation),
    );
  }
});

Deno.test("decodeRunString() gives the runs of an encoding by pycocotools", () => {
  // mask.encode() of 4 columns of 3 with [0, 1, 1], [1, 1, 1], [0, 0, 0], [1, 0, 1].
  assert.deepEqual(decodeRunString("153LN0"), [1, 5, 3, 1, 1, 1]);
});

Deno.test("decodeRunString() refuses what is no encoding", () => {
  for (const text of ["15 ", "1\u00ff", "o", "O"]) {
    assert.throws(() => decodeRunString(text), /damaged run-length encoding/, text);
  }
});

Deno.test("fillRuns() refuses runs of another number of pixels", () => {
  const size = { width: 4, height: 3 };
  for (const counts of [[1, 5], [1, 5, 7], []]) {
    assert.throws(
      () => fillRuns(counts, size, () => {}),
      /has runs of \d+ pixels, and the picture has 12/,
    );
  }
});

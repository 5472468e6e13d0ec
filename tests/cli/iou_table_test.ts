import assert from "node:assert/strict";
import { iouTable } from "../../src/cli/iou_table.ts";

const SCORE = {
  mIoU: 0.5,
  pixelAccuracy: 0.9,
  classes: [
    { name: "sky", iou: 0.9, accuracy: 0.95 },
    { name: "traffic sign", iou: null, accuracy: null },
    { name: "car", iou: 0.1, accuracy: 1 },
  ],
};

Deno.test("iouTable() is plain columns where nobody watches", () => {
  assert.equal(
    iouTable(SCORE, { outIsTerminal: false, color: true }),
    [
      "class                 IoU %  accuracy %",
      "sky                   90.00       95.00",
      "traffic sign              –           –",
      "car                   10.00      100.00",
      "mIoU, pixel accuracy  50.00       90.00",
    ].join("\n"),
  );
});

Deno.test("iouTable() has rules on a terminal, and colours unless unwanted", () => {
  const plain = iouTable(SCORE, { outIsTerminal: true, color: false });
  assert.match(plain, /│ sky {18}│ 90\.00 │ {6}95\.00 │/);
  assert(!plain.includes("\x1b"));
  assert(iouTable(SCORE, { outIsTerminal: true, color: true }).includes("\x1b[1mmIoU"));
});

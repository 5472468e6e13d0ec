import assert from "node:assert/strict";
import { join } from "node:path";
import {
  confusionCsv,
  confusionTable,
  drawConfusionMatrix,
  prepareConfusionFiles,
} from "../../src/cli/confusion_matrix.ts";
import { decodePng } from "../../src/formats/png.ts";
import { inFolder } from "../support/files.ts";

const MATRIX = {
  classes: ["sky", 'a, "b"', "car"],
  counts: [[995, 5, 0], [1, 1, 2], [0, 0, 0]],
};

Deno.test("confusionCsv() quotes as RFC 4180 has it", () => {
  assert.equal(
    confusionCsv(MATRIX),
    'true class,sky,"a, ""b""",car\r\nsky,995,5,0\r\n"a, ""b""",1,1,2\r\ncar,0,0,0\r\n',
  );
});

Deno.test("confusionTable() tells apart nothing, next to nothing and no pixels", () => {
  const rare = { ...MATRIX, counts: [[998, 2, 0], ...MATRIX.counts.slice(1)] };
  assert.equal(
    confusionTable(rare),
    [
      "% of true class predicted as   0   1   2",
      "  0 sky                      100   0   ·",
      '  1 a, "b"                    25  25  50',
      "  2 car                        –   –   –",
    ].join("\n"),
  );
});

Deno.test("drawConfusionMatrix() is darkest on the diagonal and gray without pixels", () => {
  const counts = [[10, 0, 0], [0, 10, 0], [0, 0, 0]];
  const { width, height, data } = decodePng(
    drawConfusionMatrix({ ...MATRIX, counts }),
    "matrix",
  );
  // The cells are the last 3×3 squares before the margin; their first pixels hold no figure.
  const [cell, margin] = [44, 16];
  const bottom = height - margin - 3 * cell;
  const left = 16 + 6 * 6 * 2 + 8;
  const colors = counts.map((_, y) =>
    counts.map((_, x) =>
      data[3 * ((bottom + y * cell + 2) * width + left + x * cell + 2)]
    )
  );
  assert.deepEqual(colors, [[8, 255, 255], [255, 8, 255], [240, 240, 240]]);
});

Deno.test("drawConfusionMatrix() holds any number of classes, with long names", () => {
  for (const count of [1, 40, 41, 150]) {
    const classes = Array.from(
      { length: count },
      (_, id) => `a class of some name ${id}`,
    );
    const counts = classes.map((_, y) => classes.map((_, x) => x === y ? 9 : 1));
    const { width, height } = decodePng(
      drawConfusionMatrix({ classes, counts }),
      "matrix",
    );
    assert.ok(width < 3000 && height < 3000, `${count}: ${width}×${height}`);
  }
});

Deno.test("prepareConfusionFiles() writes what names ask for, and refuses others at once", () =>
  inFolder(async (folder) => {
    const csv = join(folder, "new", "m.csv");
    const png = join(folder, "m.PNG");
    const write = await prepareConfusionFiles([csv, png]);
    assert.deepEqual(await Array.fromAsync(Deno.readDir(join(folder, "new"))), []);
    await write(MATRIX);
    assert.equal(await Deno.readTextFile(csv), confusionCsv(MATRIX));
    assert.deepEqual(await Deno.readFile(png), drawConfusionMatrix(MATRIX));
    await assert.rejects(prepareConfusionFiles([csv, "m.txt"]), {
      name: "RangeError",
      message: 'Cannot write a confusion matrix to "m.txt": the name must end with ' +
        ".csv (counts) or .png (a heat map)",
    });
    await assert.rejects(prepareConfusionFiles([join(csv, "x.csv")]), {
      name: "Error",
      message: /^Cannot write ".*x\.csv": there is a file where a folder should be;/,
    });
    await prepareConfusionFiles([csv]);
    assert.equal(
      await Deno.readTextFile(csv),
      confusionCsv(MATRIX),
      "it stays until then",
    );
  }));

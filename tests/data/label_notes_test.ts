import assert from "node:assert/strict";
import { absentClassNotes, type CountedLabels } from "../../src/data/label_notes.ts";
import type { DataSet } from "../../src/data/data_set.ts";
import { CITYSCAPES_CLASSES } from "../../src/data/native_classes.ts";
import { labelIdsOf } from "../../src/data/open_data_set.ts";

const unread = () => assert.fail("no label has to be read");

/** Named labels of Cityscapes, none of which is read. */
const DATA_SET: DataSet = {
  name: "labels",
  classes: CITYSCAPES_CLASSES,
  names: ["a", "b"],
  labeled: true,
  read: unread,
  readLabel: unread,
  fingerprint: unread,
  identity: unread,
  statisticsFolder: null,
};

Deno.test("absentClassNotes() suspects label ids that could be train ids", async () => {
  const notes = async (present: readonly string[], rest: Partial<CountedLabels> = {}) =>
    (await absentClassNotes(DATA_SET, {
      part: "train",
      totals: CITYSCAPES_CLASSES.map(({ name }) => present.includes(name) ? 5 : 0),
      labels: 2,
      hasClassIds: false,
      labelIds: labelIdsOf({ kind: "native", set: "gta5", root: "x", labeled: true }),
      ...rest,
    })).join();
  const suspicion =
    /in the 2 labels of "train": no class occurs whose value is above 18, as if values were train ids and no label ids: restore/;
  assert.match(await notes(["sidewalk", "pole"]), suspicion);
  assert.doesNotMatch(await notes(["road", "sidewalk", "sky"]), /train ids/);
  assert.doesNotMatch(await notes(["sidewalk", "pole"], { labelIds: null }), /train ids/);
});

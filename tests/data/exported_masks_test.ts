// Masks as CVAT and Roboflow export them, read as they are.
import assert from "node:assert/strict";
import { join } from "node:path";
import { openDataSet } from "../../src/data/open_data_set.ts";
import { cvatExport, roboflowExport } from "./annotations/exports.ts";
import { zipOf } from "./archives.ts";
import { withFiles } from "./tiny_folder.ts";

const EXPORTS = { CVAT: cvatExport(), Roboflow: roboflowExport() };

for (const [tool, { files, classes, pattern, splits }] of Object.entries(EXPORTS)) {
  Deno.test(`openFolder() reads an export of ${tool} from its folder and its zip`, async () => {
    await withFiles({ ...files, "export.zip": zipOf(files) }, async (root) => {
      for (const place of [root, join(root, "export.zip")]) {
        for (const [split, { list, labels }] of Object.entries(splits)) {
          const set = await openDataSet({
            kind: "folder",
            root: place,
            split,
            list,
            classes,
            files: pattern,
            labeled: true,
          });
          assert.deepEqual(set.names, Object.keys(labels));
          for (const [index, name] of set.names.entries()) {
            assert.deepEqual([...(await set.read(index)).label ?? []], labels[name]);
          }
        }
      }
    });
  });
}

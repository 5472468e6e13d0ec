import assert from "node:assert/strict";
import { join } from "node:path";
import { cityscapesLabelIds } from "../../src/cli/cityscapes_label_ids.ts";
import {
  createPredictionWriter,
  openPredictionFolder,
  predictionPaths,
} from "../../src/cli/prediction_files.ts";
import { decodePng } from "../../src/formats/png.ts";
import { inFolder } from "../support/files.ts";

const CLASSES = [
  "road sidewalk building wall fence pole traffic_light traffic_sign vegetation terrain",
  "sky person rider car truck bus train motorcycle bicycle",
].join(" ").split(" ").map((name) => ({
  name: name.replace("_", " "),
  color: [1, 2, 3] as const,
}));

// In the order of train ids.
const IDS = [7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33];

Deno.test("cityscapesLabelIds() maps train ids, in whatever order classes are", () => {
  assert.deepEqual([...cityscapesLabelIds(CLASSES)], IDS);
  assert.deepEqual([...cityscapesLabelIds(CLASSES.toReversed())], IDS.toReversed());
});

Deno.test("cityscapesLabelIds() refuses other classes in one sentence", () => {
  const start =
    "Cannot save label ids of Cityscapes: they are for networks with its 19 " +
    "training classes, and this one ";
  assert.throws(() => cityscapesLabelIds(CLASSES.slice(1)), {
    name: "RangeError",
    message: `${start}has no class "road"; omit --ids labelIds`,
  });
  assert.throws(() => cityscapesLabelIds([...CLASSES, { name: "toString" }]), {
    name: "RangeError",
    message: `${start}knows a class "toString"; omit --ids labelIds`,
  });
});

Deno.test("a folder of label ids holds one gray file per picture and nothing else", () =>
  inFolder(async (folder) => {
    const save = await openPredictionFolder(folder, CLASSES, {}, "labelIds");
    const labels = Uint8Array.from({ length: 20 }, (_, i) => i % 19);
    const picture = { width: 5, height: 4, data: new Uint8Array(60), labels };
    const name = "ulm/ulm_000000_000019_leftImg8bit";
    await save({ ...picture, name });
    const names = await Array.fromAsync(
      Deno.readDir(join(folder, "ulm")),
      ({ name }) => name,
    );
    assert.deepEqual(names, ["ulm_000000_000019_leftImg8bit.png"]);
    const file = join(folder, `${name}.png`);
    const { width, height, channels, bitDepth, palette, data } = decodePng(
      await Deno.readFile(file),
      file,
    );
    assert.deepEqual([width, height, channels, bitDepth, palette], [5, 4, 1, 8, null]);
    assert.deepEqual([...data], [...IDS, 7]);
    await assert.rejects(
      openPredictionFolder(undefined, CLASSES, {}, "labelIds"),
      {
        name: "RangeError",
        message: "Cannot write labelIds: name the folder with --save DIR",
      },
    );
  }));

Deno.test("predictionPaths() gives label ids the image's own name, elsewhere only", async () => {
  assert.deepEqual(await predictionPaths(["a/b_leftImg8bit.png"], "out", "labelIds"), [{
    image: "a/b_leftImg8bit.png",
    labels: join("out", "b_leftImg8bit.png"),
    overlay: null,
  }]);
  await assert.rejects(predictionPaths(["a/b.png"], null, "labelIds"), {
    name: "RangeError",
    message: /would overwrite an input; choose another --out$/,
  });
  assert.throws(() => createPredictionWriter(CLASSES.slice(2), "labelIds"), RangeError);
});

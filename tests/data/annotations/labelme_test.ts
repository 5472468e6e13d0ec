// labelme's annotations, a JSON per image.
import assert from "node:assert/strict";
import { join } from "node:path";
import { listLabelmeFiles } from "../../../src/data/annotations/labelme.ts";
import type { LabelmeSpec } from "../../../src/data/data_spec.ts";
import { openDataSet } from "../../../src/data/open_data_set.ts";
import { zipOf } from "../archives.ts";
import { tinyImage, withFiles } from "../tiny_folder.ts";
import {
  CLASSES,
  LABELME_LABELS,
  labelmeFiles,
  labelmeJson,
  labelOf,
} from "./fixtures.ts";

const specOf = (root: string, rest: Partial<LabelmeSpec> = {}): LabelmeSpec => ({
  kind: "labelme",
  root,
  split: "train",
  classes: CLASSES,
  background: "background",
  labeled: true,
  ...rest,
});

const textOf = (json: unknown) => new TextEncoder().encode(JSON.stringify(json));

Deno.test("openLabelme() gives the labels of labelme from folders and archives", async () => {
  const files = labelmeFiles();
  await withFiles({ ...files, "all.zip": zipOf(files) }, async (root) => {
    for (const one of [root, join(root, "all.zip")]) {
      for (const split of ["train", "val"]) {
        const set = await openDataSet(specOf(one, { split }));
        assert.equal(set.names.length, split === "train" ? 4 : 2);
        for (const [index, stem] of set.names.entries()) {
          const { label, width, height } = await set.read(index);
          const expected = LABELME_LABELS[stem] ?? assert.fail();
          assert.deepEqual([width, height], [expected.width, expected.height]);
          assert.deepEqual([...label ?? []], labelOf(expected.runs), stem);
        }
      }
    }
  });
});

Deno.test("openLabelme() reads a flat folder, and annotations in a folder of their own", async () => {
  const files = labelmeFiles();
  const apart = Object.fromEntries(
    Object.entries(files).map(([path, bytes]) => [
      path.endsWith(".json") ? `json/${path}` : `pictures/${path}`,
      bytes,
    ]),
  );
  const flat = Object.fromEntries(
    Object.entries(files).filter(([path]) => path.startsWith("train/"))
      .map(([path, bytes]) => [path.slice("train/".length), bytes]),
  );
  const expected = labelOf(LABELME_LABELS["2"]?.runs ?? []);
  await withFiles({ ...apart, "flat.zip": zipOf(flat) }, async (root) => {
    const sets = [
      specOf(root, {
        files: { images: "pictures/{split}", annotations: "json/{split}" },
      }),
      specOf(join(root, "flat.zip"), { files: { images: ".", annotations: "." } }),
    ];
    for (const spec of sets) {
      const set = await openDataSet(spec);
      assert.deepEqual(set.names, ["0", "1", "2", "3"]);
      assert.deepEqual([...(await set.readLabel(2)).data], expected);
    }
  });
});

Deno.test("openLabelme() chooses listed images, and needs no annotation of others", async () => {
  const files = { ...labelmeFiles(), "list.txt": "train/2.png train/2.json\n0\n" };
  await withFiles({ ...files, "train/new.png": tinyImage(1) }, async (root) => {
    const listed = await openDataSet(specOf(root, { list: join(root, "list.txt") }));
    assert.deepEqual([listed.names, listed.notes], [["0", "2"], []]);
    const some = await openDataSet(specOf(root, { include: ["1", "3"] }));
    assert.deepEqual(some.names, ["1", "3"]);
    const all = await openDataSet(specOf(root, { labeled: false }));
    assert.deepEqual(all.names, ["0", "1", "2", "3", "new"]);
  });
});

Deno.test("openLabelme() follows the imagePath of an annotation of another name", async () => {
  const files = labelmeFiles();
  files["train/labels/two.json"] = textOf({
    ...labelmeJson("2"),
    imagePath: "..\\2.png",
  });
  delete files["train/2.json"];
  await withFiles(files, async (root) => {
    const set = await openDataSet(specOf(root));
    assert.deepEqual(set.names, ["0", "1", "2", "3"]);
    assert.deepEqual(
      [...(await set.readLabel(2)).data],
      labelOf(LABELME_LABELS["2"]?.runs ?? []),
    );
  });
});

/** What is wrong with the split "train". */
async function findings(files: Readonly<Record<string, Uint8Array | string>>) {
  let found = {} as Awaited<ReturnType<typeof listLabelmeFiles>>;
  let [failure, place] = ["", ""];
  await withFiles(files, async (root) => {
    place = root;
    found = await listLabelmeFiles(specOf(root));
    failure = await openDataSet(specOf(root)).then(() => "", (error) => error.message);
  });
  const { faults = [], problems, missingLabels, orphanLabels, usable } = found;
  const all = {
    faults,
    problems,
    missingLabels,
    orphanLabels,
    notes: usable.notes,
    failure,
  };
  return JSON.parse(JSON.stringify(all).replaceAll(place, "ROOT")) as typeof all;
}

Deno.test("openLabelme() refuses two annotations of one picture, and two pictures of one", async () => {
  const { faults, failure } = await findings({
    ...labelmeFiles(),
    "train/copies/a.json": textOf({ ...labelmeJson("0"), imagePath: "../0.png" }),
    "train/1.jpg": tinyImage(4),
  });
  assert.deepEqual(faults, [
    'Cannot use the data set: "ROOT/train" holds both "1.jpg" and "1.png", which would share ' +
    "one annotation: remove or rename one",
    'Cannot use the data set: the picture "0.png" has two annotations, "ROOT/train/0.json" ' +
    'and "ROOT/train/copies/a.json": remove one',
  ]);
  assert.equal(failure, `${faults[0]} (and 1 more such problems: prepare lists all)`);
});

Deno.test("openLabelme() says which annotations and pictures are missing", async () => {
  const files: Record<string, Uint8Array> = {
    ...labelmeFiles(),
    "train/none.json": textOf({ ...labelmeJson("0"), imagePath: "none.png" }),
    "train/inside.json": textOf({
      ...labelmeJson("0"),
      imagePath: "inside.png",
      imageData: "AAAA",
    }),
    "train/settings.json": textOf({ a: 1 }),
  };
  delete files["train/3.json"];
  const { missingLabels, orphanLabels, problems, notes, failure } = await findings(files);
  assert.deepEqual(missingLabels, ["ROOT/train/3.json"]);
  assert.deepEqual(orphanLabels, ["ROOT/train/none.json"]);
  assert.deepEqual(problems, [
    'Left out "ROOT/train/inside.json": its picture is there only inside of it, as imageData: ' +
    'save the picture as a file, "inside.png"',
  ]);
  assert.deepEqual(notes, [
    'left out 1 .json files that are not labelme\'s (first: "ROOT/train/settings.json")',
  ]);
  assert.equal(failure, "");
});

Deno.test("openLabelme() leaves out images without annotation, but none of a list", async () => {
  const files: Record<string, Uint8Array | string> = {
    ...labelmeFiles(),
    "list.txt": "2\n3\n",
  };
  delete files["train/3.json"];
  await withFiles(files, async (root) => {
    const set = await openDataSet(specOf(root));
    assert.deepEqual(set.names, ["0", "1", "2"]);
    assert.match(
      set.notes?.join("\n") ?? "",
      /^Left out 1 of 4 images of ".*train" that have no annotation .*3.json" is missing\)/,
    );
    for (const selection of [{ list: join(root, "list.txt") }, { include: ["3"] }]) {
      await assert.rejects(
        () => openDataSet(specOf(root, selection)),
        /the label ".*3.json" is missing \(1 of . images have none\): annotate it, or save/,
      );
    }
  });
});

Deno.test("openLabelme() says that pictures are only inside of the annotations", async () => {
  const json = textOf({ ...labelmeJson("0"), imageData: "AAAA" });
  await withFiles({ "train/0.json": json }, async (root) => {
    await assert.rejects(
      () => openDataSet(specOf(root)),
      /no image .* and 1 pictures inside of .json files, as imageData: save them as files/,
    );
  });
});

Deno.test("openLabelme() refuses a label of another size than its picture, and a damaged one", async () => {
  const files = labelmeFiles((json, stem) => {
    if (stem === "0") json.imageWidth = 40;
  });
  files["train/1.json"] = (files["train/1.json"] ?? new Uint8Array()).slice(0, 300);
  await withFiles(files, async (root) => {
    const set = await openDataSet(specOf(root));
    await assert.rejects(() => set.read(0), /the image is 32×24 and the label 40×24/);
    await assert.rejects(
      () => set.read(1),
      /^SyntaxError: Cannot use the label ".*1.json": it is no JSON/,
    );
  });
});

Deno.test("identity() of a labelme set changes with a label before a long picture", async () => {
  const marks: (string | null)[] = [];
  for (const label of ["person", "people"]) { // as many bytes
    const json = { ...labelmeJson("0"), imageData: "A".repeat(9000) };
    json.shapes[0].label = label;
    await withFiles({ ...labelmeFiles(), "train/0.json": textOf(json) }, async (root) => {
      const { sizes, contents } = await (await openDataSet(specOf(root))).identity();
      marks.push(sizes, contents);
    });
  }
  assert.equal(marks[0], marks[2]);
  assert.notEqual(marks[1], marks[3]);
});

Deno.test("fingerprint() of a labelme set changes with what names mean", async () => {
  await withFiles(labelmeFiles(), async (root) => {
    const mark = async (rest: Partial<LabelmeSpec> = {}) =>
      await (await openDataSet(specOf(root, rest))).fingerprint();
    assert.equal(await mark(), await mark());
    assert.notEqual(await mark(), await mark({ background: null }));
    assert.notEqual(await mark(), await mark({ categoryMap: { car: "person" } }));
  });
});

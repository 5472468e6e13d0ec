// COCO annotations of a split, as COCO, Roboflow and others leave them.
import assert from "node:assert/strict";
import { join } from "node:path";
import { listCocoFiles } from "../../../src/data/annotations/coco.ts";
import type { CocoSpec } from "../../../src/data/data_spec.ts";
import { openDataSet, openUnpacked } from "../../../src/data/open_data_set.ts";
import { countLabelPixels, labelCounts } from "../../../src/data/class_counts.ts";
import { fileDataSet } from "../../../src/data/file_data_set.ts";
import { scanClassCounts } from "../../../src/data/scan.ts";
import { zipOf } from "../archives.ts";
import { tinyImage, withFiles } from "../tiny_folder.ts";
import {
  CLASSES,
  COCO_LABELS,
  cocoFiles,
  type CocoJson,
  cocoJson,
  labelOf,
} from "./fixtures.ts";

const specOf = (root: string, rest: Partial<CocoSpec> = {}): CocoSpec => ({
  kind: "coco",
  root,
  split: "train",
  classes: CLASSES,
  background: "background",
  labeled: true,
  ...rest,
});

/** What is wrong with the split "train" after a change of its JSON, and what is noted. */
async function findings(
  edit: (json: CocoJson) => void,
  more: Readonly<Record<string, Uint8Array | string>> = {},
  rest: Partial<CocoSpec> = {},
) {
  let found = {} as Awaited<ReturnType<typeof listCocoFiles>>;
  let failure = "";
  await withFiles({ ...cocoFiles(edit), ...more }, async (root) => {
    found = await listCocoFiles(specOf(root, rest));
    failure = await openDataSet(specOf(root, rest)).then(
      () => "",
      (error) => error.message,
    );
  });
  const { faults = [], problems, missingImages, usable } = found;
  return { faults, problems, missingImages, notes: usable.notes ?? [], failure };
}

const PLACES: readonly [
  name: string,
  place: (split: string) => string,
  pattern: string,
][] = [
  [
    "as COCO",
    (split) => `annotations/instances_${split}.json`,
    "annotations/instances_{split}.json",
  ],
  [
    "as Roboflow",
    (split) => `${split}/_annotations.coco.json`,
    "{split}/_annotations.coco.json",
  ],
  ["at the root", (split) => `${split}.json`, "{split}.json"],
];

for (const [name, place, annotations] of PLACES) {
  Deno.test(`openCoco() gives the masks of pycocotools from folders and archives, ${name}`, async () => {
    const files = cocoFiles(() => {}, place);
    const inFolder = Object.fromEntries(
      Object.entries(files).map(([path, bytes]) => [`export/${path}`, bytes]),
    );
    const archives = { "a.zip": zipOf(files), "b.zip": zipOf(inFolder) };
    await withFiles({ ...files, ...archives }, async (root) => {
      for (const one of [root, join(root, "a.zip"), join(root, "b.zip")]) {
        for (const split of ["train", "val"]) {
          const set = await openDataSet(
            specOf(one, { split, files: { images: "{split}", annotations } }),
          );
          assert.equal(set.names.length, split === "train" ? 4 : 2);
          for (const [index, stem] of set.names.entries()) {
            const { width, height, runs } = COCO_LABELS[`${split}/${stem}`] ??
              assert.fail();
            const { label, ...sample } = await set.read(index);
            assert.deepEqual([sample.width, sample.height], [width, height]);
            assert.deepEqual([...label ?? []], labelOf(runs), `${split}/${stem}`);
          }
        }
      }
    });
  });
}

Deno.test("openCoco() ignores crowds, pixels without annotation and categories where told to", async () => {
  await withFiles(cocoFiles(), async (root) => {
    const crowds = await openDataSet(specOf(root, { crowd: "ignore" }));
    for (const [index, stem] of crowds.names.entries()) {
      const { data } = await crowds.readLabel(index);
      const { crowdIgnored = [] } = COCO_LABELS[`train/${stem}`] ?? {};
      assert.deepEqual([...data], labelOf(crowdIgnored), stem);
    }
    const mapped = await openDataSet(
      specOf(root, { background: null, categoryMap: { person: null, "*": "person" } }),
    );
    for (const [index, stem] of mapped.names.entries()) {
      const { data } = await mapped.readLabel(index);
      const { runs = [] } = COCO_LABELS[`train/${stem}`] ?? {};
      // "car" is a class of its own name: "*" is for what is none.
      const expected = labelOf(runs).map((id) => id === 2 ? 2 : 255);
      assert.deepEqual([...data], expected, stem);
    }
  });
});

Deno.test("openCoco() gives images without annotations the background, and says so", async () => {
  const { notes, failure } = await findings(() => {});
  assert.equal(failure, "");
  assert.deepEqual(notes, [
    '1 of 4 images have no annotation (first: "0003"): all of their pixels are "background"',
  ]);
});

Deno.test("openCoco() takes no annotations for images without labels", async () => {
  const files = cocoFiles();
  delete files["annotations/instances_train.json"];
  await withFiles({ ...files, "train/more.png": tinyImage(3) }, async (root) => {
    const set = await openDataSet(specOf(root, { labeled: false }));
    assert.equal(set.names.length, 5);
    assert.equal((await set.read(4)).label, null);
    assert.deepEqual(set.notes, []);
  });
});

Deno.test("openCoco() takes the images that a JSON lists, also without labels", async () => {
  const files = cocoFiles((json) => {
    delete json.annotations;
    delete json.categories;
  });
  await withFiles({ ...files, "train/more.png": tinyImage(3) }, async (root) => {
    const set = await openDataSet(specOf(root, { labeled: false }));
    assert.deepEqual(set.names, ["0000", "0001", "0002", "0003"]);
    assert.match(set.notes?.join() ?? "", /left out 1 images .* does not list/);
    assert.equal((await set.read(3)).label, null);
  });
});

Deno.test("openCoco() finds images by any path that tools write", async () => {
  const names = [
    (stem: string) => `./${stem}.png`,
    (stem: string) => `train/${stem}.png`,
    (stem: string) => `../train/${stem}.png`,
    (stem: string) => `C:\\data\\pictures\\${stem}.png`,
    (stem: string) => `https://example.org/a/b/${stem}.png`,
  ];
  for (const nameOf of names) {
    const { failure, missingImages } = await findings(({ images }) => {
      for (const image of images) image.file_name = nameOf(image.file_name.slice(0, 4));
    });
    assert.deepEqual([failure, missingImages], ["", []], nameOf("0001"));
  }
});

Deno.test("openCoco() does not take a picture of another folder for the one that is missing", async () => {
  const { failure } = await findings(({ images }) => {
    images[0].file_name = "b/0009.png";
  }, { "train/a/0009.png": tinyImage(1, 32, 24) });
  assert.match(
    failure,
    /1 of the 4 images of its annotations are missing .*"b\/0009.png"/,
  );
});

Deno.test("openCoco() tells pictures of one stem apart, and asks where a name fits two", async () => {
  const both = await findings(({ images }) => {
    images[0].file_name = "same.png";
    images[1].file_name = "same.jpg";
  }, { "train/same.png": tinyImage(1, 32, 24), "train/same.jpg": tinyImage(2, 24, 30) });
  assert.equal(both.failure, "");
  const { failure } = await findings(({ images }) => {
    images[0].file_name = "x.png";
  }, { "train/a/x.png": tinyImage(1), "train/b/x.png": tinyImage(2) });
  assert.match(failure, /its image "x.png" \(id 100\) may be "a\/x.png", "b\/x.png"/);
});

Deno.test("openCoco() chooses listed images by name and by path", async () => {
  const files = { ...cocoFiles(), "list.txt": "0002\ntrain/0000.png train/0000.txt\n" };
  await withFiles(files, async (root) => {
    const set = await openDataSet(specOf(root, { list: join(root, "list.txt") }));
    assert.deepEqual(set.names, ["0000", "0002"]);
    const some = await openDataSet(specOf(root, { include: ["*3", "*1"] }));
    assert.deepEqual(some.names, ["0001", "0003"]);
    assert.deepEqual(
      [...(await some.readLabel(0)).data],
      labelOf(COCO_LABELS["train/0001"]?.runs ?? []),
    );
  });
});

Deno.test("openCoco() needs no image that was not chosen", async () => {
  const files: Record<string, Uint8Array | string> = {
    ...cocoFiles(),
    "list.txt": "0000\n0002\n",
  };
  delete files["train/0001.png"];
  await withFiles(files, async (root) => {
    const chosen = [{ list: join(root, "list.txt") }, { include: ["*0", "*2"] }];
    for (const selection of chosen) {
      const set = await openDataSet(specOf(root, selection));
      assert.deepEqual(set.names, ["0000", "0002"]);
    }
    await assert.rejects(
      () => openDataSet(specOf(root, { include: ["*1", "*2"] })),
      /1 of the 4 images of its annotations are missing .*"0001.png"/,
    );
  });
});

Deno.test("openCoco() refuses categories that are no class, all of them in one sentence", async () => {
  const { failure, faults } = await findings(({ categories }) => {
    categories[0].name = "bus";
    categories[1].name = "tram";
  });
  assert.equal(faults.length, 1);
  assert.match(
    failure,
    /objects of "bus" \(\d+\), "tram" \(\d+\), which are no classes \(known: .*"categoryMap"/,
  );
  const empty = await findings(({ categories }) => {
    categories.push({ id: 0, name: "animals", supercategory: "none" });
    categories.push({ id: 9, name: "car", supercategory: "again" });
  });
  assert.equal(empty.failure, "");
});

Deno.test("openCoco() lists every fault of a file, and leaves out what is none", async () => {
  const { faults, problems, failure } = await findings((json) => {
    const { images, annotations, categories } = json;
    images.push({ ...images[0], id: 5000 }, { ...images[1] }, { id: 3 });
    annotations[0].image_id = 999;
    annotations[1].category_id = 55;
    annotations[2].segmentation = [];
    delete annotations[3].segmentation;
    categories.push({ id: 1, name: "car" });
  });
  assert.deepEqual(faults.map((one) => one.replace(/^.*?\.json": /, "")), [
    'category 1 is both "person" and "car": name it once',
    "two images have the id 107: number them anew",
    'number 7 of "images" has no "id" and "file_name": add them',
    '1 annotations have the category id 55, which "categories" does not have: add it there',
    'it annotates the picture "0000.png" twice, as image 100 and 5000: remove or join one',
  ]);
  assert.match(problems.join("\n"), /Left out 2 annotations .* have no segmentation/);
  assert.match(
    problems.join("\n"),
    /Left out 1 annotations .* whose image it does not list/,
  );
  assert.match(failure, /is both "person" and "car".*and 4 more such problems/);
});

Deno.test("openCoco() refuses annotations of boxes alone", async () => {
  const { failure } = await findings(({ annotations }) => {
    for (const one of annotations) one.segmentation = [];
  });
  assert.match(
    failure,
    /none of its 12 annotations has a segmentation, and boxes or points/,
  );
});

Deno.test("openCoco() refuses annotations none of which is of a listed image", async () => {
  const { failure } = await findings(({ annotations }) => {
    for (const one of annotations) one.image_id = String(one.image_id);
  });
  assert.match(failure, /none of its 12 annotations is of an image that it lists/);
});

Deno.test("openCoco() refuses what is no COCO JSON in a sentence that names it", async () => {
  const good = JSON.stringify(cocoJson("train"));
  const rejected: [string, RegExp][] = [
    [good.slice(0, good.length / 2), /ends too early/],
    [good.slice(0, -1), /ends too early/],
    ["", /ends too early/],
    ["[1, 2]", /no JSON object \(byte 0\)/],
    [`${good}x`, /no JSON object/],
    ['{"shapes": []}', /no list "images", "categories", "annotations"/],
    [good.replace('"area":', '"area":NaN, "a":'), /holds "NaN", which is no JSON/],
    [good.replace('"iscrowd"', "iscrowd"), /it is no JSON/],
  ];
  for (const [text, message] of rejected) {
    const files = { ...cocoFiles(), "annotations/instances_train.json": text };
    await withFiles(files, async (root) => {
      await assert.rejects(() => openDataSet(specOf(root)), (error: Error) => {
        assert.match(error.message, message);
        assert.match(
          error.message,
          /^Cannot read the annotations ".*instances_train.json"/,
        );
        return true;
      });
    });
  }
});

Deno.test("openCoco() says what lies where its annotations are missing", async () => {
  await withFiles(cocoFiles(), async (root) => {
    await assert.rejects(
      () =>
        openDataSet(
          specOf(root, {
            split: "val",
            files: { images: "train", annotations: "annotations/x.json" },
          }),
        ),
      /no file ".*x.json": ".*annotations" holds "instances_train.json", "instances_val.json"/,
    );
    await assert.rejects(
      () =>
        openDataSet(
          specOf(root, { files: { images: "{split}", annotations: "../x.json" } }),
        ),
      /"files.annotations": "..\/x.json" leads out/,
    );
  });
});

/** The sentence about the first image, one of whose annotations was changed. */
async function labelError(change: (annotation: CocoJson, image: CocoJson) => void) {
  let said = "";
  const files = cocoFiles(({ images, annotations }) => {
    const one = annotations.find((one: CocoJson) => one.image_id === images[0].id);
    change(one, images[0]);
  });
  await withFiles(files, async (root) => {
    const set = await openDataSet(specOf(root));
    said = await set.read(0).then(() => "", (error) => error.message);
    assert.equal((await set.read(1)).width, 24, "the others are read");
  });
  return said;
}

Deno.test("openCoco() names the annotation that cannot be drawn", async () => {
  const rejected: [(one: CocoJson, image: CocoJson) => void, RegExp][] = [
    [
      (one) => one.segmentation = [[1, 2, 3, 4, 5, 6, 7]],
      /annotation \d+ has a polygon of 7 coo/,
    ],
    [
      (one) => one.segmentation = [[1, 2, 3, 4]],
      /polygon of 2 points, and three are the least/,
    ],
    [(one) => one.segmentation = [1, 2, 3, 4, 5, 6], /no list of polygons/],
    [
      (one) => one.segmentation = [[1, 2, 3, 4, 5, "6"]],
      /a coordinate that is no number/,
    ],
    [
      (one) => one.segmentation = [[1, 2, 3, 4, 5, 1e12]],
      /a coordinate that is no number/,
    ],
    [
      (one) => one.segmentation = { size: [1, 2], counts: [2] },
      /picture of \[1,2\] rows/,
    ],
    [(one) => one.segmentation = { size: [24, 32], counts: [5, 6] }, /runs of 11 pixels/],
    [(one) => one.segmentation = { size: [24, 32], counts: "zz" }, /damaged run-length/],
    [(one) => one.segmentation = { size: [24, 32], counts: [-1, 769] }, /no "counts"/],
    [(one) => one.segmentation = { size: [24, 32] }, /no "counts"/],
    [(_, image) => image.width = 0, /its "width" is 0/],
    [(_, image) => delete image.height, /its "height" is nothing/],
    [(_, image) => image.width = 1e8, /pixels/],
  ];
  for (const [change, message] of rejected) {
    assert.match(await labelError(change), message);
  }
  const other = await labelError((one, image) => {
    one.segmentation = [[1, 2, 3, 4, 5, 6]];
    image.width = 30;
  });
  assert.match(other, /runs for a picture of|the image is 32×24 and the label 30×24/);
});

Deno.test("openCoco() says which annotations are cut off", async () => {
  const files = cocoFiles(({ images, annotations }) => {
    const one = annotations.find((one: CocoJson) => one.image_id === images[0].id);
    Object.assign(one, { id: 77, segmentation: [[-40, 2, 60, 4, 5, 600]] });
  });
  await withFiles(files, async (root) => {
    const { oddities } = await (await openDataSet(specOf(root))).readLabel(0);
    assert.match(
      oddities?.join() ?? "",
      /annotation 77 reaches out of the picture of 32×24/,
    );
  });
});

Deno.test("identity() of a COCO set changes with an annotation", async () => {
  const identity = async (edit: (json: CocoJson) => void) => {
    let found: string | undefined;
    await withFiles(cocoFiles(edit), async (root) => {
      found = (await (await openDataSet(specOf(root))).identity()).annotations;
    });
    return found ?? assert.fail();
  };
  const same = await identity(() => {});
  assert.equal(await identity(() => {}), same);
  const moved = await identity(({ annotations }) => {
    const one = annotations.find((one: CocoJson) => Array.isArray(one.segmentation));
    one.segmentation[0][0] = (one.segmentation[0][0] + 1) % 9;
  });
  assert.notEqual(moved, same);
  const exchanged = await identity(({ categories }) => {
    categories[0].name = "car";
    categories[1].name = "person";
  });
  assert.notEqual(exchanged, same);
});

Deno.test("fingerprint() of a COCO set changes with its JSON and with what names mean", async () => {
  await withFiles(cocoFiles(), async (root) => {
    const mark = async (rest: Partial<CocoSpec> = {}) =>
      await (await openDataSet(specOf(root, rest))).fingerprint();
    const same = await mark();
    assert.equal(await mark(), same);
    assert.notEqual(await mark({ crowd: "ignore" }), same);
    assert.notEqual(await mark({ background: null }), same);
    assert.notEqual(await mark({ categoryMap: { car: "person" } }), same);
    await Deno.utime(join(root, "annotations/instances_train.json"), 1, 1);
    assert.notEqual(await mark(), same);
  });
});

Deno.test("openUnpacked() draws COCO labels without their file, as other threads do", async () => {
  const files = cocoFiles();
  const images = Object.entries(files).filter(([path]) => path.startsWith("train/"));
  const places = {
    ...Object.fromEntries(
      Object.entries(files).map(([path, bytes]) => [`folder/${path}`, bytes]),
    ),
    "packed/train.zip": zipOf(Object.fromEntries(images)),
    "packed/annotations.zip": zipOf({
      "annotations/instances_train.json": files["annotations/instances_train.json"] ??
        assert.fail(),
    }),
    "all.zip": zipOf(files),
  };
  await withFiles(places, async (root) => {
    for (const place of ["folder", "packed", "all.zip"]) {
      const spec = specOf(join(root, place));
      const set = await openDataSet(spec);
      const expected = await scanClassCounts(spec, set, { workers: 0 });
      const { unpacked } = set;
      assert.ok(unpacked, place);
      const parts = structuredClone(unpacked.slice(0, 4));
      // Nothing else could tell the classes.
      const json = "annotations/instances_train.json";
      await Deno.remove(join(root, place, json)).catch(() => {});
      const handed = fileDataSet((await openUnpacked(spec, unpacked.root))(parts));
      for (const index of parts.keys()) {
        assert.deepEqual(
          await countLabelPixels(handed, index),
          [...labelCounts(expected, index)],
          place,
        );
        assert.equal((await handed.read(index)).name, set.names[index]);
      }
    }
  });
});

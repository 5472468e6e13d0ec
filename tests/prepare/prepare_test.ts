// A user points at a data set and hears everything that is wrong with it.
import assert from "node:assert/strict";
import { readdir, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseConfig } from "../../src/config/read.ts";
import { openLoader } from "../../src/data/loader.ts";
import { trainingLoaderSpec } from "../../src/prepare/data_specs.ts";
import { prepare, type PrepareOptions } from "../../src/prepare/prepare.ts";
import { tarOf, zipOf } from "../data/archives.ts";
import {
  cityscapesFiles,
  gtaFiles,
  synthiaFiles,
  VOC_IDS,
  vocFiles,
  within,
} from "../data/native/trees.ts";
import { GRAY, plainPng } from "../data/plain_png.ts";
import { tinyFiles, tinyImage, tinyLabel, withFiles } from "../data/tiny_folder.ts";

const IN_PLACE = { workers: 0 };

/** Prepares with a cache below the root. */
async function prepared(
  root: string,
  dataset: string,
  folder = "data",
  options: Partial<PrepareOptions> = {},
) {
  const { report } = await prepare(dataset, {
    root: join(root, folder),
    cache: join(root, "cache"),
    ...IN_PLACE,
    ...options,
  });
  const text = JSON.stringify(report).replaceAll(root, "ROOT");
  return JSON.parse(text.replaceAll("\\\\", "/")) as typeof report;
}

const FOLDER = `
seed: 1
iterations: 1
model:
  encoder: { name: mit-b0 }
  decoder: { name: segformer }
data:
  kind: folder
  root: null
  classes:
    - { name: road, color: [128, 64, 128] }
    - { name: sky, color: [70, 130, 180] }
    - { name: car, color: [0, 0, 142] }
  source: { split: train }
  evaluations: { val: { split: val } }
  cropSize: { height: 32, width: 32 }
  rareClassSampling: { minPixels: 1 }
  numWorkers: 0
method: { name: supervised }
`;

function foldersOf(stems: readonly string[], val: readonly string[]) {
  const train = tinyFiles(stems);
  const other = Object.entries(tinyFiles(val.map((stem) => `x${stem}`)))
    .map(([path, bytes]): [string, Uint8Array] => [
      path.replace("/train/x", "/val/"),
      path.startsWith("images") ? tinyImage(200 + path.length) : bytes,
    ]);
  return { ...train, ...Object.fromEntries(other) };
}

Deno.test("prepare() says all that is wrong with a data set at once", async () => {
  const files = {
    ...within("data", foldersOf(["a", "b", "c", "d", "e"], ["v", "w"])),
    "data/images/train/a.png": tinyImage(3).slice(0, 70),
    "data/labels/train/b.png": tinyLabel(() => 1, 4, 4),
    "data/labels/train/c.png": tinyLabel(() => 77),
    "data/labels/train/d.png": plainPng(8, 6, GRAY, 16, () => 1),
    "data/images/train/z.png": tinyImage(9),
    "data/labels/val/y.png": tinyLabel(() => 1),
    "data/images/val/e.png": tinyImage(4 * 31),
    "data/labels/val/e.png": tinyLabel(() => 0),
    "my.yaml": FOLDER,
  };
  await withFiles(files, async (root) => {
    const found = await prepared(root, join(root, "my.yaml"));
    const said = found.problems.map(({ split, message }) => `${split}: ${message}`)
      .sort();
    const expected = [
      /^evaluation val: The label "ROOT\/data\/labels\/val\/y.png" has no image$/,
      /^evaluation val: The picture "e" of "evaluation val" has a copy in "source"/,
      /^source: Cannot pair ".*b.png" with .*: the image is 8×6 and the label 4×4/,
      /^source: Cannot read ".*images\/train\/a.png" as an image: /,
      /^source: Cannot read the label ".*d.png": its pixels are 16-bit gray/,
      /^source: Cannot use the label ".*c.png": it holds the value 77/,
      /^source: The label "ROOT\/data\/labels\/train\/z.png" is missing$/,
    ];
    assert.equal(said.length, expected.length, said.join("\n"));
    expected.forEach((one, i) => assert.match(said[i] ?? "", one));
    assert.deepEqual(found.splits.map(({ pictures }) => pictures), [5, 3]);
  });
});

/** Every file below a folder with its size and date. */
async function tree(folder: string): Promise<string[]> {
  const paths = await readdir(folder, { recursive: true });
  return await Promise.all(
    paths.sort().map(async (path) => {
      const { size, mtimeMs } = await stat(join(folder, path));
      return `${path} ${size} ${mtimeMs}`;
    }),
  );
}

Deno.test("prepare() remembers: no file is read again, and nothing else is written", async () => {
  const files = {
    ...within("data", foldersOf(["a", "b", "c"], ["v", "w"])),
    "my.yaml": FOLDER,
  };
  await withFiles(files, async (root) => {
    const before = await tree(join(root, "data"));
    const config = join(root, "my.yaml");
    const first = await prepared(root, config);
    assert.deepEqual(first.problems, []);
    assert.deepEqual(first.splits.map(({ isCached }) => isCached), [false, false]);
    assert.deepEqual(await tree(join(root, "data")), before);
    assert.deepEqual((await readdir(root)).sort(), ["cache", "data", "my.yaml"]);

    // Were it read, it would be found to be damaged.
    for (const kind of ["images", "labels"]) {
      const file = join(root, `data/${kind}/train/a.png`);
      const { size, atime, mtime } = await stat(file);
      await writeFile(file, new Uint8Array(size));
      await utimes(file, atime, mtime);
    }
    const again = await prepared(root, config);
    assert.deepEqual(
      again.splits,
      first.splits.map((part) => ({ ...part, isCached: true })),
    );

    const file = join(root, "data/labels/train/a.png");
    await utimes(file, new Date(), new Date(Date.now() + 5000));
    const changed = await prepared(root, config);
    assert.deepEqual(changed.splits.map(({ isCached }) => isCached), [false, true]);
    assert.equal(changed.problems.length, 2);
  });
});

Deno.test("prepare() calls a split cached that an earlier call has checked, and no other", async () => {
  const files = {
    ...within("data", foldersOf(["a", "b", "c"], ["v", "w"])),
    "my.yaml": FOLDER.replaceAll("split: val", "split: train"), // one set in two roles
  };
  await withFiles(files, async (root) => {
    const config = join(root, "my.yaml");
    const first = await prepared(root, config);
    assert.deepEqual(first.splits.map(({ isCached }) => isCached), [false, false]);
    const again = await prepared(root, config);
    assert.deepEqual(again.splits.map(({ isCached }) => isCached), [true, true]);
  });
});

Deno.test("prepare() notes that no picture of a run is without a label", async () => {
  const files = {
    ...within("data", foldersOf(["a", "b", "c"], ["v"])),
    "my.yaml": FOLDER,
  };
  await withFiles(files, async (root) => {
    const notesOf = async (include: string) => {
      const overrides = [
        "method={name: mean-teacher}",
        "data.source.include=[a, b]",
        `data.target={split: train, include: ${include}}`,
      ];
      const config = join(root, "my.yaml");
      return (await prepared(root, config, "data", { overrides })).notes;
    };
    assert.deepEqual(await notesOf("[a, c]"), []);
    assert.match(
      (await notesOf("[a]")).join(),
      /^every one of the 1 unlabeled images is/,
    );
  });
});

Deno.test("training finds the statistics that prepare() has counted", async () => {
  const files = within("data", foldersOf(["a", "b", "c"], ["v"]));
  await withFiles({ ...files, "my.yaml": FOLDER }, async (root) => {
    await prepared(root, join(root, "my.yaml"));
    const config = parseConfig(FOLDER, "my.yaml", [`data.root=${join(root, "data")}`]);
    let counted = 0;
    const loader = await openLoader(
      trainingLoaderSpec(config, join(root, "cache")),
      () => void counted++,
    );
    await loader.close();
    assert.equal(counted, 0);
    const other = await openLoader(
      trainingLoaderSpec(config, join(root, "other")),
      () => void counted++,
    );
    await other.close();
    assert.ok(counted > 0, "without them it counts");
  });
});

Deno.test("prepare() gives the same for any number of threads", async () => {
  const stems = Array.from({ length: 40 }, (_, i) => `p${i}`);
  const files = {
    ...within("data", foldersOf(stems, ["v"])),
    "data/labels/train/p7.png": tinyLabel(() => 9),
  };
  await withFiles({ ...files, "my.yaml": FOLDER }, async (root) => {
    const config = join(root, "my.yaml");
    const one = await prepared(root, config, "data", { cache: null, workers: 1 });
    const some = await prepared(root, config, "data", { cache: null, workers: 3 });
    assert.deepEqual(some, one);
    assert.equal(one.problems.length, 1);
  });
});

/** Frames of validation with the names of others, which real ones never have. */
function cities(): Record<string, Uint8Array> {
  const files = within("data", cityscapesFiles());
  Object.keys(files).filter((path) => path.includes("leftImg8bit/val/"))
    .forEach((path, i) => files[path] = tinyImage(200 + i, 48, 32));
  return files;
}

Deno.test("Cityscapes: splits, counts as published, and what is not needed", async () => {
  await withFiles(cities(), async (root) => {
    const { splits, notes, problems } = await prepared(root, "cityscapes");
    assert.deepEqual(problems, []);
    assert.deepEqual(
      splits.map((
        { name, pictures, publishedCount },
      ) => [name, pictures, publishedCount]),
      [["train", 3, 2975], ["val", 2, 500], ["test", 0, 1525]],
    );
    const said = splits.flatMap((part) => part.notes).join("\n");
    assert.match(said, /3 pictures of "train" are there; 2975 were published/);
    assert.match(said, /the test split is not there; no configuration needs it/);
    assert.deepEqual(notes.length, 1, "where to get the test split");
    const [train] = splits;
    assert.deepEqual(train?.sizes, [{ width: 48, height: 32, pictures: 3 }]);
    assert.deepEqual(train?.classes?.find(({ name }) => name === "car"), {
      name: "car",
      pixels: 3 * 48 * 32 / 4,
      pictures: 3,
    });
  });
});

Deno.test("what is missing is named with where to get it, and copies between splits are found", async () => {
  const files = cities();
  delete files["data/gtFine/train/ulm/ulm_000000_000019_gtFine_labelIds.png"];
  const name = "ulm/ulm_000002_000019";
  const image = files[`data/leftImg8bit/train/${name}_leftImg8bit.png`];
  const label = files[`data/gtFine/train/${name}_gtFine_labelIds.png`];
  assert.ok(image && label);
  files[`data/leftImg8bit/val/${name}_leftImg8bit.png`] = image;
  files[`data/gtFine/val/${name}_gtFine_labelIds.png`] = label;
  await withFiles(files, async (root) => {
    const { notes, problems } = await prepared(root, "cityscapes");
    const said = problems.map(({ message }) => message);
    assert.equal(said.length, 2, said.join("\n"));
    assert.match(said[0] ?? "", /^The label ".*ulm_000000_000019.*" is missing$/);
    assert.match(
      said[1] ?? "",
      /^The picture "ulm\/ulm_000002_000019" of "val" has a copy/,
    );
    assert.match(
      notes.join("\n"),
      /gtFine_trainvaltest\.zip.* of the Cityscapes website/,
    );
  });
});

Deno.test("GTA5 and SYNTHIA: the same from folders and archives", async () => {
  const files = {
    ...within("gta5", gtaFiles(["00001", "00002", "15188"])),
    "zips/01_images.zip": zipOf(gtaFiles(["00001", "00002", "15188"])),
    ...within("synthia", synthiaFiles()),
    "synthia.tar": tarOf(synthiaFiles()),
  };
  await withFiles(files, async (root) => {
    for (
      const [set, folder, archive] of [
        ["gta5", "gta5", "zips"],
        ["synthia", "synthia", "synthia.tar"],
      ] as const
    ) {
      const [one] = (await prepared(root, set, folder)).splits;
      const [packed] = (await prepared(root, set, archive)).splits;
      assert.ok(one && packed);
      assert.equal(one.problems.length, 0);
      assert.deepEqual({ ...packed, folder: null }, { ...one, folder: null });
      const again = await prepared(root, set, archive);
      assert.equal(again.splits[0]?.isCached, true);
    }
    const [gta] = (await prepared(root, "gta5", "gta5")).splits;
    assert.equal(gta?.pictures, 2);
    assert.match(String(gta?.notes), /left out 1 .*3 pictures of "all" are there; 24966/);
  });
});

Deno.test("VOC 2012: lists are splits, and a picture of a list that is not there is named", async () => {
  const files = within("data", vocFiles());
  const list = "data/VOCdevkit/VOC2012/ImageSets/Segmentation/train.txt";
  files[list] = new TextEncoder().encode(`${VOC_IDS[0]}\n2007_999999\n`);
  await withFiles(files, async (root) => {
    const { splits, problems } = await prepared(root, "voc");
    assert.deepEqual(problems.map(({ message }) => message), [
      'The picture "2007_999999" of "train" is not in ' +
      '"ROOT/data/VOCdevkit/VOC2012/JPEGImages"',
    ]);
    assert.match(String(splits[2]?.notes), /SegmentationClassAug/);
  });
});

Deno.test("statistics of the PyTorch code are compared with the labels", async () => {
  const files = within("data", gtaFiles());
  await withFiles(files, async (root) => {
    const cache = null;
    const [first] = (await prepared(root, "gta5", "data", { cache })).splits;
    assert.doesNotMatch(String(first?.notes), /sample_class_stats/);
    const file = join(root, "data/sample_class_stats.json");
    const block = 48 * 32 / 4;
    const entries = ["00001", "00002", "00003"].map((stem) => ({
      ...{ 0: block, 2: block, 13: block },
      file: `data/gta/labels/${stem}_labelTrainIds.png`,
    }));
    await writeFile(file, JSON.stringify(entries));
    const [right] = (await prepared(root, "gta5", "data", { cache })).splits;
    assert.match(String(right?.notes), /"sample_class_stats.json" agrees/);
    await writeFile(file, JSON.stringify(entries.map((one) => ({ ...one, 0: 5 }))));
    const [wrong] = (await prepared(root, "gta5", "data", { cache })).splits;
    assert.match(String(wrong?.notes), /does not agree with the labels: it is not used/);
  });
});

Deno.test("a folder without a configuration is checked for all but its values", async () => {
  await withFiles(within("data", foldersOf(["a", "b"], ["v"])), async (root) => {
    const { splits, problems } = await prepared(root, "folder");
    assert.deepEqual(problems, []);
    assert.deepEqual(splits.map(({ name }) => name), ["train", "val"]);
    const names = ["class 0", "class 1", "class 2"];
    assert.deepEqual(splits[0]?.classes?.map(({ name }) => name), names);
    const kept = await readdir(join(root, "cache"));
    assert.ok(!kept.some((file) => file.startsWith("class_statistics_")), String(kept));
  });
});

Deno.test("a folder without a configuration is told of masks of 0 and 255", async () => {
  const mask = tinyLabel((i) => i % 2 === 0 ? 0 : 255);
  const files = {
    ...foldersOf(["a"], ["v"]),
    "labels/train/a.png": mask,
  };
  await withFiles(within("data", files), async (root) => {
    const { splits } = await prepared(root, "folder");
    assert.deepEqual(splits.map(({ notes }) => notes.slice(1)), [[
      'no pixel of "class 1" in the 1 labels of "train": they hold the values 0 and 255 ' +
      'alone, and 255 is ignored; if 255 stands for "class 1", set "labelMap": ' +
      "{0: 0, 255: 1}",
    ], []]);
  });
});

Deno.test("prepare() says what labels lack as a whole, and what was left out", async () => {
  const files = {
    ...within("data", foldersOf(["a", "b"], ["v"])),
    "data/labels/train/a.png": tinyLabel((i) => 1 + i % 2),
    "data/labels/train/b.png": tinyLabel(() => 2),
    "data/images/train/c.webp": new Uint8Array(),
    "data/images/val/w.png": tinyImage(5),
    "data/labels/val/w.npy": new Uint8Array(),
    "my.yaml": FOLDER,
  };
  await withFiles(files, async (root) => {
    await Deno.symlink("../nowhere", join(root, "data/images/val/more"));
    const { splits, problems } = await prepared(root, join(root, "my.yaml"));
    assert.deepEqual(splits.map(({ notes }) => notes), [
      [
        'left out 1 .webp files of "ROOT/data/images/train": images are .jpg, .jpeg, ' +
        ".png, .tif or .tiff files that are not hidden",
        'no pixel of "road" in the 2 labels of "source": the value 0 never occurs; if ' +
        'values are 1 … 3, set "labelMap": {0: 255, 1: 0, 2: 1, 3: 2}',
      ],
      [
        'the labels in "ROOT/data/labels/val" are .npy files, and labels are read from ' +
        ".png and .tif files: convert them to PNGs whose values are class ids",
      ],
    ]);
    assert.deepEqual(problems.map(({ message }) => message), [
      'The label "ROOT/data/labels/val/w.png" is missing',
      '"ROOT/data/images/val/more" is a symbolic link to "../nowhere", which is not there',
    ]);
  });
});

Deno.test("what is not there is one problem per data set; a cache that cannot be written is refused", async () => {
  await withFiles({ ...within("data", gtaFiles()), "file": "" }, async (root) => {
    const { splits, problems } = await prepared(root, "cityscapes", "nowhere");
    assert.equal(problems.length, 1);
    assert.match(
      problems[0]?.message ?? "",
      /^Cannot find Cityscapes in "ROOT\/nowhere"/,
    );
    assert.deepEqual(splits.map(({ folder }) => folder), [null, null, null]);
    await assert.rejects(
      prepared(root, "gta5", "data", { cache: join(root, "file") }),
      /^Error: Cannot write to the cache folder ".*file": .*--cache DIR$/,
    );
  });
});

Deno.test("prepare() says how many pictures their EXIF turns", async () => {
  const picture = new URL("../formats/opencv/exif.jpg", import.meta.url);
  const files = {
    ...within("data", foldersOf(["a"], ["v"])),
    "data/images/train/b.jpg": await Deno.readFile(picture),
    "data/labels/train/b.png": tinyLabel(() => 1, 8, 16),
    "run.yaml": FOLDER,
  };
  await withFiles(files, async (root) => {
    const { splits, problems } = await prepared(root, join(root, "run.yaml"));
    assert.deepEqual(problems, []);
    assert.deepEqual(splits.map(({ notes }) => notes), [[
      '1 pictures of "source" are turned by their EXIF orientation, and labels are read as ' +
      "they are stored: look at both with --picture",
    ], []]);
  });
});

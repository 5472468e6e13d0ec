// A person with a folder of pictures is training in two commands.
import assert from "node:assert/strict";
import { join } from "node:path";
import { encodePng } from "../../src/formats/png.ts";
import { loadConfig } from "../../src/config/read.ts";
import { main } from "../../tasks/init.ts";
import { main as train } from "../../tasks/train.ts";
import { zipOf } from "../data/archives.ts";
import { cocoFiles, labelmeFiles } from "../data/annotations/fixtures.ts";
import { withFiles } from "../data/tiny_folder.ts";
import { assertRefused, call, type Ended, WASM } from "../support/commands.ts";
import { namesIn } from "../support/files.ts";

const SIZE = { width: 40, height: 32 };
const PIXELS = SIZE.width * SIZE.height;

/** A picture as noise, of which no two are alike. */
const picture = (n: number): Uint8Array =>
  encodePng({
    ...SIZE,
    channels: 3,
    data: Uint8Array.from(
      { length: 3 * PIXELS },
      (_, i) => Math.imul(i + 1, 2654435761 + 97 * n) >>> 24,
    ),
  });

/** A label of some values, in stripes. */
const label = (...values: number[]): Uint8Array =>
  encodePng({
    ...SIZE,
    channels: 1,
    data: Uint8Array.from(
      { length: PIXELS },
      (_, i) => values[(i >> 3) % values.length] ?? 0,
    ),
  });

/** Files of some images, by what they are called. */
function files(
  count: number,
  image: (name: string) => string,
  labelOf: (name: string) => string | null,
  contents: (n: number) => Uint8Array = () => label(0, 1, 2),
): Record<string, Uint8Array> {
  const all: Record<string, Uint8Array> = {};
  for (let n = 0; n < count; n++) {
    all[image(`p${n}`)] = picture(n);
    const path = labelOf(`p${n}`);
    if (path !== null) all[path] = contents(n);
  }
  return all;
}

/** What init did with a folder. */
interface Made extends Ended {
  /** A folder that holds the folder, as `data`. */
  readonly root: string;
  /** The configuration's path, and its text if it was written. */
  readonly config: string;
  readonly text: string;
}

/** Runs init on a folder with some files. */
async function withInit(
  data: Readonly<Record<string, Uint8Array | string>>,
  use: (made: Made) => Promise<void> | void,
  ...more: string[]
): Promise<void> {
  const below = Object.entries(data).map(([path, one]) => [`data/${path}`, one] as const);
  await withFiles({ ...Object.fromEntries(below), "w/x": "" }, async (root) => {
    const config = join(root, "w", "my.yaml");
    const args = [join(root, "data"), "--out", config, ...WASM, ...more];
    const ended = await call(main, ...args);
    const text = ended.status === 0 ? await Deno.readTextFile(config) : "";
    await use({ ...ended, root, config, text });
  });
}

/** Asserts that a configuration trains as it was written. */
async function assertTrains(config: string, root: string): Promise<void> {
  const iterations = ["--iterations", "2", "--out", join(root, "run")];
  const cache = ["--cache", join(root, "cache")];
  const { status, error } = await call(train, config, ...iterations, ...cache, ...WASM);
  assert.equal(status, 0, error);
}

const MASKS = files(
  6,
  (n) => `img/${n}.png`,
  (n) => `masks/${n}.png`,
  () => label(0, 255),
);

Deno.test("init writes a configuration that trains, its lists and a sheet", () =>
  withInit(MASKS, async ({ status, error, config, root, text }) => {
    assert.equal(status, 0, error);
    assert.deepEqual(
      await namesIn(join(root, "w")),
      ["my.yaml", "my_samples.png", "my_train.txt", "my_val.txt", "x"],
    );
    assert.match(text, /^# yaml-language-server: \$schema=\S+configs\/schema\.json\n/);
    assert.match(text, /labelMap: \{ 0: 0, 255: 1 \}/);
    const { data } = await loadConfig(config);
    assert.ok(data.kind === "folder");
    assert.equal(data.root, join(root, "data"));
    assert.deepEqual(data.files.labels, "masks");
    const lists = await Promise.all(
      ["train", "val"].map((part) =>
        Deno.readTextFile(join(root, "w", `my_${part}.txt`))
      ),
    );
    assert.equal(lists.join("").trim().split("\n").length, 6);
    await assertTrains(config, root);
  }));

Deno.test("init says what it assumed and what to run, and with --json one document", async () => {
  await withInit(MASKS, ({ out }) => {
    assert.match(out, /^found +images in "img", labels in "masks"$/m);
    assert.match(out, /^note +masks hold 0 and 255$/m);
    assert.match(out, /^note +no split was found: 5 images to train on/m);
    assert.match(out, /^ +deno task train \S+my\.yaml$/m);
  });
  await withInit(MASKS, ({ out }) => {
    const { images, classes, method } = JSON.parse(out);
    assert.deepEqual(images, { labeled: 5, unlabeled: 0, evaluation: 1 });
    assert.deepEqual([classes, method], [["background", "foreground"], "supervised"]);
  }, "--json");
});

Deno.test("init quotes a path with blanks in the command to run", () =>
  withInit(MASKS, async ({ root }) => {
    const config = join(root, "w", "a b.yaml");
    const { out } = await call(main, join(root, "data"), "--out", config, ...WASM);
    assert.match(out, /^ +deno task train '\S+a b\.yaml'$/m);
  }));

Deno.test("init overwrites nothing, and makes the same of a folder each time", () =>
  withInit(MASKS, async ({ config, root, text }) => {
    const again = (out: string) => call(main, join(root, "data"), "--out", out, ...WASM);
    assertRefused(await again(config), config, "there is such a file", "--out");
    await Deno.remove(config);
    assertRefused(await again(config), join(root, "w", "my_train.txt"));
    const other = join(root, "w", "more", "my.yaml");
    assert.equal((await again(other)).status, 0);
    const [first, second] = [text, await Deno.readTextFile(other)].map((one) =>
      one.replaceAll(/\S*my\S*\.(yaml|txt)|schema=\S+/g, "")
    );
    assert.equal(second, first);
  }));

Deno.test("init reads what others leave: layouts, names and lists", async (t) => {
  const cases: [string, Record<string, Uint8Array | string>, RegExp][] = [
    [
      "splits with folders of their own",
      {
        ...files(3, (n) => `train/images/${n}.png`, (n) => `train/masks/${n}.png`),
        ...files(2, (n) => `valid/images/${n}.png`, (n) => `valid/masks/${n}.png`),
      },
      /source: \{ split: train \}[^]*valid: \{ split: valid \}/,
    ],
    [
      "SegNet's folders, with images without labels in another split",
      {
        ...files(3, (n) => `train/${n}.png`, (n) => `trainannot/${n}.png`),
        ...files(2, (n) => `val/${n}.png`, (n) => `valannot/${n}.png`),
        ...files(2, (n) => `test/${n}.png`, () => null),
      },
      /images: "\{split\}", labels: "\{split\}annot"/,
    ],
    [
      "masks below the folder of the images",
      files(4, (n) => `${n}.png`, (n) => `masks/${n}.png`),
      /images: "\.", labels: masks[^]*list: my_train\.txt/,
    ],
    [
      "names in a file, and lists of the data set",
      {
        ...files(4, (n) => `a/${n}.png`, (n) => `b_mask/${n}.png`),
        "classes.txt": "road\nsky\ncar\n",
        "train.txt": "p0\np1\np2\n",
        "val.txt": "p3\n",
      },
      /name: sky[^]*list: "\S+train\.txt"[^]*list: "\S+val\.txt"/,
    ],
    [
      "a label of palette indices among two folders of labels",
      {
        ...files(3, (n) => `i/${n}.png`, (n) => `SegmentationClass/${n}.png`),
        ...files(3, (n) => `i/${n}.png`, (n) => `SegmentationObject/${n}.png`),
      },
      /labels: SegmentationClass/,
    ],
  ];
  for (const [name, data, expected] of cases) {
    await t.step(name, () =>
      withInit(data, async ({ error, root, config, text }) => {
        assert.match(text, expected, error);
        await assertTrains(config, root);
      }));
  }
});

Deno.test("init reads annotations of COCO and of labelme", async (t) => {
  const roboflow = (split: string) => `${split}/_annotations.coco.json`;
  const cases: [string, Record<string, Uint8Array | string>, RegExp][] = [
    [
      "COCO",
      cocoFiles(),
      /kind: coco[^]*annotations: "annotations\/instances_\{split\}\.json"[^]*name: person/,
    ],
    [
      "COCO in one folder with the images",
      cocoFiles(() => {}, roboflow),
      /annotations: "\{split\}\/_annotations\.coco\.json"[^]*val: \{ split: val \}/,
    ],
    [
      "COCO with captions",
      {
        ...cocoFiles(),
        "annotations/captions_train.json": '{ "images": [], "annotations": [] }',
      },
      /annotations: "annotations\/instances_\{split\}\.json"/,
    ],
    [
      "labelme",
      labelmeFiles(),
      /kind: labelme[^]*name: car[^]*source: \{ split: train \}/,
    ],
  ];
  for (const [name, data, expected] of cases) {
    await t.step(name, () =>
      withInit(data, async ({ error, root, config, text }) => {
        assert.match(text, expected, error);
        await assertTrains(config, root);
      }));
  }
  await t.step("COCO with boxes alone", () =>
    withInit(
      cocoFiles((json) => {
        for (const one of json.annotations) delete one.segmentation;
      }, (split) => split === "train" ? "a.json" : "b.txt"),
      (made) => assertRefused(made, "a.json", "boxes and no outlines"),
    ));
  const cut = (data: Record<string, Uint8Array>, path: string) => {
    const bytes = data[path] ?? assert.fail(path);
    return { ...data, [path]: bytes.subarray(0, bytes.length / 2) };
  };
  for (
    const [data, path] of [
      [cocoFiles(), "annotations/instances_train.json"],
      [labelmeFiles(), "train/0.json"],
    ] as const
  ) {
    await t.step(
      `${path} ends too early`,
      () =>
        withInit(cut(data, path), (made) => assertRefused(made, path, "is it complete?")),
    );
  }
});

Deno.test("init reads an archive", async () => {
  await withFiles({ "set.zip": zipOf(MASKS) }, async (root) => {
    const out = join(root, "my.yaml");
    const made = await call(main, join(root, "set.zip"), "--out", out, ...WASM);
    assert.equal(made.status, 0, made.error);
    await assertTrains(out, root);
  });
});

Deno.test("init proposes a rule for images without labels, and says why", async (t) => {
  const labeled = files(4, (n) => `images/${n}.png`, (n) => `labels/${n}.png`);
  await t.step("half of the images have none", () =>
    withInit(
      { ...labeled, ...files(4, (n) => `images/u${n}.png`, () => null) },
      async ({ error, root, config, text }) => {
        assert.match(text, /name: mean-teacher/, error);
        assert.match(text, /target: \{ split: all, list: my_unlabeled\.txt \}/);
        await assertTrains(config, root);
      },
    ));
  await t.step("a folder is called so", () =>
    withInit(
      { ...labeled, ...files(3, (n) => `unlabeled/${n}.png`, () => null) },
      async ({ error, root, config, text }) => {
        assert.match(text, /target: \{ split: unlabeled \}/, error);
        await assertTrains(config, root);
      },
    ));
  await t.step("a folder is a target domain", () =>
    withInit({
      ...files(4, (n) => `source/images/${n}.png`, (n) => `source/labels/${n}.png`),
      ...files(3, (n) => `target/images/${n}.png`, () => null),
    }, async ({ error, root, config, text }) => {
      assert.match(text, /name: self-training/, error);
      await assertTrains(config, root);
    }));
  await t.step("a few are left aside", () =>
    withInit(
      { ...labeled, "images/odd.png": picture(9) },
      ({ out, text, error }) => {
        assert.match(text, /name: supervised/, error);
        assert.match(
          out,
          /1 image of "all" without a label is not used \(first: "odd"\)/,
        );
      },
    ));
});

Deno.test("init learns from no picture that is made of another, without a label", () => {
  const made = { ...files(4, (n) => `${n}.jpg`, (n) => `${n}.png`) };
  for (let n = 0; n < 4; n++) {
    made[`p${n}_overlay.jpg`] = made[`p${n}_json/img.jpg`] = picture(n);
  }
  return withInit(made, ({ out, text, error }) => {
    assert.match(text, /name: supervised/, error);
    assert.match(out, /8 images of "all" without a label are not used/);
  });
});

Deno.test("init says which of several images of a label it chose", async () => {
  const withOther = (other: string) => ({
    ...files(4, (n) => `${n}.jpg`, (n) => `${n}_mask.png`),
    ...files(4, (n) => `${other}/${n}.jpg`, () => null),
  });
  for (const other of ["aside", "heat"]) {
    await withInit(withOther(other), ({ out, error }) => {
      assert.match(out, /^found +images and labels side by side in "."$/m, error);
      assert.ok(out.includes(`images are those in ".", not those in "${other}"`), out);
    });
  }
  const channels = {
    ...files(4, (n) => `depth/${n}.png`, () => null),
    ...files(4, (n) => `scene/${n}.png`, (n) => `seg/${n}.png`),
  };
  await withInit(channels, ({ out }) => {
    assert.match(out, /images are those in "scene", not those in "depth"/);
  });
});

Deno.test("init says in one sentence why nothing can be made of a folder", async (t) => {
  const refuses = (
    name: string,
    data: Record<string, Uint8Array | string>,
    ...culprits: string[]
  ) =>
    t.step(name, () =>
      withInit(data, async (made) => {
        assertRefused(made, ...culprits);
        assert.deepEqual(await namesIn(join(made.root, "w")), ["x"], "nothing is left");
      }));
  await refuses("no picture", { "a.txt": "" }, 'holds "a.txt"');
  await refuses(
    "pictures alone",
    files(3, (n) => `${n}.png`, () => null),
    'holds 3 pictures (first: "p0.png") and no labels',
    "deno task predict",
  );
  await refuses(
    "pictures in another format",
    files(3, (n) => `${n}.bmp`, (n) => `${n}_anno.bmp`),
    '(first: "p0.bmp"), and images are read from .jpg, .png and .tif files',
  );
  await refuses(
    "labels without pictures",
    { "labels/a.png": label(0, 1), "labels/b.png": label(1, 2) },
    "look like labels",
  );
  await refuses(
    "labels in another format",
    files(3, (n) => `img/${n}.png`, (n) => `masks/${n}.jpg`),
    "they are .jpg files",
    '"masks/p0.jpg"',
  );
  await refuses(
    "labels of another size",
    files(
      3,
      (n) => `img/${n}.png`,
      (n) => `masks/${n}.png`,
      () => encodePng({ width: 2, height: 1, channels: 1, data: Uint8Array.of(0, 1) }),
    ),
    "both must have the same size",
  );
  await refuses(
    "labels of one value",
    files(3, (n) => `img/${n}.png`, (n) => `masks/${n}.png`, () => label(0)),
    "hold the value 0 alone",
  );
  await refuses(
    "other names",
    files(3, (n) => `img/a${n}.png`, (n) => `masks/b${n}.png`),
    '"img/ap0.png" and "masks/bp0.png"',
  );
  await refuses(
    "other names in one folder",
    files(3, (n) => `img_${n}.png`, (n) => `mask_${n}.png`),
    '"img_p0.png" and "mask_p0.png"',
  );
  const twoSplits = ["a", "b"].map((one) =>
    files(3, (n) => `${one}/img_${n}.png`, (n) => `${one}/mask_${n}.png`)
  );
  await refuses(
    "other names in several folders",
    Object.assign({}, ...twoSplits),
    '"a/img_p0.png" and "a/mask_p0.png"',
  );
  await refuses(
    "files of another tool",
    { ...files(3, (n) => `img/${n}.png`, () => null), "txt/p1.txt": "0 0.1 0.1" },
    '"txt/p1.txt", which is no label that is read',
    "COCO's or labelme's JSON",
  );
  await refuses(
    "a single label",
    files(1, (n) => `img/${n}.png`, (n) => `masks/${n}.png`),
    "label two at least",
  );
});

Deno.test("init refuses what is no folder, and another name for the file", async () => {
  await withFiles({ "a.png": picture(0), "b.txt": "" }, async (root) => {
    const refused = async (path: string, ...culprits: string[]) =>
      assertRefused(
        await call(main, join(root, path), "--out", join(root, "my.yaml"), ...WASM),
        ...culprits,
      );
    await refused("none", "there is no such folder");
    await refused("a.png", "it is a picture");
    await refused("b.txt", "neither a folder nor");
    assertRefused(await call(main, root, "--out", "my.txt"), "must end with .yaml");
    const below = join(root, "b.txt", "my.yaml");
    assertRefused(await call(main, root, "--out", below), "b.txt");
  });
});

Deno.test("init takes one of many pairs of folders, and names what it leaves", () => {
  const patients = Array.from(
    { length: 6 },
    (_, i) =>
      files(4, (n) => `patient${i}/images/${n}.png`, (n) => `patient${i}/masks/${n}.png`),
  );
  return withInit(Object.assign({}, ...patients), ({ out, error }) => {
    assert.match(out, /^found +images in "patient0\/images"/m, error);
    assert.match(out, /as "patient1\/images" with labels in "patient1\/masks"/);
    assert.match(out, /not used: 40 /);
  });
});

Deno.test("init says that a division goes through folders", () => {
  const patients = ["p", "q"].map((one) =>
    files(8, (n) => `images/${one}/${n}.png`, (n) => `masks/${one}/${n}.png`)
  );
  return withInit(
    Object.assign({}, ...patients),
    ({ out, error }) => assert.match(out, /through 2 folders \(first: "p\/"\)/, error),
  );
});

Deno.test("init keeps a third split with labels aside, and says so", async () => {
  const splits = ["train", "val", "test"].map((split) =>
    files(2, (n) => `${split}/images/${n}.png`, (n) => `${split}/masks/${n}.png`)
  );
  await withInit(Object.assign({}, ...splits), ({ out, text, error }) => {
    assert.match(text, /source: \{ split: train \}[^]*val: \{ split: val \}/, error);
    assert.match(out, /2 images with labels of "test" are kept aside[^]*--split test/);
  });
});

Deno.test("init --example draws streets into a new folder, and trains on them", async () => {
  await withFiles({ x: "" }, async (root) => {
    const folder = join(root, "streets");
    const out = join(root, "streets.yaml");
    const made = await call(main, folder, "--example", "--out", out, ...WASM);
    assert.equal(made.status, 0, made.error);
    assert.match(made.out, /48 to train on, 12 to evaluate on\nclasses +road, pavement/);
    const more = ["--out", join(root, "other.yaml"), ...WASM];
    const again = await call(main, folder, "--example", ...more);
    assertRefused(again, folder, "nothing is overwritten");
  });
});

Deno.test("init says which of two it chose, and how the other is chosen", async () => {
  const colored = files(3, (n) => `i/${n}.png`, (n) => `labels_color/${n}.png`);
  await withInit(
    { ...files(3, (n) => `i/${n}.png`, (n) => `labels/${n}.png`), ...colored },
    ({ out }) => {
      assert.match(out, /labels are those in "labels", not those in "labels_color"/);
      assert.match(out, /add --labels "labels_color"/);
    },
  );
  const ofClass = (name: string) =>
    files(3, (n) => `i/${n}.png`, (n) => `m/${name}/${n}.png`);
  await withInit(
    { ...ofClass("car"), ...ofClass("dog"), ...ofClass("tree") },
    ({ out }) => assert.match(out, /in "m\/car", not those in "m\/dog", "m\/tree"/),
  );
  const masks = files(4, (n) => `i/${n}.png`, (n) => `masks/${n}.png`);
  await withInit({ ...labelmeFiles(), ...masks }, ({ out }) => {
    assert.match(out, /there are labels in "masks", too[^]*add --labels "masks"/);
  });
});

Deno.test("init --labels chooses another folder of labels", () =>
  withInit(
    {
      ...files(3, (n) => `i/${n}.png`, (n) => `masks_a/${n}.png`),
      ...files(3, (n) => `i/${n}.png`, (n) => `masks_b/${n}.png`, () => label(0, 255)),
    },
    ({ text, error }) => assert.match(text, /labels: masks_b/, error),
    "--labels",
    "masks_b",
  ));

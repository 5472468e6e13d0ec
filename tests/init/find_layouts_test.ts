// Which files belong together, by their names alone.
import assert from "node:assert/strict";
import {
  findDistantLayouts,
  findLayouts,
  type Layout,
} from "../../src/init/find_layouts.ts";

const numbered = (count: number, name: (i: string) => string) =>
  Array.from({ length: count }, (_, i) => name(`p${i}`));

/** The layout that fits the most pairs, as one line. */
function best(files: readonly string[], isThis: (one: Layout) => boolean = () => true) {
  const layout = findLayouts(files).find(isThis);
  if (layout === undefined) return null;
  const { images, labels, imageSuffix, labelSuffix, splits, pairs } = layout;
  const suffixes = imageSuffix + labelSuffix === ""
    ? ""
    : ` ${imageSuffix}|${labelSuffix}`;
  const found = splits.length === 0 ? "" : ` (${splits.join(", ")})`;
  return `${images} → ${labels}${suffixes}${found}: ${pairs.length}`;
}

const both = (image: (i: string) => string, label: (i: string) => string) =>
  [image, label].flatMap((name) => numbered(4, name));

Deno.test("findLayouts() finds folders of any names, beside and in each other", () => {
  const jpg = (one: Layout) => /\.jpg$/.test(one.pairs[0]?.image ?? "");
  const layoutOf = (image: string, label: string) =>
    best(both((i) => `${image}/${i}.jpg`, (i) => `${label}/${i}.png`), jpg);
  assert.equal(layoutOf("images", "labels"), "images → labels: 4");
  assert.equal(
    layoutOf("JPEGImages", "SegmentationClass"),
    "JPEGImages → SegmentationClass: 4",
  );
  assert.equal(layoutOf("data/imgs", "data/masks"), "data/imgs → data/masks: 4");
  assert.equal(layoutOf("a", "a/masks"), "a → a/masks: 4");
  assert.equal(
    best(both((i) => `${i}.jpg`, (i) => `masks/${i}.png`), jpg),
    ". → masks: 4",
  );
  assert.equal(best(both((i) => `${i}.jpg`, (i) => `${i}.png`), jpg), ". → .: 4");
});

Deno.test("findLayouts() puts {split} where folders are called as splits are", () => {
  const layoutOf = (image: (split: string) => string, label: (split: string) => string) =>
    best(
      ["train", "val"].flatMap((split) =>
        both((i) => `${image(split)}/${i}.jpg`, (i) => `${label(split)}/${i}.png`)
      ),
    );
  const found = "(train, val): 8";
  assert.equal(
    layoutOf((s) => `images/${s}`, (s) => `labels/${s}`),
    `images/{split} → labels/{split} ${found}`,
  );
  assert.equal(
    layoutOf((s) => `${s}/images`, (s) => `${s}/masks`),
    `{split}/images → {split}/masks ${found}`,
  );
  assert.equal(layoutOf((s) => s, (s) => `${s}annot`), `{split} → {split}annot ${found}`);
  assert.equal(
    layoutOf((s) => `${s}_images`, (s) => `${s}_masks`),
    `{split}_images → {split}_masks ${found}`,
  );
  assert.equal(
    layoutOf((s) => `x/${s}/seq`, (s) => `y/${s}/seq`),
    `x/{split} → y/{split} ${found}`,
  );
  const suim = ["train_val", "TEST"].flatMap((s) =>
    both((i) => `${s}/images/${i}.jpg`, (i) => `${s}/masks/${i}.png`)
  );
  assert.equal(best(suim), "{split}/images → {split}/masks (TEST, train_val): 8");
});

Deno.test("findLayouts() takes no word for a split that only begins like one", () => {
  const layout = best(both((i) => `values/${i}.jpg`, (i) => `values_m/${i}.png`));
  assert.equal(layout, "values → values_m: 4");
});

Deno.test("findLayouts() finds suffixes of labels, of images, and of both", () => {
  const suffixOf = (image: (i: string) => string, label: (i: string) => string) =>
    best(both(image, label), ({ labelSuffix }) => labelSuffix !== "");
  assert.equal(
    suffixOf((i) => `${i}.png`, (i) => `${i}_mask.png`),
    ". → . |_mask: 4",
  );
  assert.equal(
    suffixOf((i) => `${i}_rgb.png`, (i) => `${i}_gt.png`),
    ". → . _gt|_rgb: 4",
    "names alone do not say which are the labels",
  );
  assert.equal(
    suffixOf((i) => `im/${i}.png`, (i) => `gt/${i}mask.png`),
    "im → gt |mask: 4",
  );
});

Deno.test("findDistantLayouts() pairs by names alone, and tells splits apart", () => {
  const files = both((i) => `images/${i}.jpg`, (i) => `annotations/trimaps/${i}.png`);
  assert.deepEqual(findLayouts(files), []);
  const bestOf = (all: readonly string[]) => {
    const layouts = findDistantLayouts(all);
    const { images, labels, pairs } =
      layouts.find(({ labelEnding }) => labelEnding === ".png") ?? layouts[0] ??
        { images: "", labels: "", pairs: [] };
    return [images, labels, pairs.length];
  };
  assert.deepEqual(bestOf(files), ["images", "annotations/trimaps", 4]);
  const splits = ["train", "val"].flatMap((split) =>
    both((i) => `images/${split}/${i}.jpg`, (i) => `a/b/c/${split}/${i}.png`)
  );
  assert.deepEqual(bestOf(splits), ["images/{split}", "a/b/c/{split}", 8]);
});

Deno.test("findLayouts() joins folders of pairs that lie side by side", () => {
  const files = ["benign", "malignant"].flatMap((one) =>
    both((i) => `set/${one}/${i}.png`, (i) => `set/${one}/${i}_mask.png`)
  );
  assert.equal(
    best(files, ({ labelSuffix }) => labelSuffix === "_mask"),
    "set → set |_mask: 8",
  );
});

Deno.test("findLayouts() leaves hidden files and other formats aside", () => {
  assert.deepEqual(
    findLayouts(["a/.x.jpg", "b/.x.png", "a/y.txt", "b/y.json", "__MACOSX/a/z.jpg"]),
    [],
  );
});

Deno.test("findLayouts() compares some of a hundred thousand files", () => {
  const files = Array.from({ length: 50_000 }, (_, i) => `s${i % 300}/${i}`)
    .flatMap((name) => [`images/train/${name}.jpg`, `labels/train/${name}.png`]);
  const [layout] = findLayouts(files);
  assert.equal(layout?.images, "images/{split}");
  assert.ok((layout?.pairs.length ?? Infinity) < 20_000);
});

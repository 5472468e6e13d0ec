// A user checks a data set before training on it.
import assert from "node:assert/strict";
import { join } from "node:path";
import { decodePng } from "../../src/formats/png.ts";
import { main } from "../../tasks/prepare.ts";
import { gtaFiles, within } from "../data/native/trees.ts";
import { GRAY, PALETTE, plainPng } from "../data/plain_png.ts";
import { withFiles } from "../data/tiny_folder.ts";
import { recorder } from "../cli/recorder.ts";
import { call, tinyFile } from "../support/commands.ts";

Deno.test("prepare prints tables, and with --json one document of the contract", async () => {
  await withFiles(within("gta5", gtaFiles()), async (root) => {
    const args = ["gta5", join(root, "gta5"), "--cache", join(root, "c")];
    const { status, out, error } = await call(main, ...args);
    assert.equal(status, 0, error);
    assert.equal(error, "", "bars are for terminals");
    assert.match(out, /^split +images +published/);
    assert.match(out, /all +3 +24966 +yes +48 × 32 +0/);
    assert.match(out, /building +33\.33/);
    assert.match(out, /note: 3 pictures of "all" are there; 24966 were published/);
    assert.match(out, /\nchecked: no problems\nstatistics cached in .*c\n$/);

    const again = await call(main, ...args, "--json");
    assert.equal(again.status, 0);
    assert.match(again.error, /unchanged since the last check \(cached\): no problems/);
    const { splits, ...rest } = JSON.parse(again.out);
    assert.deepEqual(rest, {
      dataset: "gta5",
      cache: join(root, "c"),
      notes: [],
      problems: [],
    });
    const [{ classes, notes, ...split }] = splits;
    assert.deepEqual(split, {
      name: "all",
      folder: join(root, "gta5", "images"),
      pictures: 3,
      publishedCount: 24966,
      labeled: true,
      sizes: [{ width: 48, height: 32, pictures: 3 }],
      isCached: true,
      problems: [],
    });
    assert.equal(notes.length, 2);
    assert.match(notes[1], /^no pixel of "sidewalk", .* in the 3 labels of "all"$/);
    assert.deepEqual(classes[0], { name: "road", pixels: 3 * 384, pictures: 3 });
    assert.equal(classes.length, 19);
  });
});

Deno.test("prepare shows a bar on a terminal", async () => {
  await withFiles(within("gta5", gtaFiles()), async (root) => {
    const terminal = recorder(true);
    const args = ["gta5", join(root, "gta5"), "--cache", join(root, "c")];
    assert.equal(await main(args, terminal), 0);
    assert.match(terminal.written.error, /^all\n[^]*3\/3/);
  });
});

Deno.test("prepare shows twenty problems, counts the others and fails", async () => {
  const names = Array.from({ length: 25 }, (_, i) => String(i + 10000));
  const files = within("gta5", gtaFiles(names));
  for (const name of names) {
    files[`gta5/labels/${name}.png`] = plainPng(48, 32, GRAY, 16, () => 1);
  }
  await withFiles(files, async (root) => {
    const args = ["gta5", join(root, "gta5"), "--cache", join(root, "c"), "--json"];
    const { status, out, error } = await call(main, ...args);
    assert.equal(status, 1);
    assert.equal(JSON.parse(out).problems.length, 25);
    assert.equal(error.match(/^ {2}Cannot read the label/gm)?.length, 20);
    assert.match(error, /\n25 problems:\n[^]*\n {2}and 5 more; --json lists all\n/);
  });
});

Deno.test("prepare --picture draws samples beside themselves under their labels' colors", async () => {
  const files = within("gta5", gtaFiles(["00001", "00002"]));
  // One class: road, and what is ignored at the right.
  const label = plainPng(48, 32, PALETTE, 8, (i) => i % 48 < 24 ? 7 : 0);
  for (const name of ["00001", "00002"]) files[`gta5/labels/${name}.png`] = label;
  await withFiles(files, async (root) => {
    const file = join(root, "sheet.png");
    const args = ["gta5", join(root, "gta5"), "--cache", join(root, "c")];
    const { status, out } = await call(main, ...args, "--picture", file);
    assert.equal(status, 0);
    assert.match(out, /\npreview written to .*sheet\.png\n$/);
    const sheet = decodePng(await Deno.readFile(file), "sheet");
    // Two samples in a row, each twice; a swatch of 64 pixels in the first column. Small
    // pictures are shown larger, all by the same factor: 160 / 64, rounded up.
    const [margin, heading, scale] = [8, 10, 3];
    const columns = [64, 48, 48, 48].map((width) => scale * width);
    const width = columns.reduce((a, b) => a + b) + margin * 5;
    const height = scale * (32 + 14) + (margin + heading) * 2 + margin;
    assert.deepEqual([sheet.width, sheet.height], [width, height]);

    const at = (x: number, y: number) => {
      const from = 3 * (y * width + x);
      return [...sheet.data.subarray(from, from + 3)];
    };
    const top = margin + heading;
    const image = at(margin + 3 * 4, top + 3 * 4);
    const second = margin + 3 * 64 + margin;
    const laid = at(second + 3 * 4, top + 3 * 4);
    const road = [128, 64, 128];
    assert.deepEqual(
      laid,
      road.map((value, c) => Math.round(0.3 * (image[c] ?? 0) + 0.7 * value)),
    );
    assert.deepEqual(at(second + 3 * 40, top + 3 * 4), at(margin + 3 * 40, top + 3 * 4));
    const legend = top + 3 * 32 + margin + heading;
    assert.deepEqual(at(margin + 5, legend + 5), road);
  });
});

Deno.test("prepare --crops draws labeled crops as the network gets them", async () => {
  await withFiles({}, async (root) => {
    const config = await tinyFile(root);
    const drawn = async (name: string, ...set: string[]) => {
      const file = join(root, name);
      const sets = set.flatMap((one) => ["--set", one]);
      const args = [config, "--cache", join(root, "c"), "--crops", file, ...sets];
      const { status, out, error } = await call(main, ...args);
      assert.equal(status, 0, error);
      assert.match(out, new RegExp(`\ncrops written to .*${name}\n$`));
      return decodePng(await Deno.readFile(file), "sheet");
    };
    const plain = await drawn("plain.png");
    const erased = await drawn(
      "erased.png",
      "data.augmentation.randomErasing={probability: 1, scale: [0.3, 0.3]}",
    );
    assert.deepEqual([plain.width, plain.height], [erased.width, erased.height]);
    const meanPixels = ({ data }: { data: ArrayLike<number> }) => {
      let count = 0;
      for (let i = 0; i < data.length; i += 3) {
        // The mean color of ImageNet, rounded.
        if (data[i] === 124 && data[i + 1] === 116 && data[i + 2] === 104) count++;
      }
      return count / (data.length / 3);
    };
    assert.equal(meanPixels(plain), 0);
    assert.ok(meanPixels(erased) > 0.05, `${meanPixels(erased)}`);
  });
  const { status, error } = await call(main, "voc", "x", "--crops", "a.png");
  assert.equal(status, 2);
  assert.match(error, /^Cannot draw crops of "voc": a configuration says how/);
});

Deno.test("prepare has nothing to check in drawn scenes", async () => {
  await withFiles({}, async (root) => {
    const config = await tinyFile(root);
    const { status, out } = await call(main, config, "--cache", join(root, "c"));
    assert.equal(status, 0);
    assert.match(out, /evaluation worn/);
    assert.match(out, /the scenes are rendered on demand/);
  });
});

Deno.test("prepare refuses names and roots that it does not know", async () => {
  const wrong = await call(main, "cityscape", "x");
  assert.equal(wrong.status, 2);
  assert.match(wrong.error, /did you mean "cityscapes"\?\n$/);
  const bare = await call(main, "voc");
  assert.equal(bare.status, 2);
  assert.match(bare.error, /name its folder too/);
  const option = await call(main, "voc", "x", "--picturs", "a.png");
  assert.equal(option.status, 2);
  assert.match(option.error, /--picture/);
  const help = await call(main, "--help");
  assert.equal(help.status, 0);
  assert.match(help.out, /Examples:\n {2}deno task prepare cityscapes/);
  await withFiles({}, async (root) => {
    const nothing = join(root, "nothing");
    const { status, out } = await call(main, "gta5", nothing, "--cache", join(root, "c"));
    assert.equal(status, 1);
    assert.match(out, /\n1 problem:\n {2}Cannot find GTA5 in ".*nothing"/);
    assert.match(out, /note: GTA5 is "01_images\.zip".* TU Darmstadt/);
  });
});

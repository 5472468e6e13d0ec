// Lists in the forms in which people and projects publish them.
import assert from "node:assert/strict";
import { join } from "node:path";
import { openFolder } from "../../src/data/folder.ts";
import { chooseListed, decodeListText } from "../../src/data/image_list.ts";
import { openNative } from "../../src/data/native/native.ts";
import { complaint } from "../support/error_text.ts";
import {
  camvidFiles,
  cityscapesFiles,
  frame,
  VOC_IDS,
  vocFiles,
} from "./native/trees.ts";
import { tinyFiles, tinySpec, withFiles } from "./tiny_folder.ts";

const IMAGES = {
  folder: "ROOT/images/train",
  leftOut: null,
  root: "/nowhere/ROOT",
  paths: new Map([
    ["a", "images/train/a.png"],
    ["b c", "images/train/b c.jpg"],
    ["case (0)", "images/train/case (0).png"],
    ["city/d", "images/train/city/d.png"],
    ["other/d", "images/train/other/d.png"],
    ["other/f", "images/train/other/f_rgb.png"],
    ["e\u0301", "images/train/e\u0301.png"],
    ["#1", "images/train/#1.png"],
  ]),
  nameOf: (path: string) =>
    path.replace(/^images\/train\//, "").replace(/\.(png|jpg)$/i, ""),
  labelOf: (name: string) => `labels/train/${name}.png`,
};

/** The names that a text lists, or what is said of it. */
function listed(text: string): string {
  try {
    const { names, notes } = chooseListed("l", text, IMAGES);
    return [...names, ...notes].join("|");
  } catch (error) {
    return String(error);
  }
}

Deno.test("chooseListed() finds the image of a line in each of its forms", () => {
  const lines: Record<string, string> = {
    "a": "a",
    "./a.png": "a",
    "././images//train/./a.png": "a",
    "images/train/a": "a",
    "images\\train\\a.png": "a",
    ".\\images\\train\\a.png": "a",
    "train/a.png": "a",
    "/images/train/a.png": "a",
    "/SegNet/CamVid/train/a.png": "a",
    "/nowhere/ROOT/images/train/a.png": "a",
    "data/set/images/train/a.png": "a",
    '"images/train/a.png"': "a",
    "a.PNG": "a",
    "  a.png  ": "a",
    "b c": "b c",
    "b c.jpg": "b c",
    "images/train/b c.jpg": "b c",
    "case (0).png labels/train/case (0).png": "case (0)",
    "case (0)\tcase (0)": "case (0)",
    "a.png labels/train/a.png": "a",
    "a.png\tlabels\\train\\a.png": "a",
    "a.png, ./labels/train/a.png": "a",
    "a.png;a.png": "a",
    "a labels/train/a.png": "a",
    "/images/train/a.png /labels/train/a.png": "a",
    "/SegNet/CamVid/train/a.png /SegNet/CamVid/trainannot/a.png":
      'a|1 of the 1 lines of the list "l" name another label than the one that is read ' +
      '(first: line 1: "/SegNet/CamVid/train/a.png /SegNet/CamVid/trainannot/a.png"; ' +
      'read is "labels/train/a.png")',
    "a.png # a note": "a",
    "city/d": "city/d",
    "train/city/d.png": "city/d",
    "\u00e9": "e\u0301",
    "e\u0301.png": "e\u0301",
    "#1": "#1",
    "f": "other/f",
    "f_rgb.png": "other/f",
  };
  for (const [line, expected] of Object.entries(lines)) {
    assert.equal(listed(line), expected, line);
  }
});

Deno.test("chooseListed() reads comments, marks and line ends of every system", () => {
  for (const end of ["\n", "\r\n", "\r"]) {
    assert.equal(listed(`\uFEFF# a list${end}${end}a${end}b c.jpg`), "a|b c");
  }
});

Deno.test("chooseListed() quotes the line that it cannot use", () => {
  const said = (text: string) => listed(text).replace(/^RangeError: Cannot use /, "");
  const lines: Record<string, RegExp> = {
    "a\nimages\\val\\x.png":
      /1 of its 2 lines .* \(first: line 2: "images\\val\\x\.png";/,
    "images/val/a.png": /first: line 1: "images\/val\/a\.png"; found there: 8 images/,
    "a.png -1":
      /line 1: "a\.png -1" has something after its image that is no label: give one/,
    "d":
      /line 1: "d" fits 2 images, such as "city\/d" and "other\/d": give its folder too/,
    "../ROOT/a.png": /line 1: "\.\.\/ROOT\/a\.png" leads out of the data set's folder:/,
    "images/../../a.png": /leads out of the data set's folder/,
    "/etc/passwd": /line 1: "\/etc\/passwd" leads out of the data set's folder/,
    "/elsewhere/a.png": /leads out of the data set's folder/,
    "C:\\train\\a.png": /line 1: "C:\\train\\a\.png" leads out of the data set's folder/,
    "a\n\n./a.png": /it names "a" twice: remove one of the lines 1 and 3$/,
    "a\u001b[2Jx": /first: line 1: "a\\u001b\[2Jx"; found/,
    "# only a comment": /it is empty: one stem per line$/,
  };
  for (const [text, expected] of Object.entries(lines)) {
    assert.match(said(text), expected);
  }
  assert.ok(said("x".repeat(5000)).length < 600);
});

Deno.test("decodeListText() knows the encodings of Windows", () => {
  const text = "\u00e4.png\nb.png\n";
  const utf16 = (isLittle: boolean, mark: string) => {
    const bytes = new Uint8Array(2 * (mark + text).length);
    const view = new DataView(bytes.buffer);
    [...mark + text].forEach((one, i) =>
      view.setUint16(2 * i, one.charCodeAt(0), isLittle)
    );
    return bytes;
  };
  for (const isLittle of [true, false]) {
    for (const mark of ["\uFEFF", ""]) {
      assert.equal(decodeListText(utf16(isLittle, mark)), text);
    }
  }
  assert.equal(decodeListText(new TextEncoder().encode(text)), text);
  assert.equal(
    decodeListText(new TextEncoder().encode(`\uFEFF${text}`)),
    `\uFEFF${text}`,
  );
  const latin = Uint8Array.from([...text].map((one) => one.charCodeAt(0)));
  assert.equal(decodeListText(latin), text);
  assert.throws(
    () => decodeListText(Uint8Array.of(0xff, 0xfe, 0, 0, 97, 0, 0, 0)),
    /^SyntaxError: it is encoded as UTF-32: save it as UTF-8$/,
  );
  assert.throws(
    () => decodeListText(Uint8Array.of(137, 80, 0, 0, 0, 13)),
    /^SyntaxError: it is no text file$/,
  );
});

const bytes = (text: string) => new TextEncoder().encode(text);

Deno.test("pairs of UniMatch, SegNet and HRNet choose images of data sets as downloaded", async () => {
  const city = (n: number, name: string) => `${name}/${frame(name, n)}`;
  const [first, second] = [city(0, "ulm"), city(1, "aachen")];
  const files = {
    ...cityscapesFiles(),
    ...vocFiles(),
    ...camvidFiles(),
    "unimatch.txt": bytes(
      [first, second].map((name) =>
        `leftImg8bit/train/${name}_leftImg8bit.png gtFine/train/${name}_gtFine_labelTrainIds.png`
      ).join("\n"),
    ),
    "hrnet.lst": bytes(
      `/leftImg8bit/train/${first}_leftImg8bit.png\t/gtFine/train/${first}_gtFine_labelIds.png\r\n`,
    ),
    "voc.txt": bytes(
      `JPEGImages/${VOC_IDS[0]}.jpg SegmentationClass/${VOC_IDS[0]}.png\n`,
    ),
    "swapped.txt": bytes(
      `JPEGImages/${VOC_IDS[0]}.jpg SegmentationClass/${VOC_IDS[1]}.png`,
    ),
    "segnet.txt": bytes(
      "/SegNet/CamVid/train/0001TP_006690.png /SegNet/CamVid/trainannot/0001TP_006690.png\n",
    ),
  };
  await withFiles(files, async (root) => {
    const open = (set: "cityscapes" | "voc" | "camvid", list: string, split?: string) =>
      openNative({
        ...{ kind: "native", set, root, list, labeled: true },
        ...(split === undefined ? {} : { split }),
      });
    const unimatch = await open("cityscapes", "unimatch.txt", "train");
    assert.deepEqual(unimatch.names, [second, first]);
    assert.match((unimatch.notes ?? []).join(), /^2 of the 2 lines .* read is "gtFine/);
    const hrnet = await open("cityscapes", "hrnet.lst", "train");
    assert.deepEqual([hrnet.names, hrnet.notes], [[first], []]);
    const voc = await open("voc", "voc.txt");
    assert.deepEqual([voc.names, voc.notes], [[VOC_IDS[0]], []]);
    const swapped = await open("voc", "swapped.txt");
    assert.deepEqual(swapped.names, [VOC_IDS[0]]);
    assert.match((swapped.notes ?? []).join(), /read is ".*2007_000032\.png"\)$/);
    assert.deepEqual((await open("camvid", "segnet.txt")).names, ["0001TP_006690"]);
  });
});

Deno.test("absolute paths inside the root are its own, and those of other files refused", async () => {
  const files = { ...tinyFiles(["a", "b"]), "elsewhere/images/train/a.png": "" };
  await withFiles(files, async (folder) => {
    const [root, link] = [join(folder, "."), join(folder, "link")];
    await Deno.symlink(folder, link);
    const choose = async (path: string, at = root) => {
      await Deno.writeTextFile(join(folder, "l.txt"), path);
      return openFolder(tinySpec(at, { list: join(folder, "l.txt") }));
    };
    const inside = join(folder, "images/train/b.png");
    assert.deepEqual((await choose(inside)).names, ["b"]);
    assert.deepEqual((await choose(inside, link)).names, ["b"]);
    const outside = join(folder, "../", "x/images/train/a.png");
    assert.deepEqual((await choose(outside)).names, ["a"]); // of another machine
    const other = await Deno.makeTempDir();
    await Deno.mkdir(join(other, "images/train"), { recursive: true });
    await Deno.writeTextFile(join(other, "images/train/a.png"), "");
    assert.match(
      await complaint(folder, choose(join(other, "images/train/a.png"))),
      /images\/train\/a\.png" leads out of the data set's folder/,
    );
    await Deno.remove(other, { recursive: true });
  });
});

// Labels of SBD: what is in their files, and where they stand in for PASCAL VOC's own.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { listDataSetFiles, openDataSet } from "../../../src/data/open_data_set.ts";
import type { NativeSpec } from "../../../src/data/data_spec.ts";
import { openNative } from "../../../src/data/native/native.ts";
import { decodeSbdLabel } from "../../../src/data/native/sbd.ts";
import { scanAll } from "../scan_all.ts";
import { tarOf, zipOf } from "../archives.ts";
import { complaint } from "../../support/error_text.ts";
import { tinyImage, withFiles } from "../tiny_folder.ts";
import { inflatingMat, matOf, type MatOptions } from "./mat_file.ts";
import {
  cityscapesFiles,
  type Files,
  HEIGHT,
  VOC_IDS,
  vocFiles,
  WIDTH,
  within,
} from "./trees.ts";

/** An image of the tiny VOC that has no label of its own. */
const EXTRA = "2012_000001";

/** Rows of 3, 5 and 20 over columns of 0, so that turned labels differ. */
const value = (row: number, column: number) =>
  column % 4 === 0 ? 0 : [3, 5, 20][row % 3] ?? 0;
const sbdLabel = (options: MatOptions = {}, width = WIDTH) =>
  matOf(width, HEIGHT, value, options);

const sbdFiles = (label = sbdLabel()): Record<string, Uint8Array> => ({
  [`dataset/cls/${EXTRA}.mat`]: label,
  // One that the data set has itself, of something else.
  [`dataset/cls/${VOC_IDS[0]}.mat`]: matOf(WIDTH, HEIGHT, () => 9),
  "dataset/train.txt": new TextEncoder().encode(EXTRA),
  [`dataset/img/${EXTRA}.jpg`]: tinyImage(1, WIDTH, HEIGHT),
});

const LIST = { "list.txt": new TextEncoder().encode(`${EXTRA}\n${VOC_IDS[0]}`) };

const spec = (root: string, rest: Partial<NativeSpec> = {}): NativeSpec => ({
  kind: "native",
  set: "voc",
  root,
  list: "list.txt",
  labeled: true,
  ...rest,
});

Deno.test("labels of SBD are read compressed or not, in either order of bytes", () => {
  for (const compressed of [true, false]) {
    for (const bigEndian of [true, false]) {
      const { width, height, data } = decodeSbdLabel(
        sbdLabel({ compressed, bigEndian }),
        "a",
      );
      assert.deepEqual([width, height], [WIDTH, HEIGHT]);
      for (let i = 0; i < data.length; i++) {
        assert.equal(data[i], value(Math.floor(i / WIDTH), i % WIDTH));
      }
    }
  }
});

// Made by scipy 1.17: scipy.io.savemat(file, {"GTcls": {"Boundaries": b, "Segmentation": s,
// "CategoriesPresent": unique(s[s > 0])[:, None]}}, do_compression=True) with s[r, c] =
// r // 2 * 7 + c // 3 as uint8 [6, 9], and b[i, 0] = csc_matrix(s == i + 1) in 20 cells.
Deno.test("a label that SciPy wrote is read as it was meant", async () => {
  const bytes = await readFile(new URL("./sbd_scipy.mat", import.meta.url));
  const { width, height, data } = decodeSbdLabel(bytes, "sbd_scipy.mat");
  assert.deepEqual([width, height], [9, 6]);
  const wanted = Array.from(
    { length: 54 },
    (_, i) => Math.floor(i / 18) * 7 + Math.floor(i % 9 / 3),
  );
  assert.deepEqual([...data], wanted);
});

Deno.test("a label that is none of SBD is refused by name, with what to do", () => {
  const said = (bytes: Uint8Array) => {
    try {
      decodeSbdLabel(bytes, "cls/a.mat");
    } catch (error) {
      return String(error);
    }
    return "no error";
  };
  const reason = (bytes: Uint8Array) => {
    const cure = ": restore the downloaded file (dataset/cls in SBD's " +
      "benchmark.tgz)";
    const [start, text] = [
      'SyntaxError: Cannot read the label "cls/a.mat" as one of SBD: ',
      said(bytes),
    ];
    assert.ok(text.startsWith(start) && text.endsWith(cure), text);
    return text.slice(start.length, -cure.length);
  };
  const text = (text: string) => new TextEncoder().encode(text);
  for (const compressed of [true, false]) {
    const whole = sbdLabel({ compressed });
    for (let length = 129; length < whole.length; length += 7) {
      // Cut between two variables, it is a whole file that lacks one.
      assert.match(reason(whole.subarray(0, length)), /^it is cut short$|^it has no var/);
    }
  }
  assert.equal(reason(new Uint8Array()), "the file is empty");
  assert.equal(reason(text("GIF89a")), "it is no MAT file");
  assert.equal(reason(tinyImage(1, 96, 96)), "it is no MAT file of level 5");
  const hdf5 = "it is a MAT file of version 7.3, which is HDF5";
  assert.equal(reason(text("MATLAB 7.3 MAT-file".padEnd(600))), hdf5);
  assert.equal(
    reason(Uint8Array.of(0x89, 0x48, 0x44, 0x46, ...Array(200).fill(0))),
    hdf5,
  );
  assert.equal(reason(sbdLabel({ variable: "GTinst" })), 'it has no variable "GTcls"');
  assert.equal(reason(sbdLabel({ field: "Seg" })), 'it has no "GTcls.Segmentation"');
  const double = reason(sbdLabel({ kind: 6 }));
  assert.equal(double, 'its "GTcls.Segmentation" is no matrix of the class uint8');
  assert.equal(
    reason(sbdLabel({ lacking: 9 })),
    `its "GTcls.Segmentation" has ${
      WIDTH * HEIGHT - 9
    } bytes instead of ${HEIGHT}×${WIDTH}`,
  );
  const damaged = sbdLabel();
  damaged.fill(0x55, 300, 340);
  assert.equal(reason(damaged), "its compressed bytes are damaged");
  assert.equal(
    reason(inflatingMat(2 ** 26 + 8)),
    "a variable has more than 67108864 bytes",
  );
  assert.equal(
    said(matOf(WIDTH, HEIGHT, (row, column) => row === 2 && column === 5 ? 77 : 0)),
    'RangeError: Cannot use the label "cls/a.mat": it holds the value 77 (first at row 2, ' +
      "column 5), but the allowed values are those of SBD, 0 … 20: restore the downloaded " +
      "file (dataset/cls in SBD's benchmark.tgz)",
  );
});

/** The labels of the list in their first column but one: SBD's, then the data set's own. */
async function secondColumn(spec: NativeSpec): Promise<number[][]> {
  const set = await openDataSet(spec);
  assert.deepEqual(set.names, [VOC_IDS[0], EXTRA]);
  const columns: number[][] = [];
  for (const index of [1, 0]) {
    const { label } = await set.read(index);
    columns.push([0, 1, 2].map((row) => label?.[row * WIDTH + 1] ?? -1));
  }
  return columns;
}

const WANTED = [[3, 5, 20], [0, 0, 0]];

Deno.test("VOC: SBD unpacked inside or beside has the labels that the data set lacks", async () => {
  const unpacked = within("benchmark_RELEASE", sbdFiles());
  const places: Record<string, Files> = {
    "inside VOC2012": within("data/VOCdevkit/VOC2012", unpacked),
    "beside VOCdevkit": within("data", unpacked),
    "in a folder of its own": within("data/SBD", unpacked),
    "as others unpack it": within("data/sbd", {
      [`cls/${EXTRA}.mat`]: sbdLabel(),
    }),
  };
  for (const [place, files] of Object.entries(places)) {
    await withFiles(
      { ...within("data", { ...vocFiles(), ...LIST }), ...files },
      async (root) => {
        assert.deepEqual(await secondColumn(spec(join(root, "data"))), WANTED, place);
      },
    );
  }
  // The innermost folder is named, and SBD lies beside the outermost one.
  for (const inner of ["VOCdevkit", "VOCdevkit/VOC2012"]) {
    const files = { ...vocFiles(), ...within(inner, LIST), ...unpacked };
    await withFiles(files, async (root) => {
      assert.deepEqual(await secondColumn(spec(join(root, inner))), WANTED, inner);
    });
  }
});

Deno.test("VOC: SBD is read from archives, from shards and from where it is said to be", async () => {
  const unpacked = within("benchmark_RELEASE", sbdFiles());
  const voc = { ...vocFiles(), ...LIST };
  const pack = { tar: tarOf, zip: zipOf };
  for (const ending of ["tar", "zip"] as const) {
    const files = {
      [`both/VOC.${ending}`]: pack[ending](vocFiles()),
      [`both/benchmark.${ending}`]: pack[ending](unpacked),
      ...within("both", LIST),
      ...within("unpacked", voc),
      ...within("elsewhere", unpacked),
    };
    await withFiles(files, async (root) => {
      const at = (path: string) => join(root, path);
      assert.deepEqual(await secondColumn(spec(at("both"))), WANTED);
      for (
        const sbd of [
          `both/benchmark.${ending}`,
          "elsewhere",
          "elsewhere/benchmark_RELEASE",
        ]
      ) {
        assert.deepEqual(
          await secondColumn(spec(at("unpacked"), { sbd: at(sbd) })),
          WANTED,
        );
      }
      const packed = { sbd: at("elsewhere"), list: at("both/list.txt") };
      assert.deepEqual(
        await secondColumn(spec(at(`both/VOC.${ending}`), packed)),
        WANTED,
      );
    });
  }
  const shard = tarOf({ "a.jpg": tinyImage(1, WIDTH, HEIGHT), "a.mat": sbdLabel() });
  await withFiles({ "x-0.tar": shard }, async (root) => {
    const set = await openNative(spec(`${root}/x-{0..0}.tar`, { list: null }));
    assert.equal((await set.read(0)).label?.[1], 3);
  });
});

Deno.test("VOC: labels of SBD are examined and counted like any other", async () => {
  const files = { ...vocFiles(), ...LIST, ...sbdFiles(sbdLabel({}, WIDTH - 1)) };
  await withFiles(files, async (root) => {
    const { usable } = await listDataSetFiles(spec(root));
    const job = { kind: "check", spec: spec(root) } as const;
    const [own, extra] = await scanAll(job, usable.samples.length, { workers: 0 });
    assert.deepEqual(own?.problems, []);
    const counts = (extra?.classPixels ?? []).flatMap((pixels, id) =>
      pixels > 0 ? [[id, pixels]] : []
    );
    const zeros = HEIGHT * WIDTH / 4;
    const others = HEIGHT * (WIDTH * 3 / 4 - 1);
    assert.equal(HEIGHT, 32);
    assert.deepEqual(counts, [
      [0, zeros],
      [3, others * 11 / 32],
      [5, others * 11 / 32],
      [20, others * 10 / 32],
    ]);
    assert.equal(
      extra?.problems.join().replaceAll(root, "ROOT"),
      `Cannot pair "ROOT/VOCdevkit/VOC2012/JPEGImages/${EXTRA}.jpg" with ` +
        `"ROOT/dataset/cls/${EXTRA}.mat": the image is 48×32 and the label 47×32: both ` +
        "must have the same size",
    );
  });
});

Deno.test("VOC: what SBD lacks too is named, and so is what is in the way", async () => {
  const voc = { ...vocFiles(), ...LIST };
  await withFiles({ ...voc, "benchmark.tgz": new Uint8Array(9) }, async (root) => {
    assert.match(
      await complaint(root, openNative(spec(root))),
      /SegmentationClass\/2012_000001\.png" is missing .*: add .* or SBD .*"benchmark\.tgz" cannot be read in place: unpack it$/,
    );
    assert.equal(
      await complaint(root, openNative(spec(root, { sbd: join(root, "VOCdevkit") }))),
      'RangeError: Cannot find labels in "ROOT/VOCdevkit": name the folder or the archive ' +
        'that holds "benchmark_RELEASE/dataset/cls" of SBD (unpacked or in an uncompressed .tar)',
    );
  });
  const { [`dataset/cls/${EXTRA}.mat`]: _, ...few } = sbdFiles();
  await withFiles({ ...voc, ...few }, async (root) => {
    assert.match(
      await complaint(root, openNative(spec(root))),
      /: the label "ROOT\/dataset\/cls\/2012_000001\.mat" is missing \(1 of 2/,
    );
  });
  await withFiles(cityscapesFiles(), async (root) => {
    const other = spec(root, { set: "cityscapes", list: null, split: "val", sbd: root });
    assert.equal(
      await complaint(root, openNative(other)),
      'RangeError: Cannot use "sbd": Cityscapes takes no such labels: leave it out',
    );
  });
});

Deno.test("VOC: the list of 10,582 images has all its labels with SBD", async () => {
  const lists = new URL("../../../configs/splits/pascal/1464/", import.meta.url);
  const idsOf = async (name: string) =>
    (await readFile(new URL(name, lists), "utf8")).trim().split("\n").map((id) =>
      id.trim()
    );
  const [own, extra] = [await idsOf("labeled.txt"), await idsOf("unlabeled.txt")];
  const nothing = new Uint8Array();
  const base = "VOCdevkit/VOC2012";
  const empty = (paths: string[]) =>
    Object.fromEntries(paths.map((path) => [path, nothing]));
  const files = {
    "VOCtrainval_11-May-2012.tar": tarOf({
      ...empty([...own, ...extra].map((id) => `${base}/JPEGImages/${id}.jpg`)),
      ...empty(own.map((id) => `${base}/SegmentationClass/${id}.png`)),
    }),
    "benchmark.tar": tarOf(
      empty(extra.map((id) => `benchmark_RELEASE/dataset/cls/${id}.mat`)),
    ),
    "all.txt": [...own, ...extra].join("\n"),
  };
  await withFiles(files, async (root) => {
    const { usable, missingLabels, expectedCount, orphanLabels } = await listDataSetFiles(
      spec(root, { list: "all.txt" }),
    );
    assert.deepEqual([expectedCount, usable.samples.length, missingLabels.length], [
      10582,
      10582,
      0,
    ]);
    assert.deepEqual(orphanLabels, []);
    const endings = usable.samples.map(({ label }) => String(label).slice(-4));
    assert.equal(endings.filter((one) => one === ".mat").length, 9118);
    for (
      const list of ["pascal/662/labeled", "pascal/2646/labeled", "pascal/1464/unlabeled"]
    ) {
      assert.deepEqual((await listDataSetFiles(spec(root, { list }))).missingLabels, []);
    }
  });
});

// A batch is a function of the seed and its number: not of where files lie, how many workers
// there are, or what was asked for before. A run that goes on needs nothing else.
import assert from "node:assert/strict";
import { join } from "node:path";
import { type HostBatch, IMAGENET } from "../../src/core/host_batch.ts";
import type { AugmentationOptions } from "../../src/data/augmentation/augmentation.ts";
import { type LoaderSpec, openLoader } from "../../src/data/loader.ts";
import type { NativeSpec } from "../../src/data/data_spec.ts";
import { tarOf } from "./archives.ts";
import { cityscapesFiles, frame, within } from "./native/trees.ts";
import { withServer } from "./range_server.ts";
import { tinyFiles, tinySpec, withFiles } from "./tiny_folder.ts";

const CITIES = cityscapesFiles({ train: 7 });

/** Two shards of keys, labels with the values of the data set. */
const SHARDS = Object.fromEntries([0, 1].map((shard) => {
  const images = Object.keys(CITIES).filter((path) => path.startsWith("leftImg8bit"));
  const members = images.flatMap((path, n): [string, Uint8Array][] => {
    if (n % 2 !== shard) return [];
    const key = (path.split("/").pop() ?? "").replace("_leftImg8bit.png", "");
    const label = path.replace(/^leftImg8bit/, "gtFine")
      .replace("_leftImg8bit", "_gtFine_labelIds");
    const [image, values] = [CITIES[path], CITIES[label]];
    assert.ok(image && values);
    return [[`${key}.png`, image], [`${key}.label.png`, values]];
  });
  return [`train-${shard}.tar`, tarOf(Object.fromEntries(members))];
}));

const nameOf = (n: number) => frame(n % 2 === 0 ? "ulm" : "aachen", n);
const listOf = (...numbers: number[]) => numbers.map(nameOf).join("\n");

/** Everything that chance has a say in. */
const COMMON = {
  seed: 5,
  batchSize: 2,
  futureBatches: 2,
  iterations: 100,
  resize: { height: 28, width: 42 },
  sourceResize: { height: 36, width: 54 },
  randomScale: [0.5, 2],
  padding: { position: "center", label: 3 },
  cropSize: { height: 24, width: 40 },
  flipProbability: 0.5,
  augmentation: {
    rotation: { maxDegrees: 20, probability: 0.5 },
    colorJitter: {
      brightness: 0.4,
      contrast: 0.4,
      saturation: 0.4,
      hue: 0.1,
      probability: 0.8,
    },
    blur: { sigma: [0.1, 2], kernelSize: null, probability: 0.5 },
    randomErasing: {
      probability: 0.5,
      scale: [0.02, 0.33],
      ratio: [0.3, 3.3],
      label: "ignore",
    },
  },
  catMaxRatio: 0.75,
  normalization: IMAGENET,
  cacheFolder: null,
} as const;

const RARE = { classTemperature: 0.1, minPixels: 8, minCropRatio: 0.5 };

/** Three of the images have labels, the others have none. */
function specAt(
  folder: string,
  root: string,
  numWorkers: number,
  rareClassSampling: LoaderSpec["rareClassSampling"],
): LoaderSpec {
  const part = { kind: "native", set: "cityscapes", root, split: "train" } as const;
  const of = (list: string, labeled: boolean): NativeSpec => ({
    ...part,
    list: join(folder, list),
    labeled,
  });
  const [source, target] = [of("few.txt", true), of("rest.txt", false)];
  return { ...COMMON, source, target, numWorkers, rareClassSampling };
}

/** The batches of iterations first … 5, with those of the futures. */
async function batchesFrom(first: number, spec: LoaderSpec): Promise<HostBatch[]> {
  const loader = await openLoader(spec);
  try {
    const made: HostBatch[] = [];
    for (let t = first; t <= 5; t++) {
      for (const future of [0, 1, 2]) made.push(await loader.batch(t, future));
    }
    return made;
  } finally {
    await loader.close();
  }
}

for (const [how, rare] of [["in turn", null], ["by rare classes", RARE]] as const) {
  Deno.test(`folder, tar and shards of a server give the same batches ${how}, from the start and from amid, with any workers`, () =>
    withFiles({
      ...within("folder", CITIES),
      "whole.tar": tarOf(CITIES),
      "few.txt": listOf(0, 3, 4),
      "rest.txt": listOf(1, 2, 5, 6),
    }, (folder) =>
      withServer(SHARDS, async ({ url }) => {
        const places = [
          join(folder, "folder"),
          join(folder, "whole.tar"),
          `${url}/{split}-{0..1}.tar`,
        ];
        const [first = ""] = places;
        const expected = await batchesFrom(0, specAt(folder, first, 0, rare));
        const labels = new Set(expected.flatMap(({ source }) => [...source.labels]));
        // Road, building, car, nothing, and what pads small images.
        assert.deepEqual(labels, new Set([0, 2, 13, 255, 3]));
        for (const root of places) {
          for (const workers of [0, 1, 3]) {
            const spec = specAt(folder, root, workers, rare);
            const what = `${root}, ${workers} workers`;
            assert.deepEqual(await batchesFrom(0, spec), expected, what);
            const rest = await batchesFrom(4, spec);
            assert.deepEqual(rest, expected.slice(3 * 4), `${what}, from 4 on`);
          }
        }
      })));
}

Deno.test("chance decides anew in every batch, in both domains", () =>
  withFiles({
    ...within("folder", CITIES),
    "few.txt": listOf(0),
    "rest.txt": listOf(1),
  }, async (folder) => {
    const made = await batchesFrom(0, specAt(folder, join(folder, "folder"), 0, null));
    const differing = (views: readonly unknown[]) =>
      new Set(views.map((view) => JSON.stringify(view))).size;
    // One image each: only scales, windows and mirrors make them differ.
    assert.equal(differing(made.map(({ source }) => [...source.images])), made.length);
    assert.equal(
      differing(made.map(({ target }) => [...target?.images ?? []])),
      made.length,
    );
  }));

Deno.test("a batch amid a run reads its own images and no others", () => {
  const stems = Array.from({ length: 12 }, (_, n) => `p${n}`);
  return withFiles(tinyFiles(stems), async (root) => {
    const spec = {
      ...COMMON,
      source: tinySpec(root),
      target: null,
      numWorkers: 0,
      rareClassSampling: null,
      cropSize: { height: 4, width: 4 },
    };
    const loader = await openLoader(spec);
    const expected = await loader.batch(5);
    await loader.close();
    const fresh = await openLoader(spec);
    for (
      const stem of stems.filter((stem) => !expected.source.fileNames.includes(stem))
    ) {
      for (const part of ["images", "labels"]) {
        await Deno.remove(join(root, part, "train", `${stem}.png`));
      }
    }
    assert.deepEqual(await fresh.batch(5), expected);
    await assert.rejects(fresh.batch(4), /p\d+/);
    await fresh.close();
  });
});

Deno.test("augmentation leaves scales, windows, mirrors and the target as they are", () =>
  withFiles({
    ...within("folder", CITIES),
    "few.txt": listOf(0, 3, 4),
    "rest.txt": listOf(1, 2, 5, 6),
  }, async (folder) => {
    const spec = specAt(folder, join(folder, "folder"), 0, RARE);
    const { rotation, colorJitter, blur, randomErasing } = COMMON.augmentation;
    const off = { rotation: null, colorJitter: null, blur: null, randomErasing: null };
    const batchesWith = (augmentation: AugmentationOptions | null) =>
      batchesFrom(0, { ...spec, augmentation });
    const plain = await batchesWith(null);
    const never = { probability: 0 };
    const none = await batchesWith({
      rotation: { ...rotation, ...never },
      colorJitter: { ...colorJitter, ...never },
      blur: { ...blur, ...never },
      randomErasing: { ...randomErasing, ...never },
    });
    assert.deepEqual(none, plain);
    const always = { probability: 1 };
    const jittered = await batchesWith({
      ...off,
      colorJitter: { ...colorJitter, ...always },
    });
    jittered.forEach(({ source, target }, i) => {
      assert.deepEqual(source.labels, plain[i]?.source.labels);
      assert.deepEqual(target, plain[i]?.target);
      assert.ok(source.images.some((value, k) => value !== plain[i]?.source.images[k]));
    });
    // What one step draws does not depend on the others.
    const both = await batchesWith({
      ...off,
      colorJitter: { ...colorJitter, ...always },
      randomErasing: { ...randomErasing, ...always },
    });
    both.forEach(({ source }, i) => {
      const isAsJittered = (value: number, k: number) =>
        value === 0 || value === jittered[i]?.source.images[k];
      assert.ok(source.images.every(isAsJittered));
    });
  }));

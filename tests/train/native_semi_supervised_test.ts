// Few labels on data sets as they were downloaded: the published configurations, with a
// smaller network, smaller crops and shorter lists, train and are measured.
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { loadConfig } from "../../src/config/read.ts";
import { train } from "../../src/train/train.ts";
import { main as evaluate } from "../../tasks/eval.ts";
import { tarOf, zipOf } from "../data/archives.ts";
import {
  cityscapesFiles,
  type Files,
  frame,
  VOC_IDS,
  vocFiles,
  within,
} from "../data/native/trees.ts";
import { withFiles } from "../data/tiny_folder.ts";
import { call } from "../support/commands.ts";

const lines = (...names: string[]) => new TextEncoder().encode(names.join("\n"));
const SMALL = [
  "iterations=5",
  "model.encoder={name: resnet-multigrid, depths: [1, 1, 1, 1], stemChannels: 4, baseChannels: 2}",
  "model.decoder={name: semi-deeplabv2}",
  "model.pretrained=null",
  "data.cropSize={height: 33, width: 33}",
  "data.batchSize=2",
  "data.numWorkers=1",
  "method.teacher.copyIterations=1",
  "evaluation.interval=0",
  "evaluation.centerCrop={height: 33, width: 33}",
  "logging={interval: 1, imageInterval: 0, checkpointInterval: 5}",
];

/** Trains on a data set with a config of the project, and measures what came of it. */
async function run(
  config: string,
  root: string,
  ...overrides: string[]
): Promise<{ images: number; losses: readonly string[] }> {
  const file = fileURLToPath(new URL(`../../configs/${config}.yaml`, import.meta.url));
  const out = join(root, "run");
  const losses: string[] = [];
  await train(await loadConfig(file, [...SMALL, ...overrides]), {
    out,
    backend: "wasm",
    observer: { iteration: (line) => void losses.push(JSON.stringify(line.losses)) },
  });
  const checkpoint = join(out, "last.safetensors");
  const measured = await call(evaluate, checkpoint, "--json", "--backend", "wasm");
  assert.equal(measured.status, 0, measured.error);
  const { images, mIoU } = JSON.parse(measured.out);
  assert.ok(mIoU >= 0 && mIoU <= 1);
  return { images, losses };
}

const [first = "", second = "", third = ""] = VOC_IDS;
const VOC: Files = { "few.txt": lines(first), "rest.txt": lines(second, third) };
const VOC_LISTS = (root: string) => [
  `data.source.list=${root}/few.txt`,
  `data.target.list=${root}/rest.txt`,
];

Deno.test("VOC 2012 trains with few labels alike from a folder, the download's tar, and a zip", async () => {
  const voc = vocFiles();
  const files = {
    ...VOC,
    ...within("voc", voc),
    "packed/VOCtrainval_11-May-2012.tar": tarOf(voc),
    "voc.zip": zipOf(voc),
  };
  await withFiles(files, async (root) => {
    const from = (name: string, source: string) =>
      run(
        "voc_662_cutmix_fst",
        join(root, name),
        ...VOC_LISTS(root),
        `data.source.root=${source}`,
      );
    const expected = await from("a", join(root, "voc"));
    assert.equal(expected.images, 1);
    assert.equal(expected.losses.length, 5);
    assert.deepEqual(await from("b", join(root, "packed")), expected);
    assert.deepEqual(await from("c", join(root, "voc.zip")), expected);
  });
});

Deno.test("Cityscapes trains with few labels, by the lists' own form", async () => {
  const path = (n: number) => {
    const city = n % 2 === 0 ? "ulm" : "aachen";
    return `leftImg8bit/train/${city}/${frame(city, n)}_leftImg8bit.png`;
  };
  const files = {
    ...within("cityscapes", cityscapesFiles()),
    "few.txt": lines(path(0)),
    "rest.txt": lines(path(1), path(2)),
  };
  await withFiles(files, async (root) => {
    const { images, losses } = await run(
      "cityscapes_372_mt_fst",
      root,
      `data.root=${root}`,
      `data.source.list=${root}/few.txt`,
      `data.target.list=${root}/rest.txt`,
      "model.auxiliaryHead.channels=8",
      "method.criterion.minKept=100",
      "evaluation.windowSize={height: 33, width: 33}",
      "evaluation.stride={height: 22, width: 22}",
    );
    assert.deepEqual([images, losses.length], [2, 5]);
  });
});

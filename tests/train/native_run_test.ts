// A user points at data sets as they were downloaded, and trains.
import assert from "node:assert/strict";
import { join } from "node:path";
import { parseConfig } from "../../src/config/read.ts";
import type { RunConfig } from "../../src/config/schema.ts";
import { loadNetwork } from "../../src/evaluate/load_network.ts";
import { train, type TrainOptions } from "../../src/train/train.ts";
import { main as evaluate } from "../../tasks/eval.ts";
import { tarOf, zipOf } from "../data/archives.ts";
import { type Behavior, withServer } from "../data/range_server.ts";
import {
  cityscapesFiles,
  type Files,
  gtaFiles,
  synthiaFiles,
  within,
} from "../data/native/trees.ts";
import { withFiles } from "../data/tiny_folder.ts";
import { assertRefused, call } from "../support/commands.ts";
import { tinyNativeRun } from "../support/tiny_run.ts";

const configOf = (source: string, ...overrides: string[]): RunConfig =>
  parseConfig(tinyNativeRun(source), "native.yaml", overrides);

/** Trains, and gives the losses and the score. */
async function result(config: RunConfig, out: string, more: Partial<TrainOptions> = {}) {
  const losses: unknown[] = [];
  const said: string[] = [];
  const { summary } = await train(config, {
    out,
    backend: "wasm",
    ...more,
    observer: {
      log: (line) => void said.push(line),
      iteration: (line) => void losses.push(line.losses),
    },
  });
  return { losses, said, evaluation: summary?.evaluation };
}

const CITIES = cityscapesFiles();
const GTA = gtaFiles(["00001", "00002", "15188"]);

Deno.test("SYNTHIA to Cityscapes trains and evaluates from folders", async () => {
  const files = { ...within("synthia", synthiaFiles()), ...within("cityscapes", CITIES) };
  await withFiles(files, async (root) => {
    const config = configOf("synthia", `data.root=${root}`);
    const { losses, evaluation } = await result(config, join(root, "run"));
    assert.equal(losses.length, 5);
    assert.deepEqual([evaluation?.images, evaluation?.classes.length], [2, 19]);
    assert.deepEqual(
      evaluation?.subsets.map(({ name, classes }) => [name, classes.length]),
      [["synthia-16", 16], ["synthia-13", 13]],
    );
  });
});

/** A shard of keys, labels with the values of the data set. */
function shard(
  files: Files,
  image: RegExp,
  labelOf: (path: string) => string,
): Uint8Array {
  const members = Object.keys(files).filter((path) => image.test(path)).sort()
    .flatMap((path): [string, Uint8Array][] => {
      const key = (path.split("/").pop() ?? "").replace(/(_leftImg8bit)?\.png$/, "");
      const [bytes, label] = [files[path], files[labelOf(path)]];
      assert.ok(bytes && label);
      return [[`${key}.png`, bytes], [`${key}.label.png`, label]];
    });
  return tarOf(Object.fromEntries(members));
}

const cityLabel = (path: string) =>
  path.replace("leftImg8bit/", "gtFine/").replace("_leftImg8bit", "_gtFine_labelIds");

const SHARDS = {
  "gta5-0.tar": shard(GTA, /^images/, (path) => path.replace("images", "labels")),
  "train-0.tar": shard(CITIES, /^leftImg8bit\/train/, cityLabel),
  "val-0.tar": shard(CITIES, /^leftImg8bit\/val/, cityLabel),
};

const FOLDERS = { ...within("gta5", GTA), ...within("cityscapes", CITIES) };

Deno.test("GTA5 to Cityscapes trains alike from folders, zip, tar and shards of a server", async () => {
  const files = {
    ...FOLDERS,
    "zip/gta5/01_images.zip": zipOf(GTA),
    "zip/cityscapes/all.zip": zipOf(CITIES),
    "gta5.tar": tarOf(GTA),
    "cityscapes.tar": tarOf(CITIES),
  };
  await withFiles(files, async (root) => {
    const expected = await result(
      configOf("gta5", `data.root=${root}`),
      join(root, "run"),
    );
    assert.equal(expected.losses.length, 5);
    assert.equal(expected.evaluation?.images, 2);
    assert.equal(
      expected.said.filter((line) => /left out 1 images of GTA5/.test(line)).length,
      1,
    );
    const alike = async (name: string, ...overrides: string[]) => {
      const config = configOf("gta5", ...overrides);
      const { losses, evaluation } = await result(config, join(root, name));
      assert.deepEqual(losses, expected.losses, name);
      assert.deepEqual(evaluation, expected.evaluation, name);
    };
    await alike("zipped", `data.root=${root}/zip`, "data.numWorkers=1");
    await alike(
      "tarred",
      `data.source.root=${root}/gta5.tar`,
      `data.target.root=${root}/cityscapes.tar`,
    );
    await withServer(SHARDS, async ({ url }) => {
      await alike(
        "served",
        `data.source.root=${url}/gta5-{0..0}.tar`,
        `data.target.root=${url}/{split}-{0..0}.tar`,
        "data.numWorkers=1",
      );
    });
  });
});

Deno.test("a server that fails midway ends the run in one sentence, and the run goes on", async () => {
  await withFiles(FOLDERS, async (root) => {
    const roots = (url: string) => [
      `data.source.root=${url}/gta5-0.tar`,
      `data.target.root=${url}/{split}-0.tar`,
    ];
    const expected = await result(
      configOf("gta5", `data.root=${root}`),
      join(root, "run"),
    );
    const out = join(root, "served");
    // Down for good from the third iteration on.
    let down = false;
    const behavior: Behavior = () => down ? "gone" : "ok";
    await withServer(SHARDS, async ({ url }) => {
      const failing = train(configOf("gta5", ...roots(url)), {
        out,
        backend: "wasm",
        observer: { iteration: ({ iteration }) => void (down = iteration >= 2) },
      });
      await assert.rejects(failing, (error: Error) => {
        assert.match(
          error.message,
          /^Cannot read "http:\/\/127\.0\.0\.1:\d+\/(gta5|train)-0\.tar": the server answers 404 Not Found$/,
        );
        return true;
      });
      down = false;
      const rest = await result(configOf("gta5", ...roots(url)), out);
      assert.deepEqual(rest.losses, expected.losses.slice(2));
      assert.deepEqual(rest.evaluation, expected.evaluation);
    }, behavior);
  });
});

Deno.test("eval finds the data set by --set, other splits by --split, and never writes into it", async () => {
  await withFiles(FOLDERS, async (root) => {
    const out = join(root, "run");
    await result(configOf("gta5", `data.root=${root}`, "iterations=1"), out);
    const checkpoint = join(out, "last.safetensors");
    const moved = join(root, "moved");
    await Deno.rename(join(root, "cityscapes"), moved);
    const wasm = ["--backend", "wasm"];
    const there = ["--set", `data.evaluations.val.root=${moved}`];
    const saved = join(root, "saved");
    const measured = await call(
      evaluate,
      checkpoint,
      ...there,
      ...["--split", "train", "--save", saved, "--json"],
      ...wasm,
    );
    assert.equal(measured.status, 0, measured.error);
    assert.equal(JSON.parse(measured.out).images, 3);
    await Deno.stat(join(saved, "ulm/ulm_000000_000019_overlay.png"));

    assertRefused(await call(evaluate, checkpoint, ...wasm), `${root}/cityscapes`);
    const among = join(moved, "leftImg8bit", "val");
    assertRefused(
      await call(evaluate, checkpoint, ...there, "--save", among, ...wasm),
      among,
    );

    using network = await loadNetwork(checkpoint, { backend: "wasm" });
    assert.equal(network.classes[18]?.name, "bicycle");
  });
});

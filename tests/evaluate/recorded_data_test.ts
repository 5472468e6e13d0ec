// A checkpoint may come from anybody: its record reads nothing that its user did not name.
import assert from "node:assert/strict";
import { join } from "node:path";
import type { FolderSpec } from "../../src/data/data_spec.ts";
import { confineToGiven } from "../../src/evaluate/recorded_data.ts";
import { loadNetwork } from "../../src/evaluate/load_network.ts";
import { train } from "../../src/train/train.ts";
import { loadCheckpoint, saveCheckpoint } from "../../src/weights/checkpoint_file.ts";
import { tinySpec, withFiles } from "../data/tiny_folder.ts";
import { tinyConfig } from "../support/commands.ts";
import { inFolder } from "../support/files.ts";

const confined = (spec: FolderSpec, ...overrides: string[]) =>
  confineToGiven(spec, "run/last.safetensors", overrides);

Deno.test("confineToGiven() asks no server that the user did not name", async () => {
  const root = "https://host/sets/street.tar?token=secret";
  const spec = tinySpec(root);
  for (
    const overrides of [
      [],
      ["seed=1"],
      ["data.root=https://host/sets/stree"], // another file
      ["data.root=https://host"].map((text) => text.replace("https", "http")),
    ]
  ) {
    await assert.rejects(confined(spec, ...overrides), {
      name: "RangeError",
      message: 'Cannot read the data set: the checkpoint "run/last.safetensors" names ' +
        'the address "https://host/sets/street.tar", and what a file names is not asked: ' +
        "name it yourself, or a folder, with --set data.root=ADDRESS",
    });
  }
  for (
    const given of [
      `data.root=${JSON.stringify(root)}`,
      "data.root=https://host/sets/",
      `data={kind: folder, root: ${JSON.stringify(root)}}`,
    ]
  ) {
    assert.equal(await confined(spec, given), spec);
  }
  const local = tinySpec("/data/street");
  assert.equal(await confined(local), local);
  await assert.rejects(
    confineToGiven(
      { kind: "native", set: "voc", root: "/data", sbd: "http://host/x", labeled: true },
      "run/last.safetensors",
      ["data.root=/data"],
    ),
    /names the address "http:\/\/host\/x"/,
  );
});

Deno.test("confineToGiven() takes lists from beside the checkpoint, through no link", () =>
  withFiles({ "run/lists/few.txt": "a", "outside.txt": "b", "data/own.txt": "a" }, async (
    folder,
  ) => {
    const checkpoint = join(folder, "run/last.safetensors");
    const root = join(folder, "data");
    const found = async (list: string, ...overrides: string[]) => {
      const spec = await confineToGiven(tinySpec(root, { list }), checkpoint, overrides);
      return "list" in spec ? spec.list : null;
    };
    await Deno.symlink(join(folder, "outside.txt"), join(folder, "run/lists/link.txt"));
    const few = join(folder, "run/lists/few.txt");
    assert.equal(await found("few.txt"), few);
    assert.equal(await found("/elsewhere/few.txt"), few, "a run may have moved");
    assert.match(await found("pascal/662/labeled") ?? "", /configs.splits.pascal/);
    const outside = [
      "/etc/passwd",
      join(folder, "outside.txt"),
      "../../outside.txt",
      "link.txt",
      "own.txt", // the record chose the root, too
    ];
    for (const list of outside) {
      await assert.rejects(found(list), {
        name: "RangeError",
        message: `Cannot read the list "${list}" of the checkpoint "${checkpoint}": it ` +
          `is not in "${join(folder, "run/lists")}", and no other place is looked at ` +
          "for what a file names: name it yourself with --set " +
          "data.evaluations.NAME.list=FILE",
      });
    }
    assert.equal(await found("own.txt", `data.root=${root}`), join(root, "own.txt"));
    const home = Deno.env.get("HOME") ?? "";
    Deno.env.set("HOME", folder);
    await found("own.txt", "data.root=~/data")
      .then((path) => assert.equal(path, join(root, "own.txt")))
      .finally(() => Deno.env.set("HOME", home));
    const set = "data.evaluations.val.list=../../outside.txt";
    assert.equal(await found("../../outside.txt", set), "../../outside.txt");
  }));

Deno.test("evaluate() leaves alone what the record of a checkpoint names [wasm]", () =>
  inFolder(async (folder) => {
    let asked = 0;
    await using server = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen() {} },
      () => {
        asked++;
        return new Response("no", { status: 404 });
      },
    );
    await train(tinyConfig("iterations=1"), { out: folder, backend: "wasm" });
    const path = join(folder, "last.safetensors");
    const { tensors, metadata } = await loadCheckpoint(path);
    const config = tinyConfig();
    const data = {
      kind: "folder",
      root: `http://127.0.0.1:${server.addr.port}/x.tar`,
      classes: metadata.classes,
      listFolder: "/etc",
      source: { split: "train" },
      evaluations: { val: { split: "train", list: "passwd" } },
      cropSize: { height: 32, width: 32 },
    };
    const save = (data: unknown) =>
      saveCheckpoint(path, {
        tensors,
        metadata: { ...metadata, config: { ...config, data } },
      });
    const evaluate = async () => {
      using network = await loadNetwork(path, { backend: "wasm" });
      await network.evaluate();
    };
    await save(data);
    await assert.rejects(
      evaluate(),
      /names the address "http:\/\/127\.0\.0\.1:\d+\/x\.t/,
    );
    assert.equal(asked, 0);
    await save({ ...data, root: "/etc" });
    await assert.rejects(evaluate(), /Cannot read the list "passwd" of the checkpoint/);
  }));

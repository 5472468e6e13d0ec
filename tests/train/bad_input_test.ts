// What users meet: every bad input ends in one plain sentence that names the culprit, and
// nothing that was on the disk is lost.
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { appendLine } from "../../src/train/run_files.ts";
import { loadCheckpoint } from "../../src/weights/checkpoint_file.ts";
import { main as evaluate } from "../../tasks/eval.ts";
import { main as train } from "../../tasks/train.ts";
import {
  CLASSES,
  tinyFiles,
  tinyImage,
  tinyLabel,
  withFiles,
} from "../data/tiny_folder.ts";
import {
  assertRefused,
  call,
  type Ended,
  TINY,
  tinyFile,
  WASM,
} from "../support/commands.ts";
import { inFolder, onTinyDisk } from "../support/files.ts";

const FILES = tinyFiles(["a", "b"]);

/** Trains on a folder of pictures, its files being those of the test. */
async function trainOn(
  files: Readonly<Record<string, Uint8Array | string>>,
  source: string,
  check: (ended: Ended, root: string) => void | Promise<void>,
): Promise<void> {
  await withFiles(files, async (root) => {
    const data = {
      kind: "folder",
      root,
      classes: CLASSES,
      evaluations: { train: { split: "train" } },
      cropSize: { height: 32, width: 32 },
      batchSize: 1,
      numWorkers: 0,
    };
    const sets = [`data=${JSON.stringify(data)}`, `data.source=${source}`];
    const args = sets.flatMap((text) => ["--set", text]);
    const out = join(root, "run");
    await check(
      await call(train, await tinyFile(root), "--out", out, ...args, ...WASM),
      root,
    );
    for (const [path, bytes] of Object.entries(files)) {
      const now = await Deno.readFile(join(root, path));
      const before = typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes;
      assert.deepEqual([...now], [...before], `${path} is as it was`);
    }
  });
}

/** Trains {@linkcode TINY} and gives its folder. */
async function afterRun(
  use: (out: string, args: readonly string[]) => Promise<void>,
): Promise<void> {
  await inFolder(async (folder) => {
    const out = join(folder, "run");
    const args = [await tinyFile(folder), "--out", out, ...WASM];
    assert.equal((await call(train, ...args)).status, 0);
    await use(out, args);
  });
}

/** Makes a finished run one that was stopped after its last checkpoint. */
async function unfinish(out: string): Promise<void> {
  await Deno.remove(join(out, "summary.json"));
}

Deno.test("a missing image is named, with what is there instead", () =>
  trainOn(
    { ...FILES, "stems.txt": "a\nc\n" },
    '{split: train, list: "stems.txt"}',
    (ended) => assertRefused(ended, 'stems.txt"', '"c"', '"a", "b"'),
  ));

Deno.test("an unreadable image is named", () =>
  trainOn(
    { ...FILES, "images/train/a.png": tinyImage(0).subarray(0, 50) },
    "{split: train, include: [a]}",
    (ended) => assertRefused(ended, join("images", "train", "a.png"), "complete?"),
  ));

Deno.test("an image and a label of different size are named, with their sizes", () =>
  trainOn(
    { ...FILES, "labels/train/a.png": tinyLabel(() => 0, 8, 5) },
    "{split: train, include: [a]}",
    (ended) => assertRefused(ended, "8×6", "8×5", join("labels", "train", "a.png")),
  ));

Deno.test("a label value out of range is named, with its place", () =>
  trainOn(
    { ...FILES, "labels/train/a.png": tinyLabel((i) => i === 9 ? 7 : 0) },
    "{split: train, include: [a]}",
    (ended) => assertRefused(ended, "value 7", "row 1, column 1", "0 … 2 and 255"),
  ));

Deno.test("an empty split is named, with what its folder holds", () =>
  trainOn(
    FILES,
    '{split: train, include: ["night_*"]}',
    (ended) => assertRefused(ended, "night_*", '"a", "b"'),
  ));

Deno.test("all mistakes of a configuration are said at once, each with its path", () =>
  inFolder(async (folder) => {
    const text = TINY.replace("seed: 3", 'seed: "three"')
      .replace("  batchSize: 1", "  bachSize: 1")
      .replace("channels: 8", "channels: -8");
    const file = await tinyFile(folder, text);
    const ended = await call(train, file, "--out", join(folder, "run"), ...WASM);
    assertRefused(
      ended,
      file,
      "seed: ",
      'data: Unrecognized key: "bachSize"',
      '"batchSize"',
      "model.decoder.channels: ",
    );
    await assert.rejects(Deno.stat(join(folder, "run")), Deno.errors.NotFound);
  }));

Deno.test("a truncated checkpoint is named, and stays as it is", () =>
  afterRun(async (out, args) => {
    await unfinish(out);
    const file = join(out, "last.safetensors");
    const half = (await Deno.readFile(file)).subarray(0, 20_000);
    await Deno.writeFile(file, half);
    assertRefused(await call(train, ...args), file, "cut off");
    assertRefused(await call(evaluate, file, ...WASM), file, "cut off");
    assert.deepEqual(await Deno.readFile(file), half);
  }));

Deno.test("a checkpoint of another network is refused, wherever it is given", () =>
  afterRun(async (out, args) => {
    const [config = "", ...rest] = args;
    const other = `${out}_other`;
    const wider = [...["--set", "model.decoder.channels=12"], "--out", other];
    // The later --out wins.
    assert.equal((await call(train, config, ...rest, ...wider)).status, 0);
    const file = join(out, "last.safetensors");
    const foreign = join(other, "last.safetensors");

    const mismatch = ["does not match the model", "decode_head."];
    assertRefused(
      await call(evaluate, file, "--set", "model.decoder.channels=12", ...WASM),
      file,
      ...mismatch,
    );
    const pretrained = ["--set", `model.pretrained=${foreign}`, "--out", `${out}_third`];
    assertRefused(await call(train, ...args, ...pretrained), foreign, ...mismatch);

    await unfinish(out);
    await Deno.copyFile(foreign, file);
    const before = await Deno.readFile(file);
    assertRefused(await call(train, ...args), out, "model.decoder.channels");
    assert.deepEqual(await Deno.readFile(file), before);
  }));

Deno.test("without a GPU, --backend webgpu says what to do", () =>
  inFolder(async (folder) => {
    // A graphics interface that this system does not have hides every adapter.
    const foreign = Deno.build.os === "windows" ? "metal" : "dx12";
    const task = fileURLToPath(new URL("../../tasks/train.ts", import.meta.url));
    const rest = ["--out", join(folder, "run"), "--backend", "webgpu"];
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", task, await tinyFile(folder), ...rest],
      env: { DENO_WEBGPU_BACKEND: foreign },
    }).output();
    const error = new TextDecoder().decode(stderr);
    assertRefused(
      { status: code, out: "", error },
      "no adapter was found",
      "--backend wasm",
    );
  }));

Deno.test({
  name: "a full disk while saving is said, and the earlier checkpoint survives",
  ignore: !await onTinyDisk(64, async () => {}),
  async fn() {
    await onTinyDisk(4096, async (disk, grow) => {
      const out = join(disk, "run");
      const args = [await tinyFile(disk), "--out", out, ...WASM];
      assert.equal((await call(train, ...args)).status, 0);
      await unfinish(out);
      const file = join(out, "last.safetensors");
      const before = await Deno.readFile(file);
      // Room for the configuration and the log, and for no second checkpoint.
      assert.ok(before.length > 40_000);
      const filler = await Deno.open(join(disk, "filler"), { write: true, create: true });
      await assert.rejects(async () => {
        for (;;) await filler.write(new Uint8Array(4096));
      });
      const { size } = await filler.stat();
      await filler.truncate(size - 40_000);
      filler.close();
      assertRefused(await call(train, ...args), file, "the disk is full");
      assert.deepEqual(await Deno.readFile(file), before);

      assert.ok(await grow(8192));
      const { status, error } = await call(train, ...args);
      assert.equal(status, 0, `with room again it goes on: ${error}`);
    });
  },
});

Deno.test({
  name: "a full disk while logging is said",
  ignore: Deno.build.os !== "linux",
  fn: () =>
    assert.rejects(
      appendLine("/dev/full", { iteration: 1, centerCrop: null, results: {} }),
      {
        message:
          'Cannot write "/dev/full": the disk is full; free some space and run again',
      },
    ),
});

Deno.test("a folder where a file belongs is said, and a file where a folder does", () =>
  inFolder(async (folder) => {
    const file = await tinyFile(folder);
    const isFolder = [folder, "it is a folder; name a file in it"];
    assertRefused(await call(train, folder, ...WASM), ...isFolder);
    assertRefused(await call(evaluate, folder, ...WASM), ...isFolder);
    const taken = await call(train, file, "--out", file, ...WASM);
    assertRefused(taken, file, "a file is in the way", "--out");
  }));

Deno.test("a damaged summary of a run is named, and what to do", () =>
  afterRun(async (out, args) => {
    const summary = join(out, "summary.json");
    for (const text of ["", "{", "null", "[]", '{"evaluation": {"classes": 3}}']) {
      await Deno.writeTextFile(summary, text);
      assertRefused(await call(train, ...args), summary, "it is damaged: remove it");
    }
    await Deno.remove(summary);
    assert.equal((await call(train, ...args)).status, 0);
  }));

Deno.test("a picture of a run that cannot be written is named", () =>
  inFolder(async (folder) => {
    const out = join(folder, "run");
    await Deno.mkdir(join(out, "pictures", "000001.png"), { recursive: true });
    const args = [
      await tinyFile(folder),
      "--out",
      out,
      "--set",
      "logging.imageInterval=1",
    ];
    assertRefused(
      await call(train, ...args, ...WASM),
      "000001.png",
      "choose another name",
    );
  }));

Deno.test("a loss that is not finite stops the run and spares the last checkpoint", () =>
  inFolder(async (folder) => {
    const out = join(folder, "run");
    const args = [await tinyFile(folder), "--out", out, "--iterations", "6", ...WASM];
    const set = (...values: string[]) => values.flatMap((value) => ["--set", value]);
    const everyIteration = "logging.checkpointInterval=1";
    const large = set("optimizer.learningRate=1e30", everyIteration);
    assertRefused(
      await call(train, ...args, ...large),
      'the loss "source" is NaN at iteration 2',
      ...["seed 3", "clean_0000", '"optimizer.learningRate"'],
    );
    const { tensors, metadata } = await loadCheckpoint(join(out, "last.safetensors"));
    assert.equal(metadata.iteration, 1);
    for (const [name, { dtype, bytes }] of tensors) {
      if (dtype !== "F32" || name.startsWith("optimizer.")) continue;
      const numbers = new Float32Array(bytes.slice().buffer);
      assert(numbers.every(Number.isFinite), `${name} is finite`);
    }
    // Here the checkpoint is the first to tell, before it is written.
    const larger = set("optimizer.learningRate=1e60", everyIteration);
    assertRefused(
      await call(train, ...args, ...larger, "--fresh"),
      ...["the weight ", "iteration 1", "seed 3", "clean_0000"],
    );
  }));

Deno.test("a crop larger than the image trains on padded images", () =>
  trainOn(FILES, "{split: train}", async ({ status, error }, root) => {
    assert.equal(status, 0, error);
    await Deno.stat(join(root, "run", "summary.json"));
  }));

Deno.test("a crop of one class trains", () =>
  trainOn(
    { ...FILES, "labels/train/a.png": tinyLabel(() => 1) },
    "{split: train, include: [a]}",
    ({ status, error }) => assert.equal(status, 0, error),
  ));

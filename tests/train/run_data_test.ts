// A run belongs to its data: it goes on with the same, wherever that lies, and says what
// has changed.
import assert from "node:assert/strict";
import { join } from "node:path";
import { openDataSet } from "../../src/data/open_data_set.ts";
import { assertSameData } from "../../src/train/run_data.ts";
import { main as train } from "../../tasks/train.ts";
import { tarOf, zipOf } from "../data/archives.ts";
import {
  CLASSES,
  tinyFiles,
  tinyImage,
  tinyLabel,
  tinySpec,
  withFiles,
} from "../data/tiny_folder.ts";
import { assertRefused, call, tinyFile, WASM } from "../support/commands.ts";

const FILES = tinyFiles(["a", "b", "c"]);
const LABEL = "labels/train/b.png";
/** The same with one pixel of another class, in as many bytes. */
const relabeled = Array.from(
  { length: 48 },
  (_, k) => tinyLabel((i) => i % 5 === 4 ? 255 : (i + (i === k ? 2 : 1)) % 3),
).find(({ length }, k) => k % 5 !== 4 && length === FILES[LABEL]?.length) ??
  assert.fail();

/** What the tiny data set is when its files are those. */
async function identityOf(
  files: Readonly<Record<string, Uint8Array>>,
  pack = (files: Readonly<Record<string, Uint8Array>>) =>
    files as Record<string, Uint8Array>,
  name = "",
) {
  const found: Awaited<ReturnType<typeof identity>>[] = [];
  const identity = async (root: string) =>
    await (await openDataSet(tinySpec(join(root, name)))).identity();
  await withFiles(pack(files), async (root) => void found.push(await identity(root)));
  return found[0] ?? assert.fail();
}

const changeOf = (...[saved, now]: Awaited<ReturnType<typeof identityOf>>[]) => {
  assert(saved && now);
  return assertSameData("run", { source: saved }, { source: now }, true)
    ?.replace(/^the data has changed since the run began: "data.source" has /, "") ??
    null;
};

Deno.test("assertSameData() tells what has changed, by images, names, sizes and bytes", async () => {
  const saved = await identityOf(FILES);
  const { "images/train/c.png": image, "labels/train/c.png": label, ...two } = FILES;
  assert(image && label);
  const renamed = { ...two, "images/train/d.png": image, "labels/train/d.png": label };
  const resized = { ...FILES, "images/train/a.png": tinyImage(0, 8, 12) };
  const cases = [
    [FILES, null],
    [two, "2 images and had 3"],
    [renamed, "images of other names"],
    [resized, "images or labels of other sizes in bytes"],
    [{ ...FILES, [LABEL]: relabeled }, "images or labels with other contents"],
  ] as const;
  for (const [files, change] of cases) {
    assert.equal(changeOf(saved, await identityOf(files)), change);
  }
});

Deno.test("assertSameData() knows a data set again in an archive", async () => {
  const saved = await identityOf(FILES);
  const changed = { ...FILES, [LABEL]: relabeled };
  const packs = {
    "x.tar": (files: typeof FILES) => ({ "x.tar": tarOf(files) }),
    "x.zip": (files: typeof FILES) => ({ "x.zip": zipOf(files) }),
  };
  for (const [name, pack] of Object.entries(packs)) {
    const packed = await identityOf(FILES, pack, name);
    assert.equal(changeOf(saved, packed), null, name);
    assert.equal(
      changeOf(packed, await identityOf(changed, pack, name)),
      "images or labels with other contents",
      name,
    );
  }
});

Deno.test("assertSameData() says that a checkpoint of an earlier version does not tell", () => {
  const data = { source: { images: 1, names: "", sizes: "", contents: null } };
  assert.match(assertSameData("run", undefined, data, false) ?? "", /does not say/);
});

Deno.test("train() goes on with changed data only where that is asked for [wasm]", () =>
  withFiles(FILES, async (root) => {
    const data = JSON.stringify({
      ...{ kind: "folder", root, classes: CLASSES, source: { split: "train" } },
      evaluations: { val: { split: "train" } },
      cropSize: { height: 32, width: 32 },
      ...{ batchSize: 1, numWorkers: 0 },
    });
    const out = join(root, "run");
    const args = [await tinyFile(root), "--out", out, "--set", `data=${data}`, ...WASM];
    assert.equal((await call(train, ...args)).status, 0);
    await Deno.remove(join(out, "summary.json"));
    const before = await Deno.readFile(join(out, "last.safetensors"));
    await Deno.writeFile(join(root, LABEL), relabeled);
    assertRefused(
      await call(train, ...args),
      out,
      '"data.source" has images or labels with other contents',
      '"data.evaluations.val" has',
      "--accept-changed-data",
    );
    assert.deepEqual(await Deno.readFile(join(out, "last.safetensors")), before);
    const accepted = await call(train, ...args, "--accept-changed-data");
    assert.equal(accepted.status, 0, accepted.error);
    assert.match(accepted.error, /the data has changed since the run began: "data\.sour/);
    await Deno.remove(join(out, "summary.json"));
    const again = await call(train, ...args);
    assert.equal(again.status, 0, "it is the run's data now");
    assert.doesNotMatch(again.error, /the data has changed/);
  }));

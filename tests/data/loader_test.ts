import assert from "node:assert/strict";
import { join } from "node:path";
import { type HostBatch, IMAGENET } from "../../src/core/host_batch.ts";
import { openDataSet } from "../../src/data/open_data_set.ts";
import { type LoaderSpec, openLoader } from "../../src/data/loader.ts";
import { tarOf, zipOf } from "./archives.ts";
import { tinyFiles, tinyImage, tinyLabel, tinySpec, withFiles } from "./tiny_folder.ts";

const SPEC: LoaderSpec = {
  seed: 3,
  source: {
    kind: "embedded",
    domain: "clean",
    images: 6,
    size: { height: 48, width: 64 },
    labeled: true,
  },
  target: {
    kind: "embedded",
    domain: "worn",
    images: 5,
    size: { height: 48, width: 64 },
    labeled: true,
  },
  batchSize: 2,
  futureBatches: 2,
  iterations: 100,
  resize: null,
  cropSize: { height: 32, width: 32 },
  flipProbability: 0.5,
  catMaxRatio: 0.75,
  normalization: IMAGENET,
  rareClassSampling: null,
  numWorkers: 0,
  cacheFolder: null,
};

const ASKED = [[0, 0], [0, 1], [0, 2], [1, 0], [1, 2], [9, 0], [2, 1], [2, 1]] as const;

async function batches(spec: LoaderSpec): Promise<HostBatch[]> {
  const loader = await openLoader(spec);
  try {
    const made: HostBatch[] = [];
    for (const [iteration, future] of ASKED) {
      made.push(await loader.batch(iteration, future));
    }
    return made;
  } finally {
    await loader.close();
  }
}

Deno.test("a batch has normalized crops of both domains and labels of the source", async () => {
  const [batch] = await batches(SPEC);
  assert.ok(batch);
  assert.deepEqual([batch.batchSize, batch.height, batch.width], [2, 32, 32]);
  assert.equal(batch.source.images.length, 2 * 32 * 32 * 3);
  assert.equal(batch.source.labels.length, 2 * 32 * 32);
  assert.ok(batch.source.labels.every((id) => id < 10));
  assert.equal(batch.target?.images.length, 2 * 32 * 32 * 3);
  assert.ok(!("labels" in (batch.target ?? {})));
  assert.ok(batch.source.fileNames.every((name) => /^clean_0000\d$/.test(name)));
  assert.ok(batch.target?.fileNames.every((name) => /^worn_0000\d$/.test(name)));
  assert.ok(batch.source.images.every((value) => value > -2.2 && value < 2.7));
});

Deno.test("a batch says which target pixels are in no margin, mirrored as they are", async () => {
  const boxes = async (more: Partial<LoaderSpec>) =>
    (await batches({ ...SPEC, ...more })).flatMap(({ source, target }) => {
      assert.ok(!("countedBoxes" in source));
      return target?.countedBoxes ?? [];
    });
  assert.deepEqual(await boxes({}), []);
  const options = {
    targetMargins: { top: 0.1, bottom: 0.25, left: 0.3, right: 0 },
    cropSize: { height: 60, width: 64 },
    padding: { position: "center", label: 255 },
  } as const;
  const inPlace = await boxes(options);
  const box = { top: 6 + 4, height: 48 - 4 - 12, width: 64 - 19 };
  for (const found of inPlace) {
    assert.deepEqual(found, { ...box, left: found.left === 0 ? 0 : 19 });
  }
  assert.equal(new Set(inPlace.map(({ left }) => left)).size, 2, "some are mirrored");
  assert.deepEqual(await boxes({ ...options, numWorkers: 1 }), inPlace);
});

Deno.test("batches are the same with 0, 1 and 3 workers", async () => {
  const inPlace = await batches(SPEC);
  assert.deepEqual(await batches({ ...SPEC, numWorkers: 1 }), inPlace);
  assert.deepEqual(await batches({ ...SPEC, numWorkers: 3 }), inPlace);
  assert.notDeepEqual(inPlace[0]?.source, inPlace[1]?.source);
  assert.notDeepEqual(inPlace[0]?.source, inPlace[3]?.source);
});

Deno.test("real batches do not depend on the number of futures", async () => {
  const few = await openLoader({ ...SPEC, futureBatches: 0 });
  const many = await openLoader(SPEC);
  assert.deepEqual(await few.batch(4), await many.batch(4));
  await few.close();
  await many.close();
});

Deno.test("files are read by workers, with and without a target", async () => {
  await withFiles(tinyFiles(["a", "b", "c"]), async (root) => {
    const spec = {
      ...SPEC,
      source: tinySpec(root),
      target: null,
      cropSize: { height: 8, width: 8 },
    };
    const inPlace = await batches(spec);
    assert.equal(inPlace[0]?.target, null);
    assert.deepEqual(await batches({ ...spec, numWorkers: 2 }), inPlace);
  });
});

Deno.test("workers read what is unpacked, packed, and some of both", async () => {
  const files = tinyFiles(["a", "b", "c"]);
  const only = (part: string) =>
    Object.fromEntries(Object.entries(files).filter(([path]) => path.startsWith(part)));
  const places: Record<string, Record<string, Uint8Array>> = {
    unpacked: files,
    packed: { "all.tar": tarOf(files) },
    both: { ...only("images"), "labels.zip": zipOf(only("labels")) },
  };
  const all = Object.entries(places).flatMap(([place, own]) =>
    Object.entries(own).map(([path, bytes]) => [`${place}/${path}`, bytes] as const)
  );
  await withFiles(Object.fromEntries(all), async (root) => {
    const rareClassSampling = { classTemperature: 1, minPixels: 1, minCropRatio: 0 };
    const cropSize = { height: 4, width: 4 };
    let first: HostBatch[] | null = null;
    for (const place of Object.keys(places)) {
      const isUnpacked = place === "unpacked";
      const source = tinySpec(join(root, place));
      const dataSet = await openDataSet(source);
      assert.equal(dataSet.unpacked?.root ?? null, isUnpacked ? source.root : null);
      for (const numWorkers of [0, 2]) {
        const target = tinySpec(join(root, "unpacked"), { labeled: false });
        const some = await batches({
          ...SPEC,
          source,
          target,
          rareClassSampling,
          cropSize,
          numWorkers,
        });
        first ??= some;
        assert.deepEqual(some, first, `${place}, ${numWorkers} workers`);
      }
    }
  });
});

Deno.test("a target needs no labels", async () => {
  const files = tinyFiles(["a", "b"]);
  files["images/dusk/d.png"] = files["images/train/a.png"] ?? new Uint8Array();
  await withFiles(files, async (root) => {
    const target = tinySpec(root, { split: "dusk" });
    const loader = await openLoader({ ...SPEC, source: tinySpec(root), target });
    assert.deepEqual((await loader.batch(0)).target?.fileNames, ["d", "d"]);
    const { dataSets } = loader;
    assert.deepEqual(dataSets.source.names, ["a", "b"]);
    assert.equal(dataSets.target?.names.length, 1);
    await loader.close();
  });
});

Deno.test("unlabeled images that all have labels are noticed", async () => {
  const scenes = async (unlabeled: number) => {
    const source = { ...SPEC.source, images: 3 } as LoaderSpec["source"];
    const target = { ...source, images: unlabeled } as LoaderSpec["source"];
    const loader = await openLoader({ ...SPEC, source, target });
    await loader.close();
    return loader.notes;
  };
  assert.deepEqual(await scenes(4), []);
  assert.match((await scenes(2)).join(), /^every one of the 2 unlabeled images is/);

  await withFiles(tinyFiles(["a", "b", "c"]), async (root) => {
    const notes = async (...include: string[]) => {
      const source = tinySpec(root, { include: ["a", "b"] });
      const target = tinySpec(root, { include });
      const loader = await openLoader({ ...SPEC, source, target });
      await loader.close();
      return loader.notes;
    };
    assert.equal((await notes("a", "b")).length, 1);
    assert.deepEqual(await notes("a", "c"), []);
  });
});

Deno.test("rare classes decide which source images come", async () => {
  // Only "rare" holds class 2.
  const files = { ...tinyFiles(["a", "b"]), ...tinyFiles(["rare"]) };
  for (const stem of ["a", "b"]) {
    files[`labels/train/${stem}.png`] = tinyLabel((i) => i % 2);
  }
  files["labels/train/rare.png"] = tinyLabel((i) => i < 8 ? 2 : 0);
  await withFiles(files, async (root) => {
    const spec: LoaderSpec = {
      ...SPEC,
      source: tinySpec(root),
      target: null,
      rareClassSampling: { classTemperature: 0.01, minPixels: 4, minCropRatio: 0.5 },
      cacheFolder: join(root, "cache"),
    };
    for (const numWorkers of [0, 1]) {
      const loader = await openLoader({ ...spec, numWorkers });
      for (let i = 0; i < 5; i++) {
        assert.deepEqual((await loader.batch(i)).source.fileNames, ["rare", "rare"]);
      }
      await loader.close();
    }
  });
});

Deno.test("a worker's error is the error of its batch, and others are unharmed", async () => {
  const files = { ...tinyFiles(["a"]), "labels/train/a.png": tinyLabel(() => 9) };
  await withFiles(files, async (root) => {
    const spec = { ...SPEC, source: tinySpec(root), target: null };
    const messages: string[] = [];
    for (const numWorkers of [0, 1]) {
      const loader = await openLoader({ ...spec, numWorkers });
      await assert.rejects(loader.batch(0), (error) => {
        assert.ok(error instanceof RangeError);
        messages.push(error.message);
        return true;
      });
      await assert.rejects(loader.batch(1), RangeError);
      await loader.close();
    }
    assert.match(messages[0] ?? "", /a\.png": it holds the value 9 /);
    assert.equal(messages[1], messages[0]);
  });
});

Deno.test("close() ends a loader amid its work, and twice is as good as once", async () => {
  const loader = await openLoader({ ...SPEC, numWorkers: 2 });
  const asked = [loader.batch(0), loader.batch(0, 1), loader.batch(7)];
  const outcomes = Promise.allSettled(asked);
  await loader.close();
  await loader.close();
  for (const outcome of await outcomes) {
    assert.equal(outcome.status, "rejected");
    assert.match(String(outcome.reason), /Cannot make a batch: the loader was closed/);
  }
  await assert.rejects(loader.batch(1), /the loader was closed/);
});

Deno.test("openLoader() prepares nothing beyond the last iteration", async () => {
  const requests: string[] = [];
  const OriginalWorker = globalThis.Worker;
  class WatchedWorker extends OriginalWorker {
    override postMessage(message: unknown) {
      const { request = null } = message as {
        request?: { iteration: number; futureIndex: number };
      };
      if (request) requests.push(`${request.iteration}/${request.futureIndex}`);
      super.postMessage(message);
    }
  }
  globalThis.Worker = WatchedWorker;
  try {
    for (const [iterations, start] of [[1, 0], [4, 0], [4, 3]] as const) {
      for (const numWorkers of [1, 2]) {
        requests.length = 0;
        const loader = await openLoader({ ...SPEC, iterations, numWorkers });
        for (let t = start; t < iterations; t++) {
          for (let i = 0; i < 3; i++) await loader.batch(t, i);
        }
        await loader.close();
        const expected = Array.from(
          { length: 3 * (iterations - start) },
          (_, n) => `${start + Math.floor(n / 3)}/${n % 3}`,
        );
        assert.deepEqual(requests.toSorted(), expected);
      }
    }
  } finally {
    globalThis.Worker = OriginalWorker;
  }
});

Deno.test("close() cancels batches in progress instead of waiting for them", async () => {
  const size = { height: 512, width: 1024 };
  const spec: LoaderSpec = {
    ...SPEC,
    source: { ...SPEC.source, size } as LoaderSpec["source"],
    target: null,
    batchSize: 6,
    cropSize: { height: 400, width: 800 },
  };
  for (const numWorkers of [0, 1]) {
    const loader = await openLoader({ ...spec, numWorkers });
    const startTime = performance.now();
    await loader.batch(0);
    const batchTime = performance.now() - startTime;
    const next = loader.batch(50); // six scenes, and with a worker eight more batches
    const outcome = assert.rejects(next, /Cannot make a batch: the loader was closed/);
    const closeStart = performance.now();
    await loader.close();
    await outcome;
    const closeTime = performance.now() - closeStart;
    assert.ok(closeTime < batchTime, `${closeTime} ms of ${batchTime} ms`);
  }
});

Deno.test("a program that closes its loader ends", async () => {
  await withFiles(tinyFiles(["a", "b"]), async (root) => {
    const spec = { ...SPEC, source: tinySpec(root), target: null, numWorkers: 2 };
    await assertEnds(
      root,
      `const loader = await openLoader(${JSON.stringify(spec)});
      await loader.batch(0);
      loader.batch(5).catch(() => {});
      await loader.close();
      console.log("closed");`,
    );
  });
});

Deno.test("a loader may be closed when one file failed while others were read", async () => {
  const [width, height] = [1200, 900];
  const files = {
    ...tinyFiles(["a", "b"]),
    "labels/train/a.png": tinyLabel(() => 9),
    "images/train/b.png": tinyImage(1, width, height),
    "labels/train/b.png": tinyLabel(() => 1, width, height),
  };
  await withFiles(files, async (root) => {
    const part = tinySpec(root);
    const parts = { source: part, target: part, batchSize: 3 };
    const spec = { ...SPEC, ...parts, cropSize: { height: 4, width: 4 }, numWorkers: 2 };
    await assertEnds(
      root,
      `for (let i = 0; i < 8; i++) {
        const loader = await openLoader(${JSON.stringify(spec)});
        await loader.batch(i).catch(() => {});
        await loader.close();
      }
      console.log("closed");`,
    );
  });
});

// Runs a program that opens loaders and says "closed", with what "deno task train" grants.
async function assertEnds(folder: string, program: string): Promise<void> {
  const loader = new URL("../../src/data/loader.ts", import.meta.url).href;
  const file = join(folder, "program.ts");
  await Deno.writeTextFile(
    file,
    `import { openLoader } from ${JSON.stringify(loader)};\n${program}`,
  );
  const rights = ["read", "write", "ffi", "env", "sys"].map((one) => `--allow-${one}`);
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-check", ...rights, file],
    signal: AbortSignal.timeout(30_000),
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  assert.equal(text(stderr), "");
  assert.equal(text(stdout), "closed\n");
  assert.equal(code, 0);
}

Deno.test("openLoader() refuses what cannot be loaded", async () => {
  const bad: readonly [Partial<LoaderSpec>, RegExp][] = [
    [{ batchSize: 0 }, /"batchSize" must be an integer of at least 1: received 0/],
    [{ iterations: 0 }, /"iterations" must be an integer of at least 1: received 0/],
    [{ numWorkers: -1 }, /"numWorkers" must be an integer of at least 0: received -1/],
    [{ cropSize: { height: 0, width: 4 } }, /"cropSize.height" must be/],
    [{ flipProbability: 2 }, /"flipProbability" must be in 0 … 1: received 2/],
  ];
  for (const [change, message] of bad) {
    await assert.rejects(openLoader({ ...SPEC, ...change }), message);
  }
  await withFiles(tinyFiles(["a"]), async (root) => {
    await assert.rejects(
      openLoader({ ...SPEC, source: tinySpec(root) }),
      /source and target must have the same classes: ".*" has road, sky, car, "embedded/,
    );
  });
});

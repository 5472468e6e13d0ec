// Archives stay packed: what is in them is found once and read where it lies.
import assert from "node:assert/strict";
import { join } from "node:path";
import { openSource } from "../../../src/data/source/open_source.ts";
import { tarOf, zipOf } from "../archives.ts";
import { complaint } from "../../support/error_text.ts";
import { withFiles } from "../tiny_folder.ts";

const bytes = (length: number, seed: number) =>
  Uint8Array.from({ length }, (_, i) => (i * i + seed * 7) % 256);

// The name fits into a header, the path does not.
const LONG = `deep/${"y".repeat(60)}/${"x".repeat(80)}.png`;

const FILES = {
  "./a/one.png": bytes(1000, 1),
  "a/b/two.png": bytes(513, 2),
  [LONG]: bytes(10, 3),
  "empty.txt": new Uint8Array(),
};

const KINDS = {
  "stored.zip": zipOf(FILES, { deflate: false }),
  "deflated.zip": zipOf(FILES),
  "wide.zip": zipOf(FILES, { zip64: true }),
  "gnu.tar": tarOf(FILES, "gnu"),
  "pax.tar": tarOf(FILES, "pax"),
  "posix.tar": tarOf(FILES, "prefix"),
};

Deno.test("zip, zip64, GNU tar, pax and POSIX list and give the same files", async () => {
  await withFiles(KINDS, async (folder) => {
    for (const kind of Object.keys(KINDS)) {
      const root = join(folder, kind);
      const { source, isArchive } = await openSource({ root });
      assert.equal(isArchive, true);
      assert.deepEqual(
        [...await source.list("") ?? []].sort(),
        ["a/b/two.png", "a/one.png", LONG, "empty.txt"].sort(),
        kind,
      );
      assert.deepEqual(await source.list("a"), ["b/two.png", "one.png"]);
      assert.deepEqual(await source.listChildren("a"), ["b", "one.png"]);
      assert.deepEqual([await source.list("b"), await source.listChildren("b")], [
        null,
        null,
      ]);
      assert.equal(await source.findFirst(["b", "a/b", "a"]), "a/b");
      assert.deepEqual(await source.read("a/one.png"), FILES["./a/one.png"]);
      assert.deepEqual(await source.read("a/b/two.png"), FILES["a/b/two.png"]);
      assert.deepEqual(await source.read(LONG), FILES[LONG]);
      assert.equal((await source.read("empty.txt")).length, 0);
      assert.equal(
        await complaint(folder, source.read("a/three.png")),
        `Error: Cannot read "ROOT/${kind}/a/three.png": there is no such file`,
      );
    }
  });
});

Deno.test("an index is kept in the cache folder, and made anew for a changed archive", async () => {
  await withFiles({ "x.tar": tarOf(FILES), "z.zip": zipOf(FILES) }, async (folder) => {
    const cacheFolder = join(folder, "cache");
    for (const name of ["x.tar", "z.zip"]) {
      await openSource({ root: join(folder, name), cacheFolder });
    }
    const kept = (await Array.fromAsync(Deno.readDir(cacheFolder))).map(({ name }) =>
      name
    );
    assert.equal(kept.length, 2);
    assert.ok(kept.every((name) => /^archive_index_[0-9a-f]{16}\.json$/.test(name)));
    // A worker is a process of its own for this: it finds the index there.
    const url = new URL("../../../src/data/source/archive_source.ts", import.meta.url);
    const fresh = await import(`${url.href}?fresh`);
    const { openDiskFile } = await import("../../../src/io/ranged_file.ts");
    const index = await fresh.loadArchiveIndex(
      await openDiskFile(join(folder, "x.tar")),
      cacheFolder,
      () => assert.fail("it was there"),
    );
    assert.equal(index.size, 4);

    await Deno.writeFile(join(folder, "x.tar"), tarOf({ "new.png": bytes(700, 4) }));
    const { source } = await openSource({ root: join(folder, "x.tar"), cacheFolder });
    assert.deepEqual(await source.list(""), ["new.png"]);
  });
});

const damagedZip = (change: (zip: Uint8Array) => Uint8Array) => change(zipOf(FILES));

Deno.test("a damaged archive is named in one sentence", async () => {
  const tar = tarOf(FILES);
  const flipped = tar.slice();
  flipped[3] = 65;
  const files = {
    "half.zip": damagedZip((zip) => zip.subarray(0, zip.length / 2)),
    "none.zip": new Uint8Array(),
    "half.tar": tar.subarray(0, 900),
    "endless.tar": tar.subarray(0, tar.length - 1024),
    "flipped.tar": flipped,
    "gzip.tar": Uint8Array.from({ length: 2048 }, (_, i) => [0x1f, 0x8b][i] ?? 7),
    "locked.zip": zipOf(FILES, { encrypted: true }),
    "climbs.zip": zipOf({ "../x.png": bytes(3, 1) }),
    "climbs.tar": tarOf({ "a/../../x.png": bytes(3, 1) }),
    "rooted.tar": tarOf({ "/etc/x.png": bytes(3, 1) }),
  };
  const said: Record<string, string> = {};
  await withFiles(files, async (folder) => {
    for (const name of Object.keys(files)) {
      said[name] = await complaint(folder, openSource({ root: join(folder, name) }));
    }
  });
  const again = "is it complete? copy or download it again";
  assert.deepEqual(said, {
    "half.zip": 'SyntaxError: Cannot read the archive "ROOT/half.zip": End of central ' +
      `directory not found: ${again}`,
    "none.zip": 'SyntaxError: Cannot read the archive "ROOT/none.zip": File format is ' +
      `not recognized: ${again}`,
    "half.tar": 'SyntaxError: Cannot read the archive "ROOT/half.tar": it is cut short ' +
      `in "./a/one.png": ${again}`,
    "endless.tar": 'SyntaxError: Cannot read the archive "ROOT/endless.tar": it is cut ' +
      `short: ${again}`,
    "flipped.tar": 'SyntaxError: Cannot read the archive "ROOT/flipped.tar": a header ' +
      `is damaged: ${again}`,
    "gzip.tar":
      'SyntaxError: Cannot read the archive "ROOT/gzip.tar": it is compressed ' +
      "as a whole, so that no file in it can be found without unpacking it entirely: decompress it first (gunzip)",
    "locked.zip":
      'SyntaxError: Cannot read the archive "ROOT/locked.zip": its files are ' +
      "encrypted: unpack it with its password and name the folder instead",
    "climbs.zip": 'SyntaxError: Cannot use the archive "ROOT/climbs.zip": its member ' +
      '"../x.png" leads out of its folder: do not trust this archive',
    "climbs.tar": 'SyntaxError: Cannot use the archive "ROOT/climbs.tar": its member ' +
      '"a/../../x.png" leads out of its folder: do not trust this archive',
    "rooted.tar": 'SyntaxError: Cannot use the archive "ROOT/rooted.tar": its member ' +
      '"/etc/x.png" leads out of its folder: do not trust this archive',
  });
});

Deno.test("a damaged file in a zip is named with its archive", async () => {
  const stored = zipOf({ "a.png": bytes(100, 1) }, { deflate: false });
  stored[60] = (stored[60] ?? 0) ^ 1;
  const deflated = zipOf({ "a.png": bytes(5000, 1) });
  deflated.fill(255, 60, 90);
  await withFiles({ "s.zip": stored, "d.zip": deflated }, async (folder) => {
    for (const name of ["s.zip", "d.zip"]) {
      const { source } = await openSource({ root: join(folder, name) });
      assert.match(
        await complaint(folder, source.read("a.png")),
        /^SyntaxError: Cannot read the archive "ROOT\/[sd]\.zip": its file "a\.png" is damaged/,
      );
    }
  });
});

Deno.test("a folder gives what is unpacked, and what is not from its archives", async () => {
  const files = {
    "images/a.png": bytes(5, 1),
    "images.zip": zipOf({ "images/a.png": bytes(9, 2), "images/b.png": bytes(9, 2) }),
    "labels.tar": tarOf({ "labels/a.png": bytes(7, 3), "README": bytes(1, 1) }),
    "more.zip": zipOf({ "labels/b.png": bytes(8, 3), "README": bytes(1, 2) }),
  };
  await withFiles(files, async (root) => {
    const { source } = await openSource({ root });
    assert.deepEqual(await source.list("images"), ["a.png"]);
    assert.equal((await source.read("images/a.png")).length, 5);
    assert.deepEqual([...await source.list("labels") ?? []].sort(), ["a.png", "b.png"]);
    assert.equal((await source.read("labels/a.png")).length, 7);
    assert.equal((await source.read("labels/b.png")).length, 8);
    assert.match(source.displayPath("labels/b.png"), /more\.zip\/labels\/b\.png$/);
  });
});

Deno.test("an archive that is not needed is not opened", async () => {
  const files = { "images/a.png": bytes(5, 1), "other.zip": bytes(99, 1) };
  await withFiles(files, async (root) => {
    const { source } = await openSource({ root });
    assert.deepEqual(await source.list("images"), ["a.png"]);
    assert.match(await complaint(root, source.list("labels")), /"ROOT\/other\.zip"/);
  });
});

Deno.test("two archives with one image are both named", async () => {
  const files = {
    "0.tar": tarOf({ "a.png": bytes(5, 1) }),
    "1.tar": tarOf({ "a.png": bytes(5, 2) }),
  };
  await withFiles(files, async (root) => {
    assert.match(
      await complaint(root, openSource({ root: `${root}/{0..1}.tar` })),
      /"ROOT\/0\.tar" and "ROOT\/1\.tar" both hold "a\.png": names must differ/,
    );
  });
});

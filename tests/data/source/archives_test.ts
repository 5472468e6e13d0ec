// Archives stay packed: what is in them is found once and read where it lies.
import assert from "node:assert/strict";
import { join } from "node:path";
import { openSource } from "../../../src/data/source/open_source.ts";
import type { FileSource } from "../../../src/data/source/file_source.ts";
import { tarOf, tarOfMembers, zipOf } from "../archives.ts";
import { complaint } from "../../support/error_text.ts";
import { withFiles } from "../tiny_folder.ts";

const bytes = (length: number, seed: number) =>
  Uint8Array.from({ length }, (_, i) => (i * i + seed * 7) % 256);

/** What is to be known of a folder, with a temporary one as ROOT. */
const remarksOf = (root: string, source: FileSource, folder: string) =>
  source.remarks(folder).map(({ message, isProblem }) =>
    `${isProblem ? "problem: " : ""}${message.replaceAll(root, "ROOT")}`
  );

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
    assert.equal(index.members.size, 4);

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
  const headless = tarOf({ [`${"d/".repeat(60)}x.png`]: bytes(3, 1) });
  headless.fill(0, 1024, 1536); // after the long name's header and its bytes
  const files = {
    "half.zip": damagedZip((zip) => zip.subarray(0, zip.length / 2)),
    "none.zip": new Uint8Array(),
    "half.tar": tar.subarray(0, 900),
    "endless.tar": tar.subarray(0, tar.length - 1024),
    "flipped.tar": flipped,
    "headless.tar": headless,
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
    "half.zip": 'SyntaxError: Cannot read the archive "ROOT/half.zip": its end is ' +
      `missing: ${again}`,
    "none.zip": 'SyntaxError: Cannot read the archive "ROOT/none.zip": it is no zip ' +
      `archive: ${again}`,
    "half.tar": 'SyntaxError: Cannot read the archive "ROOT/half.tar": it is cut short ' +
      `in "./a/one.png": ${again}`,
    "endless.tar": 'SyntaxError: Cannot read the archive "ROOT/endless.tar": it is cut ' +
      `short: ${again}`,
    "flipped.tar": 'SyntaxError: Cannot read the archive "ROOT/flipped.tar": a header ' +
      `is damaged: ${again}`,
    "headless.tar": 'SyntaxError: Cannot read the archive "ROOT/headless.tar": a ' +
      `member lacks its header: ${again}`,
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
    "images/c.png": bytes(9, 4),
    "images.zip": zipOf({
      "images/a.png": bytes(9, 2),
      "images/b.png": bytes(9, 2),
      "images/c.png": bytes(9, 4),
    }),
    "labels.tar": tarOf({ "labels/a.png": bytes(7, 3), "README": bytes(1, 1) }),
    "more.zip": zipOf({ "labels/b.png": bytes(8, 3), "README": bytes(1, 2) }),
  };
  await withFiles(files, async (root) => {
    const { source } = await openSource({ root });
    assert.deepEqual([...await source.list("images") ?? []].sort(), [
      "a.png",
      "b.png",
      "c.png",
    ]);
    assert.equal((await source.read("images/a.png")).length, 5);
    assert.deepEqual(await source.read("images/b.png"), bytes(9, 2));
    assert.equal(source.unpackedRoot?.(), null);
    assert.deepEqual(remarksOf(root, source, "images"), [
      '1 files of "ROOT/images" are not unpacked and are read from archives (first: ' +
      '"ROOT/images.zip/images/b.png")',
      'problem: 1 files of "ROOT/images" are not those of the archives in "ROOT" ' +
      '("a.png"): the unpacked ones are used; move away what is out of date',
    ]);
    assert.deepEqual([...await source.list("labels") ?? []].sort(), ["a.png", "b.png"]);
    assert.equal((await source.read("labels/a.png")).length, 7);
    assert.equal((await source.read("labels/b.png")).length, 8);
    assert.match(source.displayPath("labels/b.png"), /more\.zip\/labels\/b\.png$/);
  });
});

Deno.test("an archive that cannot be read is a remark where the folder is unpacked", async () => {
  const files = { "images/a.png": bytes(5, 1), "other.zip": bytes(99, 1) };
  await withFiles(files, async (root) => {
    const { source } = await openSource({ root });
    assert.deepEqual(await source.list("images"), ["a.png"]);
    assert.equal(source.unpackedRoot?.(), root);
    assert.match(
      remarksOf(root, source, "images").join(),
      /^problem: Cannot read the archive "ROOT\/other\.zip": [^,]*$/,
    );
    assert.match(await complaint(root, source.list("labels")), /"ROOT\/other\.zip"/);
  });
});

Deno.test("two archives with one image are both named", async () => {
  const files = {
    "0.tar": tarOf({ "a.png": bytes(5, 1) }),
    "1.tar": tarOf({ "a.png": bytes(5, 2) }),
    "2.tar": tarOf({ "a.png": bytes(5, 1), "b.png": bytes(6, 1) }),
    "3.zip": zipOf({ "b.png": bytes(6, 1) }),
  };
  await withFiles(files, async (root) => {
    assert.match(
      await complaint(root, openSource({ root: `${root}/{0..1}.tar` })),
      /"ROOT\/0\.tar" and "ROOT\/1\.tar" both hold "a\.png", and not the same: names/,
    );
    await Deno.remove(join(root, "1.tar"));
    await Deno.mkdir(join(root, "sub"));
    const { source } = await openSource({ root });
    assert.deepEqual(await source.listChildren("sub"), []);
    assert.deepEqual(await source.read("3.zip"), files["3.zip"]);
  });
});

Deno.test("tar: links are followed as after unpacking, and those that lead nowhere named", async () => {
  const picture = { type: "0", content: bytes(20, 1) };
  const long = `${"z".repeat(120)}/one.png`;
  const tar = tarOfMembers([
    { path: "./images/a.png", ...picture },
    { path: "images/b.png", type: "1", link: "images/a.png" },
    { path: "images/c.png", type: "1", link: "./images/b.png" },
    { path: "images/early.png", type: "1", link: "images/late.png" },
    { path: "images/late.png", type: "1", link: "images/z.png" },
    { path: "images/z.png", type: "0", content: bytes(30, 2) },
    { path: "images/soft.png", type: "2", link: "./a.png" },
    { path: "images/chain.png", type: "2", link: "../images/soft.png" },
    { path: "images/more", type: "2", link: "../store/more" },
    { path: "images/up", type: "2", link: ".." },
    { path: "images/long.png", type: "1", link: long },
    { path: "images/pax.png", type: "2", pax: { linkpath: "z.png" } },
    { path: "store/more/d.png", ...picture },
    { path: "store/more/back", type: "2", link: "../../images" },
    { path: "images/out.png", type: "2", link: "../../secret.png" },
    { path: "images/root.png", type: "2", link: "/etc/secret.png" },
    { path: "images/circle.png", type: "2", link: "circle2.png" },
    { path: "images/circle2.png", type: "2", link: "circle.png" },
    { path: "images/gone.png", type: "1", link: "nowhere.png" },
    { path: "images/climbs.png", type: "1", link: "../x.png" },
    { path: "images/pipe.png", type: "6" },
    { path: "long", type: "0", content: bytes(1, 1), pax: { path: long } },
  ]);
  const expectedBroken = {
    "circle.png": 'is a symbolic link to "circle2.png", which leads in a circle',
    "circle2.png": 'is a symbolic link to "circle.png", which leads in a circle',
    "climbs.png": 'is a hard link to "../x.png", which is not in the archive',
    "gone.png": 'is a hard link to "nowhere.png", which is not in the archive',
    "out.png": 'is a symbolic link to "../../secret.png", which is not in the archive',
    "pipe.png": "is a device, a pipe or a part of a file of another volume",
    "root.png": 'is a symbolic link to "/etc/secret.png", which is not in the archive',
  };
  await withFiles({ "x.tar": tar }, async (folder) => {
    const cacheFolder = join(folder, "cache");
    const { source } = await openSource({ root: join(folder, "x.tar"), cacheFolder });
    assert.deepEqual(await source.listChildren("images"), [
      ..."a b c chain early late long".split(" ").map((name) => `${name}.png`),
      "more",
      "pax.png",
      "soft.png",
      "z.png",
    ]);
    assert.deepEqual(await source.list("images/more"), ["d.png"]);
    for (const name of ["b", "c", "soft", "chain", "more/d"]) {
      assert.deepEqual(await source.read(`images/${name}.png`), bytes(20, 1), name);
    }
    for (const name of ["early", "late", "pax"]) {
      assert.deepEqual(await source.read(`images/${name}.png`), bytes(30, 2), name);
    }
    assert.deepEqual(await source.read("images/long.png"), bytes(1, 1));
    const expected = Object.entries(expectedBroken).map(([name, reason]) =>
      `problem: "ROOT/x.tar/images/${name}" ${reason}`
    );
    assert.deepEqual(remarksOf(folder, source, "images").sort(), expected);
    assert.deepEqual(remarksOf(folder, source, "long"), []);
  });
});

Deno.test("tar: hard links to later members are followed however many there are", async () => {
  const count = 10_000;
  const links = Array.from({ length: count }, (_, i) => ({
    path: `${i}.png`,
    type: "1",
    link: `${i + 1}.png`,
  }));
  const image = { path: `${count}.png`, type: "0", content: bytes(20, 1) };
  await withFiles({ "x.tar": tarOfMembers([...links, image]) }, async (folder) => {
    const { source } = await openSource({ root: join(folder, "x.tar") });
    assert.equal((await source.list(""))?.length, count + 1);
    assert.deepEqual(await source.read("0.png"), bytes(20, 1));
  });
});

Deno.test("tar: links that lead to too many places are refused, and deep folders named", async () => {
  const link = (path: string, link: string) => ({ path, type: "2", link });
  const folders = Array.from({ length: 30 }, (_, i) => i);
  const files = {
    // Each folder shows the next one twice, and the last one nothing.
    "visits.tar": tarOfMembers([
      ...folders.flatMap((
        i,
      ) => [link(`${i}/a`, `../${i + 1}`), link(`${i}/b`, `../${i + 1}`)]),
      link("30/up", ".."),
    ]),
    // Each link goes through the next one twice.
    "targets.tar": tarOfMembers([
      ...folders.map((i) => link(`s/${i}`, `${i + 1}/../${i + 1}`)),
      { path: "s/30/a.png", type: "0" },
    ]),
    "deep.tar": tarOfMembers([
      { path: "a.png", type: "0" },
      { path: "b.png", type: "0", pax: { path: `${"d/".repeat(101)}b.png` } },
    ]),
  };
  await withFiles(files, async (root) => {
    for (const name of ["visits.tar", "targets.tar"]) {
      assert.match(
        await complaint(root, openSource({ root: join(root, name) })),
        /"ROOT\/\w+\.tar": its symbolic links lead to more than 5000000 places: do not/,
      );
    }
    const { source } = await openSource({ root: join(root, "deep.tar") });
    assert.deepEqual(await source.list(""), ["a.png"]);
    assert.match(
      remarksOf(root, source, "").join(),
      /" lies more than 100 folders deep$/,
    );
  });
});

Deno.test("tar: a sparse file is refused by name", async () => {
  const files = {
    "old.tar": tarOfMembers([{ path: "a/hole.png", type: "S" }]),
    "pax.tar": tarOfMembers([{
      path: "GNUSparseFile.1/hole.png",
      type: "0",
      pax: { "GNU.sparse.major": "1", "GNU.sparse.name": "a/hole.png" },
    }]),
  };
  await withFiles(files, async (folder) => {
    for (const name of Object.keys(files)) {
      assert.equal(
        await complaint(folder, openSource({ root: join(folder, name) })),
        `SyntaxError: Cannot read the archive "ROOT/${name}": its member "a/hole.png" is ` +
          "stored without its holes (sparse): unpack it and name the folder, or pack it " +
          "without -S",
      );
    }
  });
});

Deno.test("tar: names that are no UTF-8 stay different", async () => {
  const tar = tarOfMembers(["\u00e8", "\u00e9"].map((letter, i) => ({
    path: `${letter}.png`,
    type: "0",
    content: bytes(4, i),
  })));
  // From two bytes of UTF-8 to one of Latin-1, and the sum of the header with them.
  for (const at of [0, 1024]) {
    const name = tar.subarray(at, at + 100);
    const before = name.reduce((sum, byte) => sum + byte, 0);
    const letter = at === 0 ? 0xe8 : 0xe9;
    name.set([letter, ...".png\0".split("").map((one) => one.charCodeAt(0))]);
    const change = name.reduce((sum, byte) => sum + byte, 0) - before;
    const field = tar.subarray(at + 148, at + 154);
    const sum = parseInt(new TextDecoder().decode(field), 8) + change;
    field.set(new TextEncoder().encode(sum.toString(8).padStart(6, "0")));
  }
  await withFiles({ "x.tar": tar }, async (folder) => {
    const { source } = await openSource({ root: join(folder, "x.tar") });
    assert.deepEqual(await source.list(""), ["\u00e8.png", "\u00e9.png"]);
    assert.deepEqual(await source.read("\u00e9.png"), bytes(4, 1));
  });
});

Deno.test("tar: a path is whole whatever the version of its header", async () => {
  const path = `${"d/".repeat(60)}x.png`;
  const tar = tarOf({ [path]: bytes(3, 1) }, "prefix");
  tar.set([0x31, 0x2f], 263); // "00" with the same checksum
  await withFiles({ "x.tar": tar }, async (folder) => {
    const { source } = await openSource({ root: join(folder, "x.tar") });
    assert.deepEqual(await source.list(""), [path]);
  });
});

Deno.test("zip: links, backslashes and old encodings of names", async () => {
  const files = {
    "links.zip": zipOf({
      "images/a.png": bytes(5, 1),
      "images/b.png": new TextEncoder().encode("a.png"),
      "images/more": new TextEncoder().encode("../store"),
      "images/out.png": new TextEncoder().encode("../../x.png"),
      "store/c.png": bytes(6, 1),
    }, { links: ["images/b.png", "images/more", "images/out.png"] }),
    "windows.zip": zipOf({
      "images\\": new Uint8Array(),
      "images\\train\\a.png": bytes(7, 1),
    }),
    // What Windows wrote before there was a flag for UTF-8; and what macOS writes.
    "cp437.zip": zipOf({ "x.png": bytes(8, 1) }, {
      encodeName: () => Uint8Array.of(0x84, 0x2e, 0x70, 0x6e, 0x67),
    }),
    "unflagged.zip": zipOf({ "\u00e4.png": bytes(9, 1) }, {
      encodeName: (name) => new TextEncoder().encode(name),
    }),
    "climbs.zip": zipOf({ "..\\x.png": bytes(3, 1) }),
  };
  await withFiles(files, async (folder) => {
    const open = async (name: string) =>
      (await openSource({ root: join(folder, name) })).source;
    const links = await open("links.zip");
    assert.deepEqual(await links.list("images"), ["a.png", "b.png", "more/c.png"]);
    assert.deepEqual(await links.read("images/b.png"), bytes(5, 1));
    assert.deepEqual(await links.read("images/more/c.png"), bytes(6, 1));
    assert.deepEqual(remarksOf(folder, links, ""), [
      'problem: "ROOT/links.zip/images/out.png" is a symbolic link to "../../x.png", ' +
      "which is not in the archive",
    ]);
    const windows = await open("windows.zip");
    assert.deepEqual(await windows.list("images"), ["train/a.png"]);
    assert.deepEqual(await windows.read("images/train/a.png"), bytes(7, 1));
    assert.deepEqual(await (await open("cp437.zip")).list(""), ["\u00e4.png"]);
    assert.deepEqual(await (await open("unflagged.zip")).list(""), ["\u00e4.png"]);
    assert.match(await complaint(folder, open("climbs.zip")), /leads out of its folder/);
  });
});

Deno.test("a link that was copied as a text is named", async () => {
  const text = (content: string) => new TextEncoder().encode(content);
  const files = {
    "images/a.png": bytes(5, 1),
    "images/south": text("../../store/south\n"),
    "images/README": text("Images of the south"),
  };
  await withFiles(files, async (folder) => {
    const { source } = await openSource({ root: folder });
    await source.list("images");
    assert.deepEqual(remarksOf(folder, source, "images"), [
      'problem: "ROOT/images/south" is a text, "../../store/south", as copies of symbolic ' +
      "links are: link it again",
    ]);
  });
});

Deno.test("a folder is listed as find -L lists it", async () => {
  const files = { "root/images/a.png": bytes(5, 1), "store/deep/b.png": bytes(6, 1) };
  await withFiles(files, async (folder) => {
    const link = (target: string, path: string) =>
      Deno.symlink(target, join(folder, "root/images", path));
    await link("../../store", "more");
    await link("a.png", "c.png");
    await link(".", "self");
    await link("../../root", "up");
    await Deno.symlink("../root/images", join(folder, "store/back"));
    await link("nowhere", "gone");
    await link("circle.png", "circle.png");
    await Deno.symlink(join(folder, "root"), join(folder, "linked"));
    for (const root of ["root", "linked"]) {
      const { source } = await openSource({ root: join(folder, root) });
      assert.deepEqual([...await source.list("images") ?? []].sort(), [
        "a.png",
        "c.png",
        "more/deep/b.png",
      ]);
      assert.deepEqual(await source.read("images/more/deep/b.png"), bytes(6, 1));
      assert.deepEqual(remarksOf(join(folder, root), source, "images").sort(), [
        'problem: "ROOT/images/circle.png" is a symbolic link that leads in a circle',
        'problem: "ROOT/images/gone" is a symbolic link to "nowhere", which is not there',
      ]);
      assert.equal(await source.size("images/c.png"), 5);
    }
  });
});

// What makes a data set the same one, where it has more images than are looked into.
import assert from "node:assert/strict";
import { filesIdentity } from "../../src/data/data_identity.ts";
import type { FileSource } from "../../src/data/source/file_source.ts";

const SAMPLES = Array.from({ length: 5000 }, (_, i) => ({
  name: `${i}`,
  image: `${i}.jpg`,
  label: null,
}));

/** Files of one size, with the checksums or the ends that are given. */
const sourceOf = (files: Pick<FileSource, "knownCrc32" | "readEnd">) =>
  ({ size: () => Promise.resolve(1), ...files }) as unknown as FileSource;

Deno.test("filesIdentity() notices each file that changes in a zip", async () => {
  const contents = async (changed: string) => {
    const source = sourceOf({
      knownCrc32: (path) => path === changed ? 2 : 1,
      readEnd: () => assert.fail("nothing is to be read"),
    });
    return (await filesIdentity(source, SAMPLES)).contents;
  };
  const before = await contents("");
  for (const changed of ["0.jpg", "1.jpg", "2.jpg", "4999.jpg"]) {
    assert.notEqual(await contents(changed), before, changed);
  }
});

Deno.test("filesIdentity() reads the ends of some files, all over the set", async () => {
  const read: number[] = [];
  const source = sourceOf({
    knownCrc32: () => null,
    readEnd(path) {
      read.push(parseInt(path));
      return Promise.resolve(new Uint8Array(1));
    },
  });
  await filesIdentity(source, SAMPLES);
  assert.equal(read.length, 2048);
  assert.equal(new Set(read.map((i) => Math.floor(i / 3))).size > 1600, true);
});

// Good files with bytes changed, cut out or repeated: each is read or refused, soon and
// within memory. More mutations: `FST_FUZZ=20000 deno test -A tests/weights/torch_fuzz_test.ts`.
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readTorchFile } from "../../src/weights/torch_file.ts";
import { concatBytes } from "../../src/core/host_tensor.ts";
import { storedZipChunks } from "../../src/formats/stored_zip.ts";
import { locateEntryData, readZipEntries } from "../../src/formats/zip.ts";

const GOLDEN = fileURLToPath(new URL("../golden/checkpoints/", import.meta.url));
const FILES = [
  "zip_plain.pth",
  "legacy_plain.pth",
  "zip_with_optimizer.pth",
  "legacy_model_prefix.pth",
  "legacy_state_dict_metadata.pth",
];
const MUTATIONS = Number(Deno.env.get("FST_FUZZ") ?? 2000);
const SLOWEST_MS = 10_000; // other tests run beside this one
const MOST_GROWTH_BYTES = 50e6; // for files of at most 10 kB

/** Bytes of this thread alone. */
function memory(): number {
  const { heapUsed, external } = Deno.memoryUsage();
  return heapUsed + external;
}

/** Whole numbers below a bound, the same ones every time (mulberry32). */
function randomFrom(seed: number): (bound: number) => number {
  let state = seed;
  return (bound) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor(((t ^ (t >>> 14)) >>> 0) / 4294967296 * bound);
  };
}

const EDGES = [0, 1, 0x7f, 0x80, 0xff, 0x28, 0x2e, 0x52, 0x74, 0x7d, 0x8b, 0x58];

function mutated(bytes: Uint8Array, random: (bound: number) => number): Uint8Array {
  const copy = bytes.slice();
  const kind = random(10);
  const at = random(copy.length);
  if (kind === 0) return copy.subarray(0, at);
  if (kind === 1) return copy.copyWithin(at, random(copy.length));
  if (kind === 2) return copy.fill(0xff, at, at + 1 + random(8));
  for (let i = 0; i <= random(4); i++) {
    const position = random(2) === 0 ? random(copy.length) : (at + i) % copy.length;
    copy[position] = random(2) === 0 ? random(256) : EDGES[random(EDGES.length)] ?? 0;
  }
  return copy;
}

type Entries = { name: string; bytes: Uint8Array }[];

async function entriesOf(path: string): Promise<Entries> {
  const file = await Deno.readFile(path);
  const read = (offset: number, length: number) =>
    Promise.resolve(file.subarray(offset, offset + length));
  const entries: Entries = [];
  for await (const entry of readZipEntries(read, file.length)) {
    const start = await locateEntryData(read, entry, file.length, assert.fail);
    entries.push({ name: entry.path, bytes: await read(start, entry.size) });
  }
  return entries;
}

/** A mutation of the pickle inside, under a checksum that fits. */
function mutatedInside(entries: Entries, random: (bound: number) => number): Uint8Array {
  const chunks = storedZipChunks(entries.map(({ name, bytes }) => ({
    name,
    bytes: name.endsWith("data.pkl") ? mutated(bytes, random) : bytes,
  })));
  return concatBytes(chunks);
}

Deno.test(`readTorchFile() reads or refuses ${MUTATIONS} mutated files`, async () => {
  const folder = await Deno.makeTempDir();
  try {
    const random = randomFrom(20_261_122);
    const files = await Promise.all(
      FILES.map((name) => Deno.readFile(join(GOLDEN, name))),
    );
    const zips = await Promise.all(
      FILES.filter((name) => name.startsWith("zip"))
        .map((name) => entriesOf(join(GOLDEN, name))),
    );
    const path = join(folder, "mutated.pth");
    let read = 0;
    for (let i = 0; i < MUTATIONS; i++) {
      const zip = i % 2 === 0 ? zips[random(zips.length)] : undefined;
      const file = files[random(files.length)] ?? new Uint8Array(1);
      const bytes = zip ? mutatedInside(zip, random) : mutated(file, random);
      await Deno.writeFile(path, bytes);
      const started = performance.now();
      const before = memory();
      try {
        const { tensors } = await readTorchFile(path);
        const total = [...tensors.values()].reduce((sum, t) => sum + t.bytes.length, 0);
        assert.ok(
          total <= 4 * bytes.length,
          `mutation ${i} has tensors of ${total} bytes`,
        );
        read++;
      } catch (error) {
        if (!(error instanceof SyntaxError)) throw error;
        assert.match(error.message, /^Cannot read ".*mutated\.pth": [^\n]+[^.\n]$/);
      }
      const took = performance.now() - started;
      assert.ok(took < SLOWEST_MS, `mutation ${i} took ${took} ms`);
      const growth = memory() - before;
      assert.ok(growth < MOST_GROWTH_BYTES, `mutation ${i}: memory grew by ${growth}`);
    }
    assert.ok(read > 0 && read < MUTATIONS, `${read} of ${MUTATIONS} were read`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

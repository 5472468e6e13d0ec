/**
 * The format of `torch.save` before PyTorch 1.6: five pickles (a magic number, the
 * protocol, the system, the object, the keys of the storages) and then, for each key, the
 * number of elements in 8 bytes and the elements.
 *
 * Source: `_legacy_save` in `torch/serialization.py` of PyTorch.
 *
 * @module
 */
import { BYTES_PER_ELEMENT, type DataType } from "../core/host_tensor.ts";
import type { FileBytes } from "./file_bytes.ts";
import { PickleEndError } from "./pickle_cursor.ts";
import { recordOf, type TorchContainer } from "./torch_container.ts";
import { isSequence, type PickleValue } from "./torch_values.ts";
import { unpickle } from "./unpickle.ts";

/** The magic number 0x1950a86a20f9469cfc6c as a pickle, without its protocol. */
const MAGIC = "\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";
const MAGIC_START = 2;
const MAGIC_END = MAGIC_START + MAGIC.length;
const PROTOCOL = 1001;

/** First bytes to look for the pickles in; few files need more. */
const HEAD = 1 << 20;

interface Head {
  readonly object: PickleValue;
  readonly keys: readonly PickleValue[];
  /** Types of the storages that the object mentions. */
  readonly dtypes: ReadonlyMap<string, DataType>;
  /** Position behind the pickles. */
  readonly end: number;
}

function parseHead({ refuse }: FileBytes, bytes: Uint8Array): Head {
  const magic = String.fromCharCode(...bytes.subarray(MAGIC_START, MAGIC_END));
  if (magic !== MAGIC) refuse("it begins as a pickle but without PyTorch's magic number");
  const protocol = unpickle(bytes, MAGIC_END, refuse);
  if (protocol.value !== PROTOCOL) refuse(`its protocol is not ${PROTOCOL}`);
  const system = unpickle(bytes, protocol.end, refuse);
  if (system.value instanceof Map && system.value.get("little_endian") === false) {
    refuse("its numbers are not little-endian");
  }
  const dtypes = new Map<string, DataType>();
  const { value: object, end } = unpickle(bytes, system.end, refuse, (storage) => {
    dtypes.set(storage.key, storage.dtype);
  });
  const keys = unpickle(bytes, end, refuse);
  if (!isSequence(keys.value)) return refuse("it has no list of storages");
  return { object, keys: keys.value, dtypes, end: keys.end };
}

async function readHead(file: FileBytes): Promise<Head> {
  for (let length = HEAD;; length *= 4) {
    const bytes = await file.read(0, Math.min(length, file.size));
    try {
      return parseHead(file, bytes);
    } catch (error) {
      if (!(error instanceof PickleEndError)) throw error;
      if (length >= file.size) return file.refuse("it is cut off inside its pickles");
    }
  }
}

/**
 * Opens the legacy format; only the object is read, the storages are not.
 *
 * @throws {SyntaxError} If it is no such file, is cut off, or holds anything but data.
 */
export async function openTorchLegacy(file: FileBytes): Promise<TorchContainer> {
  const { refuse } = file;
  const head = await readHead(file);
  const records = new Map<string, { start: number; size: number }>();
  let position = head.end;
  for (const key of head.keys) {
    const dtype = typeof key === "string" ? head.dtypes.get(key) : undefined;
    if (typeof key !== "string" || dtype === undefined || records.has(key)) {
      return refuse("its list of storages does not fit its object");
    }
    const count = new DataView((await file.read(position, 8)).buffer).getBigInt64(
      0,
      true,
    );
    const size = Number(count) * BYTES_PER_ELEMENT[dtype];
    position += 8;
    if (size < 0 || size > file.size - position) {
      refuse(`it is cut off: storage "${key}" needs ${size} bytes from ${position} on`);
    }
    records.set(key, { start: position, size });
    position += size;
  }
  return {
    object: head.object,
    check: (storage) => void recordOf(records, storage, refuse),
    read: (storage, start, length) =>
      file.read(recordOf(records, storage, refuse).start + start, length),
  };
}

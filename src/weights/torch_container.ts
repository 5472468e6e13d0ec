/**
 * The two formats of `torch.save`: an object and the elements of its storages.
 *
 * Since PyTorch 1.6, a zip archive with the object in `<name>/data.pkl` and one entry
 * `<name>/data/<key>` per storage. Before, five pickles (a magic number, the protocol,
 * the system, the object, the keys of the storages) and then, for each key, the number of
 * elements in 8 bytes and the elements.
 *
 * Sources: `torch/serialization.py` (the latter: `_legacy_save`) and
 * `caffe2/serialize/inline_container.h` of PyTorch.
 *
 * @module
 */
import { crc32 } from "node:zlib";
import { BYTES_PER_ELEMENT } from "../core/host_tensor.ts";
import { decodeLatin1 } from "../formats/latin1.ts";
import { locateEntryData, readZipEntries, type ZipEntry } from "../formats/zip.ts";
import type { RandomAccessFile, Reject } from "../io/random_access_file.ts";
import {
  isSequence,
  type PickleValue,
  printable,
  type StorageRef,
} from "./pickle_values.ts";
import { PickleEndError, unpickle } from "./unpickle.ts";

/** An object and access to the elements of its storages. */
export interface TorchContainer {
  /** What was given to `torch.save`; its storages are completely in the file. */
  readonly object: PickleValue;
  /**
   * Reads a part of a storage's record.
   *
   * @param start First byte, relative to the record.
   */
  readStorage(
    storage: StorageRef,
    start: number,
    length: number,
  ): Promise<Uint8Array<ArrayBuffer>>;
}

/** A file's storages by their keys, and what collects them; one key is one storage. */
function collectStorages(reject: Reject) {
  const storages = new Map<string, StorageRef>();
  return {
    storages,
    onStorage(storage: StorageRef) {
      const { key, dtype, recordNumel } = storages.get(storage.key) ?? storage;
      if (dtype !== storage.dtype || recordNumel !== storage.recordNumel) {
        reject(`its storage "${printable(key)}" has two types of elements or two sizes`);
      }
      storages.set(key, storage);
    },
  };
}

/**
 * Finds the record of a storage, and asserts that its bytes are those of the elements.
 *
 * @param records Sizes by key.
 */
function findRecord<R extends { readonly size: number }>(
  records: ReadonlyMap<string, R>,
  storage: StorageRef,
  reject: Reject,
): R {
  const key = printable(storage.key);
  const record = records.get(storage.key);
  if (record === undefined) return reject(`its storage "${key}" is missing`);
  const needed = storage.recordNumel * BYTES_PER_ELEMENT[storage.dtype];
  if (record.size !== needed) {
    reject(`its storage "${key}" should have ${needed} bytes and has ${record.size}`);
  }
  return record;
}

/** The versions that PyTorch reads: of the zip format, and of the order of its records. */
const KNOWN_VERSIONS = {
  version: [1, 10],
  ".format_version": [1, 2],
  ".storage_alignment": [1, 2 ** 31],
} as const satisfies Record<string, readonly [oldest: number, newest: number]>;

/** The text of a record, or null if it is no UTF-8. */
function decodeUtf8(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

/** Entries of a zip, many more than any network has storages. */
const MAX_ZIP_ENTRIES = 100_000;

/** Bytes per read for a checksum. */
const CRC_CHUNK_BYTES = 1 << 20;

/** Reads the directory of a zip: its entries by their names. */
async function readDirectory(
  { size, read, reject }: RandomAccessFile,
): Promise<Map<string, ZipEntry>> {
  const entries = new Map<string, ZipEntry>();
  let packed = 0;
  try {
    for await (const entry of readZipEntries(read, size)) {
      const { path } = entry;
      if (entries.has(path)) reject(`its zip has two entries "${printable(path)}"`);
      packed += entry.compressedSize; // entries must not overlap
      if (packed > size) reject("its zip entries are larger than the file");
      if (entries.size >= MAX_ZIP_ENTRIES) {
        reject(`its zip has more than ${MAX_ZIP_ENTRIES} entries`);
      }
      entries.set(path, entry);
    }
  } catch (error) {
    const isSystemError = error instanceof Error && "code" in error;
    if (error instanceof SyntaxError || isSystemError) throw error;
    reject("it is cut off or damaged: the directory at the end of the zip is not whole");
  }
  return entries;
}

/**
 * Opens the zip format and reads the object, but not the storages.
 *
 * @throws {SyntaxError} If it is no such file, is damaged, or holds anything but data.
 */
export async function openTorchZip(file: RandomAccessFile): Promise<TorchContainer> {
  const { reject } = file;
  const entries = await readDirectory(file);

  /** Where the bytes of an entry begin. */
  async function locate(entry: ZipEntry): Promise<number> {
    const { path, method, encrypted, size, compressedSize } = entry;
    const rejectEntry: Reject = (reason) =>
      reject(`its entry "${printable(path)}" ${reason}`);
    if (method !== 0 || encrypted || compressedSize !== size) {
      const how = encrypted ? "encrypted" : "compressed";
      rejectEntry(
        `is ${how}, which PyTorch never does; unpack it and save it with torch.save`,
      );
    }
    return await locateEntryData(file.read, entry, file.size, rejectEntry);
  }

  /** Asserts the CRC-32 of an entry, whose bytes are read unless they are given. */
  async function assertChecksum(entry: ZipEntry, start: number, bytes?: Uint8Array) {
    let checksum = bytes === undefined ? 0 : crc32(bytes);
    for (let done = bytes?.length ?? 0; done < entry.size; done += CRC_CHUNK_BYTES) {
      const length = Math.min(CRC_CHUNK_BYTES, entry.size - done);
      checksum = crc32(await file.read(start + done, length), checksum);
    }
    if (checksum === entry.crc32) return;
    const name = printable(entry.path);
    reject(
      `its entry "${name}" is damaged: the checksum does not match; copy or download it ` +
        "again",
    );
  }

  async function readEntry(entry: ZipEntry): Promise<Uint8Array> {
    const start = await locate(entry);
    const bytes = await file.read(start, entry.size);
    await assertChecksum(entry, start, bytes);
    return bytes;
  }

  // As in PyTorch, the first entry says in which folder the others are.
  const [first = ""] = entries.keys();
  const folder = first.slice(0, first.indexOf("/") + 1);
  const object = entries.get(`${folder}data.pkl`);
  if (folder === "" || object === undefined) {
    return reject("it is a zip but no PyTorch file: it has no data.pkl");
  }
  if (entries.has(`${folder}constants.pkl`)) {
    return reject("it is a TorchScript program; save the module's state dict instead");
  }

  /** The small records, which are texts. */
  const texts = new Map<string, string>();
  for (const [path, entry] of entries) {
    if (!path.startsWith(folder) || path.includes("\ufffd")) {
      reject(`its entry "${printable(path)}" is not in the folder "${folder}"`);
    }
    const name = path.slice(folder.length);
    if (name.startsWith("data/") || entry === object || path === folder) continue;
    const text = decodeUtf8(await readEntry(entry));
    if (text === null) return reject(`its entry "${printable(path)}" is no text`);
    texts.set(name, text.trim());
  }
  for (const [name, [oldest, newest]] of Object.entries(KNOWN_VERSIONS)) {
    const text = texts.get(name);
    if (text === undefined) {
      if (name === "version") reject('it has no "version", which says how to read it');
      continue;
    }
    const version = /^\d+$/.test(text) ? Number(text) : NaN;
    if (version >= oldest && version <= newest) continue;
    reject(`its "${name}" is "${printable(text)}": known are ${oldest} to ${newest}`);
  }
  const byteOrder = texts.get("byteorder") ?? "little";
  if (byteOrder !== "little") {
    reject(`its numbers are not little-endian but "${printable(byteOrder)}"`);
  }
  const prefix = `${folder}data/`;
  const records = new Map(
    [...entries].filter(([path]) => path.startsWith(prefix))
      .map(([path, entry]) => [path.slice(prefix.length), entry]),
  );
  const verifiedStarts = new Map<ZipEntry, number>();
  const pickle = await readEntry(object);
  const { storages, onStorage } = collectStorages(reject);
  try {
    const { value } = unpickle(pickle, 0, reject, onStorage);
    for (const storage of storages.values()) {
      const { offset, size } = findRecord(records, storage, reject);
      if (offset + size > file.size) {
        reject(`it is cut off: its storage "${storage.key}" ends beyond the file`);
      }
    }
    return {
      object: value,
      async readStorage(storage, start, length) {
        const entry = findRecord(records, storage, reject);
        const known = verifiedStarts.get(entry);
        if (known !== undefined) return await file.read(known + start, length);
        const first = await locate(entry);
        const bytes = await file.read(first + start, length);
        await assertChecksum(entry, first, length === entry.size ? bytes : undefined);
        verifiedStarts.set(entry, first);
        return bytes;
      },
    };
  } catch (error) {
    if (!(error instanceof PickleEndError)) throw error;
    return reject("its data.pkl ends too early");
  }
}

/** The magic number 0x1950a86a20f9469cfc6c as a pickle, without its protocol. */
const MAGIC_NUMBER = "\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";
const MAGIC_START = 2;
const MAGIC_END = MAGIC_START + MAGIC_NUMBER.length;
const PROTOCOL = 1001;

/** Bytes that are first searched for the pickles; few files need more. */
const INITIAL_HEADER_BYTES = 1 << 20;

/** @returns Also the storages of the object and the end of the pickles. */
function parseLegacyHeader(bytes: Uint8Array, reject: Reject) {
  if (decodeLatin1(bytes.subarray(MAGIC_START, MAGIC_END)) !== MAGIC_NUMBER) {
    reject("it is a pickle, but none of torch.save(), which has to write the state dict");
  }
  const protocol = unpickle(bytes, MAGIC_END, reject);
  if (protocol.value !== PROTOCOL) reject(`its protocol is not ${PROTOCOL}`);
  const system = unpickle(bytes, protocol.end, reject);
  if (system.value instanceof Map && system.value.get("little_endian") === false) {
    reject("its numbers are not little-endian");
  }
  const { storages, onStorage } = collectStorages(reject);
  const { value: object, end } = unpickle(bytes, system.end, reject, onStorage);
  const keys = unpickle(bytes, end, reject);
  if (!isSequence(keys.value)) return reject("it has no list of storages");
  return { object, keys: keys.value, storages, end: keys.end };
}

async function readLegacyHeader(file: RandomAccessFile) {
  for (let length = INITIAL_HEADER_BYTES;; length *= 4) {
    const bytes = await file.read(0, Math.min(length, file.size));
    try {
      return parseLegacyHeader(bytes, file.reject);
    } catch (error) {
      if (!(error instanceof PickleEndError)) throw error;
      if (length >= file.size) return file.reject("it is cut off inside its pickles");
    }
  }
}

/**
 * Opens the legacy format and reads the object, but not the storages.
 *
 * @throws {SyntaxError} If it is no such file, is cut off, or holds anything but data.
 */
export async function openTorchLegacy(file: RandomAccessFile): Promise<TorchContainer> {
  const { reject } = file;
  const header = await readLegacyHeader(file);
  const records = new Map<string, { start: number; size: number }>();
  let position = header.end;
  for (const key of header.keys) {
    const storage = typeof key === "string" ? header.storages.get(key) : undefined;
    if (storage === undefined || records.has(storage.key)) {
      return reject("its list of storages does not fit its object");
    }
    const view = new DataView((await file.read(position, 8)).buffer);
    const size = Number(view.getBigInt64(0, true)) * BYTES_PER_ELEMENT[storage.dtype];
    position += 8;
    if (size < 0 || size > file.size - position) {
      reject(
        `it is cut off: storage "${printable(storage.key)}" needs ${size} bytes from ` +
          `${position} on`,
      );
    }
    records.set(storage.key, { start: position, size });
    findRecord(records, storage, reject);
    position += size;
  }
  if (records.size < header.storages.size) {
    return reject("its list of storages does not fit its object");
  }
  return {
    object: header.object,
    readStorage: (storage, start, length) =>
      file.read(findRecord(records, storage, reject).start + start, length),
  };
}

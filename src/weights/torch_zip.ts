/**
 * The format of `torch.save` since PyTorch 1.6: a zip archive with the object in
 * `<name>/data.pkl` and one entry `<name>/data/<key>` per storage.
 *
 * Source: `torch/serialization.py` and `caffe2/serialize/inline_container.h` of PyTorch.
 *
 * @module
 */
import type { FileBytes } from "./file_bytes.ts";
import { PickleEndError } from "./pickle_cursor.ts";
import { recordOf, type TorchContainer } from "./torch_container.ts";
import type { StorageReference } from "./torch_values.ts";
import { unpickle } from "./unpickle.ts";
import {
  checkEntry,
  locateEntry,
  readZipDirectory,
  type ZipEntry,
} from "./zip_directory.ts";

const OBJECT = /^([^/]+\/)?data\.pkl$/;

async function readEntry(file: FileBytes, entry: ZipEntry) {
  const start = await locateEntry(file, entry);
  const bytes = await file.read(start, entry.size);
  await checkEntry(file, entry, start, bytes);
  return bytes;
}

/**
 * Opens the zip format; only the object is read, the storages are not.
 *
 * @throws {SyntaxError} If it is no such file, is damaged, or holds anything but data.
 */
export async function openTorchZip(file: FileBytes): Promise<TorchContainer> {
  const { refuse } = file;
  const entries = await readZipDirectory(file);
  const object = [...entries.values()].find(({ name }) => OBJECT.test(name));
  if (object === undefined) {
    return refuse("it is a zip but no PyTorch file: it has no data.pkl");
  }
  const folder = object.name.slice(0, -"data.pkl".length);
  if (entries.has(`${folder}constants.pkl`)) {
    return refuse("it is a TorchScript program; save the module's state dict instead");
  }
  const order = entries.get(`${folder}byteorder`);
  if (order !== undefined) {
    const text = new TextDecoder().decode(await readEntry(file, order)).trim();
    if (text !== "little") refuse(`its numbers are not little-endian but "${text}"`);
  }

  const pickle = await readEntry(file, object);
  const records = new Map(
    [...entries].filter(([name]) => name.startsWith(`${folder}data/`))
      .map(([name, entry]) => [name.slice(folder.length + "data/".length), entry]),
  );
  const checked = new Map<ZipEntry, number>();

  async function read(storage: StorageReference, start: number, length: number) {
    const entry = recordOf(records, storage, refuse);
    const known = checked.get(entry);
    if (known !== undefined) return await file.read(known + start, length);

    const first = await locateEntry(file, entry);
    const bytes = await file.read(first + start, length);
    await checkEntry(file, entry, first, length === entry.size ? bytes : undefined);
    checked.set(entry, first);
    return bytes;
  }

  try {
    const { value } = unpickle(pickle, 0, refuse);
    return {
      object: value,
      check(storage) {
        const { header, size } = recordOf(records, storage, refuse);
        if (header + size > file.size) {
          refuse(`it is cut off: its storage "${storage.key}" ends beyond the file`);
        }
      },
      read,
    };
  } catch (error) {
    if (!(error instanceof PickleEndError)) throw error;
    return refuse("its data.pkl ends too early");
  }
}

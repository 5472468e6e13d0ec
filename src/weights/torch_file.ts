/**
 * Reads files of `torch.save` as named tensors, without executing anything in them.
 *
 * Both formats are read, tensor by tensor. A tensor must not be larger than its file, so
 * that a file cannot cause arbitrary allocations.
 *
 * @module
 */
import {
  byteLengthOf,
  BYTES_PER_ELEMENT,
  formatShape,
  type HostTensor,
} from "../core/host_tensor.ts";
import { openRandomAccessFile, type RandomAccessFile } from "../io/random_access_file.ts";
import { elementSpan, toContiguous } from "./contiguous.ts";
import { detectFormat } from "./detect_format.ts";
import { negate } from "./cast.ts";
import { findStateDict } from "./find_state_dict.ts";
import { printable, type TensorView } from "./pickle_values.ts";
import { openTorchLegacy, openTorchZip, type TorchContainer } from "./torch_container.ts";
import { openZippedFile } from "./zipped_file.ts";

/** A tensor that has not been read yet. */
export type TorchTensorInfo = Pick<HostTensor, "dtype" | "shape">;

/** Which tensors of a file to read. */
export interface TorchFileOptions {
  /**
   * Where the state dict is: keys joined by dots, as `"teacher_state"` or
   * `"optimizer.state"`; "" for the whole object.
   *
   * @default the first of the keys that training programs use, as `state_dict`, `model`
   * and `teacher_state`, that has tensors, or the whole object
   */
  readonly stateDictKey?: string | undefined;
  /**
   * Selects the names of the tensors that {@linkcode readTorchFile} reads.
   *
   * @default all
   */
  readonly selectNames?: (names: readonly string[]) => readonly string[];
}

/** An open file; the caller disposes of it, which closes it. */
export interface TorchFile extends AsyncDisposable {
  /** Bytes of the file. */
  readonly size: number;
  /** Where the tensors were in the file's object; empty: it is the state dict. */
  readonly stateDictKey: string;
  /** Other dictionaries of the file's object with tensors, as keys joined by dots. */
  readonly otherKeys: readonly string[];
  /** Names in the state dict of what is no tensor, and of single tensors beside it. */
  readonly otherEntries: readonly string[];
  /** In the file's order; names of nested dictionaries are joined by dots. */
  readonly tensors: ReadonlyMap<string, TorchTensorInfo>;
  /**
   * Reads one tensor in row-major order.
   *
   * @throws {RangeError} If there is none of that name.
   * @throws {SyntaxError} If its bytes are damaged.
   */
  readTensor(name: string): Promise<HostTensor>;
}

/** The tensors of a file, and where they were, as of {@linkcode TorchFile}. */
export interface TorchTensors
  extends Pick<TorchFile, "stateDictKey" | "otherKeys" | "otherEntries"> {
  /** In the file's order. */
  readonly tensors: Map<string, HostTensor>;
}

/** The most that tensors with shared storages may exceed their file in size. */
const MAX_EXPANSION = 4;

async function openContainer(file: RandomAccessFile): Promise<TorchContainer> {
  switch (await detectFormat(file)) {
    case "torch-zip":
      return await openTorchZip(file);
    case "torch-legacy":
      return await openTorchLegacy(file);
    case "safetensors":
      return file.reject("it is a safetensors file, not one of PyTorch");
  }
}

async function readView(
  container: TorchContainer,
  { storage, storageOffset, shape, strides, isNegated }: TensorView,
): Promise<HostTensor> {
  const { dtype } = storage;
  const bytesPerElement = BYTES_PER_ELEMENT[dtype];
  const extent = elementSpan({ shape, strides });
  const bytes = extent === 0 ? new Uint8Array(0) : await container.readStorage(
    storage,
    (storage.recordOffset + storageOffset) * bytesPerElement,
    extent * bytesPerElement,
  );
  const tensor = {
    dtype,
    shape,
    bytes: toContiguous(bytes, bytesPerElement, { shape, strides }),
  };
  return isNegated ? negate(tensor) : tensor;
}

/**
 * Opens a file of `torch.save`, or a zip with one in it, such as a wheel of Python.
 *
 * @throws {Deno.errors.NotFound} If there is no such file.
 * @throws {SyntaxError} If it is not a whole PyTorch file, refers to anything that
 * tensors do not need, or has no tensors there.
 */
export async function openTorchFile(
  path: string,
  { stateDictKey: requestedKey }: TorchFileOptions = {},
): Promise<TorchFile> {
  const onDisk = await openRandomAccessFile(path);
  try {
    const file = await openZippedFile(onDisk);
    const container = await openContainer(file);
    const { key, tensors: views, otherKeys, otherEntries } = findStateDict(
      container.object,
      requestedKey,
      file.reject,
    );
    const tensors = new Map<string, TorchTensorInfo>();
    for (const [name, view] of views) {
      const info = { dtype: view.storage.dtype, shape: view.shape };
      if (byteLengthOf(info) > file.size) {
        file.reject(
          `tensor "${printable(name)}" of shape ${formatShape(info.shape)} repeats ` +
            "elements until it is larger than the file",
        );
      }
      tensors.set(name, info);
    }
    return {
      size: file.size,
      stateDictKey: key,
      otherKeys,
      otherEntries,
      tensors,
      async readTensor(name) {
        const view = views.get(name);
        if (view !== undefined) return await readView(container, view);
        throw new RangeError(`Cannot read tensor "${name}" of "${path}": there is none`);
      },
      [Symbol.asyncDispose]: () => onDisk[Symbol.asyncDispose](),
    };
  } catch (error) {
    await onDisk[Symbol.asyncDispose]();
    throw error;
  }
}

/**
 * Reads the tensors of a file of `torch.save`.
 *
 * @throws {Deno.errors.NotFound} If there is no such file.
 * @throws {SyntaxError} As {@linkcode openTorchFile}.
 */
export async function readTorchFile(
  path: string,
  options: TorchFileOptions = {},
): Promise<TorchTensors> {
  await using file = await openTorchFile(path, options);
  const all = [...file.tensors.keys()];
  const names = options.selectNames?.(all) ?? all;
  const needed = names.reduce((sum, name) => {
    const info = file.tensors.get(name);
    return sum + (info === undefined ? 0 : byteLengthOf(info));
  }, 0);
  if (needed > MAX_EXPANSION * file.size) {
    throw new SyntaxError(
      `Cannot read "${path}": its tensors share storages and need ${needed} bytes, more ` +
        `than ${MAX_EXPANSION} times the file; open it and read the tensors one by one`,
    );
  }
  const tensors = new Map<string, HostTensor>();
  for (const name of names) tensors.set(name, await file.readTensor(name));
  const { stateDictKey, otherKeys, otherEntries } = file;
  return { stateDictKey, otherKeys, otherEntries, tensors };
}

/**
 * Files of `torch.save` → named tensors, without running anything that is in them.
 *
 * Both formats are read, tensor by tensor. Nothing is allocated because a file says so: a
 * tensor may not be larger than its file.
 *
 * @module
 */
import {
  BYTES_PER_ELEMENT,
  type DataType,
  type HostTensor,
} from "../core/host_tensor.ts";
import { contiguous, extentOf } from "./contiguous.ts";
import { type FileBytes, openBytes } from "./file_bytes.ts";
import { kindOf, SIGNATURE_BYTES } from "./file_kind.ts";
import { stateDictOf } from "./state_dict.ts";
import type { TorchContainer } from "./torch_container.ts";
import { shown } from "./torch_globals.ts";
import { openTorchLegacy } from "./torch_legacy.ts";
import { bytesOfView, elementsOf, type TensorView } from "./torch_values.ts";
import { openTorchZip } from "./torch_zip.ts";

/** A tensor that has not been read yet. */
export interface TorchTensorInfo {
  /** Type of the elements. */
  readonly dtype: DataType;
  /** Sizes of the axes; empty for a scalar. */
  readonly shape: readonly number[];
}

/** Which tensors of a file to take. */
export interface TorchFileOptions {
  /**
   * Path of keys to the state dict, as in `"teacher_state"` or `"optimizer.state"`; empty
   * for the whole object.
   *
   * @default the first of `state_dict`, `model`, `model_state` and `teacher_state` that
   * has tensors, or the whole object
   */
  readonly root?: string;
  /**
   * Chooses from the names of the tensors those that {@linkcode readTorchFile} reads.
   *
   * @default all
   */
  readonly choose?: (names: readonly string[]) => readonly string[];
}

/** An open file; whoever opened it closes it. */
export interface TorchFile extends AsyncDisposable {
  /** Bytes of the file. */
  readonly size: number;
  /** Where the tensors are in the file's object; empty: it is the state dict. */
  readonly root: string;
  /** In the file's order; names of nested dictionaries are joined by dots. */
  readonly tensors: ReadonlyMap<string, TorchTensorInfo>;
  /**
   * Reads one tensor, row by row.
   *
   * @throws {RangeError} If there is none of that name.
   * @throws {SyntaxError} If its bytes are damaged.
   */
  read(name: string): Promise<HostTensor>;
  /** Releases the file. */
  close(): Promise<void>;
}

/** The tensors of a file. */
export interface TorchTensors {
  /** As of {@linkcode TorchFile}. */
  readonly root: string;
  /** In the file's order. */
  readonly tensors: Map<string, HostTensor>;
}

/** Size of a file's tensors over its own, where many of them share storages. */
const MOST_GROWTH = 4;

async function openContainer(file: FileBytes): Promise<TorchContainer> {
  const start = await file.read(0, Math.min(SIGNATURE_BYTES, file.size));
  const found = kindOf(start);
  if ("reason" in found) return file.refuse(found.reason);
  switch (found.kind) {
    case "torch-zip":
      return await openTorchZip(file);
    case "torch-legacy":
      return await openTorchLegacy(file);
    case "safetensors":
      return file.refuse("it is a safetensors file, not one of PyTorch");
  }
}

async function readView(
  container: TorchContainer,
  { storage, offset, shape, strides }: TensorView,
): Promise<HostTensor> {
  const { dtype } = storage;
  const width = BYTES_PER_ELEMENT[dtype];
  const extent = extentOf({ shape, strides });
  const bytes = extent === 0
    ? new Uint8Array(0)
    : await container.read(storage, (storage.start + offset) * width, extent * width);
  return { dtype, shape, bytes: contiguous(bytes, width, { shape, strides }) };
}

/**
 * Opens a file of `torch.save`.
 *
 * @throws {Deno.errors.NotFound} If there is no such file.
 * @throws {SyntaxError} If it is not a whole PyTorch file, refers to anything that tensors
 * do not need, or has no tensors there.
 */
export async function openTorchFile(
  path: string,
  { root: wanted }: TorchFileOptions = {},
): Promise<TorchFile> {
  const file = await openBytes(path);
  try {
    const container = await openContainer(file);
    const { root, tensors: views } = stateDictOf(container.object, wanted, file.refuse);
    const tensors = new Map<string, TorchTensorInfo>();
    for (const [name, view] of views) {
      const { storage: { dtype }, shape } = view;
      container.check(view.storage);
      if (bytesOfView(view) > file.size) {
        file.refuse(
          `tensor "${shown(name)}" of shape [${
            shape.join(", ")
          }] repeats elements until ` +
            "it is larger than the file",
        );
      }
      tensors.set(name, { dtype, shape });
    }
    const close = () => file.close();
    return {
      size: file.size,
      root,
      tensors,
      async read(name) {
        const view = views.get(name);
        if (view !== undefined) return await readView(container, view);
        throw new RangeError(`Cannot read tensor "${name}" of "${path}": there is none`);
      },
      close,
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await file.close();
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
  const names = options.choose?.(all) ?? all;
  const needed = names.reduce((sum, name) => {
    const { dtype, shape } = file.tensors.get(name) ?? { dtype: "F32", shape: [0] };
    return sum + elementsOf(shape) * BYTES_PER_ELEMENT[dtype];
  }, 0);
  if (needed > MOST_GROWTH * file.size) {
    throw new SyntaxError(
      `Cannot read "${path}": its tensors share storages and need ${needed} bytes, more ` +
        `than ${MOST_GROWTH} times the file; open it and read the tensors one by one`,
    );
  }
  const tensors = new Map<string, HostTensor>();
  for (const name of names) tensors.set(name, await file.read(name));
  return { root: file.root, tensors };
}

/** Declaring the memory of a WebAssembly module as shared between threads. @module */

const IMPORT_SECTION = 2;
const MEMORY_SECTION = 5;
const HAS_MAXIMUM = 1;
const SHARED = 2;
const MEMORY_IMPORT = 2;

/**
 * The same module with its one memory declared shared.
 *
 * Sharedness is one bit of the memory's limits, and only modules that agree on it can use
 * the same memory. A module that was compiled for one thread runs unchanged on shared
 * memory.
 *
 * @param module Its memory, its own or its first import, must have a maximum.
 * @throws {RangeError} If it has no such memory.
 */
export function withSharedMemory(module: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(module);
  const reader = { at: 8 }; // after magic number and version
  while (reader.at < bytes.length) {
    const id = bytes[reader.at++];
    const size = readUnsigned(bytes, reader);
    const end = reader.at + size;
    if (id === IMPORT_SECTION || id === MEMORY_SECTION) {
      const flagsAt = id === IMPORT_SECTION
        ? limitsOfImport(bytes, reader)
        : limitsOfMemory(bytes, reader);
      if (flagsAt !== null) {
        const flags = bytes[flagsAt] ?? 0;
        if ((flags & HAS_MAXIMUM) === 0) break;
        bytes[flagsAt] = flags | SHARED;
        return bytes;
      }
    }
    reader.at = end;
  }
  throw new RangeError("Cannot share the memory of a module: it has none with a maximum");
}

interface Reader {
  at: number;
}

function limitsOfMemory(bytes: Uint8Array, reader: Reader): number | null {
  return readUnsigned(bytes, reader) === 1 ? reader.at : null;
}

// Only the first import is looked at: the memory of our modules.
function limitsOfImport(bytes: Uint8Array, reader: Reader): number | null {
  if (readUnsigned(bytes, reader) === 0) return null;
  for (const _name of ["module", "field"]) {
    const length = readUnsigned(bytes, reader);
    reader.at += length;
  }
  return bytes[reader.at++] === MEMORY_IMPORT ? reader.at : null;
}

// LEB128; advances the reader.
function readUnsigned(bytes: Uint8Array, reader: Reader): number {
  let value = 0;
  for (let shift = 0;; shift += 7) {
    const byte = bytes[reader.at++] ?? 0;
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
}

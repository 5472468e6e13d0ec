/**
 * Reads pickles as data: the opcodes that `torch.save` writes, protocols 2 to 5, on a
 * stack of plain values. `pickle_values.ts` lists the globals that a pickle may refer to;
 * any other global and every opcode that could create an object of another class is
 * refused. Objects of the harmless classes listed there are left out unread.
 *
 * Source: https://github.com/python/cpython/blob/3.12/Lib/pickletools.py.
 *
 * @module
 */
import { decodeLatin1 } from "../formats/latin1.ts";
import type { Reject } from "../io/random_access_file.ts";
import {
  findAllowedGlobal,
  isHashable,
  isKind,
  isSequence,
  parseStorageRef,
  type PickleValue,
  type StorageRef,
} from "./pickle_values.ts";

/** Containers per pickle: twenty times what the largest published networks need. */
const MAX_CONTAINERS = 500_000;

/** Bytes of one integer; tensors need eight at most. */
const MAX_INTEGER_BYTES = 64;

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** A pickle that continues after the given bytes. */
export class PickleEndError extends Error {
  /** Identifies the class of error. */
  override readonly name = "PickleEndError";
}

/** Reads the arguments of the opcodes in order. */
class PickleCursor {
  readonly #view: DataView;

  /** Starts at the byte `position`. */
  constructor(readonly bytes: Uint8Array, public position: number) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /** Advances by some bytes, and returns the position before. */
  #advance(length: number): number {
    const start = this.position;
    if (length > this.bytes.length - start) {
      throw new PickleEndError("the pickle goes on");
    }
    this.position += length;
    return start;
  }

  readonly readUint8 = (): number => this.#view.getUint8(this.#advance(1));
  readonly readUint16 = (): number => this.#view.getUint16(this.#advance(2), true);
  readonly readUint32 = (): number => this.#view.getUint32(this.#advance(4), true);
  readonly readInt32 = (): number => this.#view.getInt32(this.#advance(4), true);
  /** Rounded above 2⁵³, which exceeds any file. */
  readonly readUint64 = (): number =>
    Number(this.#view.getBigUint64(this.#advance(8), true));
  /** The only big-endian number of the format. */
  readonly readFloat64 = (): number => this.#view.getFloat64(this.#advance(8));

  /** The next bytes, without a copy. */
  readBytes(length: number): Uint8Array {
    const start = this.#advance(length);
    return this.bytes.subarray(start, start + length);
  }

  /** The bytes before the next line feed, which is skipped. */
  readLine(): Uint8Array {
    const end = this.bytes.indexOf(0x0a, this.position);
    const line = this.readBytes((end < 0 ? this.bytes.length : end) - this.position);
    this.#advance(1);
    return line;
  }
}

function decodeInteger(bytes: Uint8Array, reject: Reject): number | bigint {
  if (bytes.length > MAX_INTEGER_BYTES) {
    return reject(`it has an integer of ${bytes.length} bytes`);
  }
  const value = bytes.reduceRight((sum, byte) => sum << 8n | BigInt(byte), 0n);
  const signed = BigInt.asIntN(8 * bytes.length, value);
  const small = Number(signed);
  return Number.isSafeInteger(small) ? small : signed;
}

/** The stack and the memo of one pickle. */
class PickleMachine {
  readonly stack: PickleValue[] = [];
  readonly marks: number[] = [];
  readonly memo = new Map<number, PickleValue>();
  #containers = 0;
  #copied = 0;

  constructor(
    readonly cursor: PickleCursor,
    readonly reject: Reject,
    readonly onStorage: (storage: StorageRef) => void,
  ) {}

  /** Counts a container and the items that are copied into it. */
  countContainer(copied = 0): void {
    this.#copied += copied;
    if (++this.#containers > MAX_CONTAINERS || this.#copied > 10 * MAX_CONTAINERS) {
      this.reject(`its pickle has more than ${MAX_CONTAINERS} containers`);
    }
  }

  push(value: PickleValue): void {
    if (this.stack.length >= MAX_CONTAINERS) this.reject("its pickle nests too deep");
    this.stack.push(value);
  }

  pop(): PickleValue {
    const value = this.stack.pop();
    if (value === undefined || this.stack.length < (this.marks.at(-1) ?? 0)) {
      return this.reject("its pickle takes from an empty stack");
    }
    return value;
  }

  top(): PickleValue {
    const value = this.pop();
    this.stack.push(value);
    return value;
  }

  popToMark(): PickleValue[] {
    const mark = this.marks.pop();
    if (mark === undefined) return this.reject("its pickle has no mark to go back to");
    return this.stack.splice(mark);
  }

  pushTuple(length: number): void {
    this.countContainer();
    const items = Array.from({ length }, () => this.pop());
    this.push(Object.freeze(items.reverse()));
  }

  pushTupleFromMark(): void {
    this.countContainer();
    this.push(Object.freeze(this.popToMark()));
  }

  decodeText(bytes: Uint8Array): string {
    try {
      return utf8.decode(bytes);
    } catch {
      return this.reject("it has a text that is not UTF-8");
    }
  }

  appendItems(items: readonly PickleValue[]): void {
    const list = this.top();
    if (isKind(list, "opaque")) return;
    if (!Array.isArray(list) || Object.isFrozen(list)) {
      return this.reject("its pickle appends to no list");
    }
    for (const item of items) list.push(item);
  }

  setItems(items: readonly PickleValue[]): void {
    const map = this.top();
    if (isKind(map, "opaque")) return;
    if (!(map instanceof Map)) {
      return this.reject("its pickle sets items of no dictionary");
    }
    if (items.length % 2 !== 0) this.reject("its pickle has a key without a value");
    for (let i = 0; i < items.length; i += 2) {
      const key = items[i] ?? null;
      if (!isHashable(key)) this.reject("its pickle has a key that cannot be one");
      map.set(key, items[i + 1] ?? null);
    }
  }

  pushMemo(index: number): void {
    const value = this.memo.get(index);
    if (value === undefined) return this.reject(`its pickle lacks memo ${index}`);
    this.push(value);
  }

  memoize(index: number): void {
    this.memo.set(index, this.top());
  }

  pushGlobal(module: string, name: string): void {
    this.push(findAllowedGlobal(module, name, this.reject));
  }

  pushStackGlobal(): void {
    const name = this.pop();
    const module = this.pop();
    if (typeof module !== "string" || typeof name !== "string") {
      return this.reject("its pickle refers to a name that is no text");
    }
    this.pushGlobal(module, name);
  }

  call(): void {
    const args = this.pop();
    const callee = this.pop();
    if (!isKind(callee, "global") || callee.call === undefined || !isSequence(args)) {
      return this.reject("its pickle calls something that cannot be called");
    }
    const [first] = args;
    this.countContainer(isSequence(first) ? first.length : 0);
    this.push(callee.call(args, this.reject));
  }

  pushStorage(): void {
    const storage = parseStorageRef(this.pop(), this.reject);
    this.countContainer();
    this.onStorage(storage);
    this.push(storage);
  }

  /** Drops attributes, as `_metadata` of a state dict; those of a tensor would change it. */
  build(): void {
    const attributes = this.pop();
    const object = this.top();
    const isDictionary = object instanceof Map && attributes instanceof Map;
    if (!isDictionary && !isKind(object, "opaque")) {
      this.reject("its pickle gives attributes to a value that has none");
    }
  }
}

type OpcodeHandler = (machine: PickleMachine, cursor: PickleCursor) => void;

/** The opcodes by their characters, as `pickletools` lists them. */
const OPCODES: Readonly<Record<string, OpcodeHandler>> = {
  "\x80": (m, c) => {
    const protocol = c.readUint8();
    if (protocol > 5) m.reject(`its pickle has protocol ${protocol}; known are 2 to 5`);
  },
  "\x95": (_, c) => void c.readUint64(), // a frame is a hint for buffering
  "(": (m) => void m.marks.push(m.stack.length),
  "0": (m) => {
    const empty = m.stack.length === (m.marks.at(-1) ?? 0);
    void (empty ? m.popToMark() : m.pop());
  },
  "1": (m) => void m.popToMark(),
  "2": (m) => m.push(m.top()),
  "N": (m) => m.push(null),
  "\x88": (m) => m.push(true),
  "\x89": (m) => m.push(false),
  "J": (m, c) => m.push(c.readInt32()),
  "K": (m, c) => m.push(c.readUint8()),
  "M": (m, c) => m.push(c.readUint16()),
  "G": (m, c) => m.push(c.readFloat64()),
  "\x8a": (m, c) => m.push(decodeInteger(c.readBytes(c.readUint8()), m.reject)),
  "\x8b": (m, c) => m.push(decodeInteger(c.readBytes(c.readUint32()), m.reject)),
  "X": (m, c) => m.push(m.decodeText(c.readBytes(c.readUint32()))),
  "\x8c": (m, c) => m.push(m.decodeText(c.readBytes(c.readUint8()))),
  "\x8d": (m, c) => m.push(m.decodeText(c.readBytes(c.readUint64()))),
  "T": (m, c) => m.push(decodeLatin1(c.readBytes(c.readUint32()))),
  "U": (m, c) => m.push(decodeLatin1(c.readBytes(c.readUint8()))),
  "B": (m, c) => m.push(decodeLatin1(c.readBytes(c.readUint32()))),
  "C": (m, c) => m.push(decodeLatin1(c.readBytes(c.readUint8()))),
  "\x8e": (m, c) => m.push(decodeLatin1(c.readBytes(c.readUint64()))),
  "\x96": (m, c) => m.push(decodeLatin1(c.readBytes(c.readUint64()))),
  "]": (m) => (m.countContainer(), m.push([])),
  "}": (m) => (m.countContainer(), m.push(new Map())),
  "\x8f": (m) => (m.countContainer(), m.push([])),
  ")": (m) => m.pushTuple(0),
  "\x85": (m) => m.pushTuple(1),
  "\x86": (m) => m.pushTuple(2),
  "\x87": (m) => m.pushTuple(3),
  "t": (m) => m.pushTupleFromMark(),
  "\x91": (m) => m.pushTupleFromMark(), // a set that does not change
  "l": (m) => (m.countContainer(), m.push(m.popToMark())),
  "d": (m) => {
    const items = m.popToMark();
    m.countContainer();
    m.push(new Map());
    m.setItems(items);
  },
  "a": (m) => m.appendItems([m.pop()]),
  "e": (m) => m.appendItems(m.popToMark()),
  "\x90": (m) => m.appendItems(m.popToMark()),
  "s": (m) => {
    const value = m.pop();
    m.setItems([m.pop(), value]);
  },
  "u": (m) => m.setItems(m.popToMark()),
  "h": (m, c) => m.pushMemo(c.readUint8()),
  "j": (m, c) => m.pushMemo(c.readUint32()),
  "q": (m, c) => m.memoize(c.readUint8()),
  "r": (m, c) => m.memoize(c.readUint32()),
  "\x94": (m) => m.memoize(m.memo.size),
  "c": (m, c) => m.pushGlobal(m.decodeText(c.readLine()), m.decodeText(c.readLine())),
  "\x93": (m) => m.pushStackGlobal(),
  "R": (m) => m.call(),
  "\x81": (m) => m.call(),
  "b": (m) => m.build(),
  "Q": (m) => m.pushStorage(),
  "i": (m, c) => {
    // Refused by its name if possible.
    m.pushGlobal(m.decodeText(c.readLine()), m.decodeText(c.readLine()));
    m.reject("its pickle makes an instance of a class");
  },
};

/**
 * Reads one pickle.
 *
 * @param start Its first byte.
 * @param reject Called for anything but plain data about tensors.
 * @param onStorage Called for every storage of the pickle.
 * @returns The value, and the position after the pickle.
 * @throws {PickleEndError} If the bytes end before the pickle does.
 */
export function unpickle(
  bytes: Uint8Array,
  start: number,
  reject: Reject,
  onStorage: (storage: StorageRef) => void = () => {},
): { value: PickleValue; end: number } {
  const cursor = new PickleCursor(bytes, start);
  const machine = new PickleMachine(cursor, reject, onStorage);
  for (;;) {
    const code = cursor.readUint8();
    const name = String.fromCharCode(code);
    if (name === ".") return { value: machine.pop(), end: cursor.position };
    const operation = Object.hasOwn(OPCODES, name) ? OPCODES[name] : undefined;
    if (operation === undefined) {
      const hex = code.toString(16).padStart(2, "0");
      return reject(`its pickle has the opcode 0x${hex}, which tensors do not need`);
    }
    operation(machine, cursor);
  }
}

/**
 * Pickle as data: the opcodes that `torch.save` writes, protocols 2 to 4, over a stack of
 * plain values. The names a pickle may refer to are `torch_globals.ts`; any other refuses
 * the file, and so does every opcode that could make an object of another class.
 *
 * Source: https://github.com/python/cpython/blob/3.12/Lib/pickletools.py.
 *
 * @module
 */
import { PickleCursor } from "./pickle_cursor.ts";
import { allowedGlobal, storageOf } from "./torch_globals.ts";
import {
  isKind,
  isSequence,
  type PickleValue,
  type Refuse,
  type StorageReference,
} from "./torch_values.ts";

/** Containers per pickle: twenty times what the largest published networks need. */
const MOST_CONTAINERS = 500_000;

/** Bytes of one integer; nothing that tensors need has more than eight. */
const MOST_INTEGER_BYTES = 64;

const utf8 = new TextDecoder("utf-8", { fatal: true });
const python2 = new TextDecoder("latin1");

function integer(bytes: Uint8Array, refuse: Refuse): number | bigint {
  if (bytes.length > MOST_INTEGER_BYTES) {
    return refuse(`it has an integer of ${bytes.length} bytes`);
  }
  const value = bytes.reduceRight((sum, byte) => sum << 8n | BigInt(byte), 0n);
  const signed = BigInt.asIntN(8 * bytes.length, value);
  const small = Number(signed);
  return Number.isSafeInteger(small) ? small : signed;
}

/** The stack and the memo of one pickle. */
class Machine {
  readonly stack: PickleValue[] = [];
  readonly marks: number[] = [];
  readonly memo = new Map<number, PickleValue>();
  #containers = 0;
  #copied = 0;

  constructor(
    readonly cursor: PickleCursor,
    readonly refuse: Refuse,
    readonly onStorage: (storage: StorageReference) => void,
  ) {}

  /** Counts a container, and the items that making it copies. */
  count(copied = 0): void {
    this.#copied += copied;
    if (++this.#containers > MOST_CONTAINERS || this.#copied > 10 * MOST_CONTAINERS) {
      this.refuse(`its pickle has more than ${MOST_CONTAINERS} containers`);
    }
  }

  push(value: PickleValue): void {
    if (this.stack.length >= MOST_CONTAINERS) this.refuse("its pickle nests too deep");
    this.stack.push(value);
  }

  pop(): PickleValue {
    const value = this.stack.pop();
    if (value === undefined || this.stack.length < (this.marks.at(-1) ?? 0)) {
      return this.refuse("its pickle takes from an empty stack");
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
    if (mark === undefined) return this.refuse("its pickle has no mark to go back to");
    return this.stack.splice(mark);
  }

  pushTuple(length: number): void {
    this.count();
    const items = Array.from({ length }, () => this.pop());
    this.push(items.reverse());
  }

  text(bytes: Uint8Array): string {
    try {
      return utf8.decode(bytes);
    } catch {
      return this.refuse("it has a text that is not UTF-8");
    }
  }

  append(items: readonly PickleValue[]): void {
    const list = this.top();
    if (!Array.isArray(list)) return this.refuse("its pickle appends to no list");
    for (const item of items) list.push(item);
  }

  setItems(items: readonly PickleValue[]): void {
    const map = this.top();
    if (!(map instanceof Map)) {
      return this.refuse("its pickle sets items of no dictionary");
    }
    if (items.length % 2 !== 0) this.refuse("its pickle has a key without a value");
    for (let i = 0; i < items.length; i += 2) {
      map.set(items[i] ?? null, items[i + 1] ?? null);
    }
  }

  get(index: number): void {
    const value = this.memo.get(index);
    this.push(
      value === undefined ? this.refuse(`its pickle lacks memo ${index}`) : value,
    );
  }

  put(index: number): void {
    this.memo.set(index, this.top());
  }

  global(module: string, name: string): void {
    this.push(allowedGlobal(module, name, this.refuse));
  }

  stackGlobal(): void {
    const name = this.pop();
    const module = this.pop();
    if (typeof module !== "string" || typeof name !== "string") {
      return this.refuse("its pickle refers to a name that is no text");
    }
    this.global(module, name);
  }

  call(): void {
    const args = this.pop();
    const callee = this.pop();
    if (!isKind(callee, "global") || callee.call === undefined || !isSequence(args)) {
      return this.refuse("its pickle calls something that cannot be called");
    }
    const [first] = args;
    this.count(isSequence(first) ? first.length : 0);
    this.push(callee.call(args, this.refuse));
  }

  storage(): void {
    const storage = storageOf(this.pop(), this.refuse);
    this.count();
    this.onStorage(storage);
    this.push(storage);
  }

  /** Attributes, as `_metadata` of a state dict, are of no use and left out. */
  build(): void {
    this.pop();
    const object = this.top();
    if (
      !(object instanceof Map || isKind(object, "opaque") || isKind(object, "tensor"))
    ) {
      this.refuse("its pickle gives attributes to a value that has none");
    }
  }
}

type Operation = (machine: Machine, cursor: PickleCursor) => void;

/** By the opcode's character, as `pickletools` lists them. */
const OPERATIONS: Readonly<Record<string, Operation>> = {
  "\x80": (m, c) => {
    const protocol = c.uint8();
    if (protocol > 5) m.refuse(`its pickle has protocol ${protocol}; known are 2 to 5`);
  },
  "\x95": (_, c) => void c.uint64(), // a frame is a hint for buffering
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
  "J": (m, c) => m.push(c.int32()),
  "K": (m, c) => m.push(c.uint8()),
  "M": (m, c) => m.push(c.uint16()),
  "G": (m, c) => m.push(c.float64()),
  "\x8a": (m, c) => m.push(integer(c.take(c.uint8()), m.refuse)),
  "\x8b": (m, c) => m.push(integer(c.take(c.uint32()), m.refuse)),
  "X": (m, c) => m.push(m.text(c.take(c.uint32()))),
  "\x8c": (m, c) => m.push(m.text(c.take(c.uint8()))),
  "\x8d": (m, c) => m.push(m.text(c.take(c.uint64()))),
  "T": (m, c) => m.push(python2.decode(c.take(c.uint32()))),
  "U": (m, c) => m.push(python2.decode(c.take(c.uint8()))),
  "B": (m, c) => m.push(python2.decode(c.take(c.uint32()))),
  "C": (m, c) => m.push(python2.decode(c.take(c.uint8()))),
  "]": (m) => (m.count(), m.push([])),
  "}": (m) => (m.count(), m.push(new Map())),
  "\x8f": (m) => (m.count(), m.push([])),
  ")": (m) => m.pushTuple(0),
  "\x85": (m) => m.pushTuple(1),
  "\x86": (m) => m.pushTuple(2),
  "\x87": (m) => m.pushTuple(3),
  "t": (m) => (m.count(), m.push(m.popToMark())),
  "l": (m) => (m.count(), m.push(m.popToMark())),
  "d": (m) => {
    const items = m.popToMark();
    m.count();
    m.push(new Map());
    m.setItems(items);
  },
  "a": (m) => m.append([m.pop()]),
  "e": (m) => m.append(m.popToMark()),
  "\x90": (m) => m.append(m.popToMark()),
  "s": (m) => {
    const value = m.pop();
    m.setItems([m.pop(), value]);
  },
  "u": (m) => m.setItems(m.popToMark()),
  "h": (m, c) => m.get(c.uint8()),
  "j": (m, c) => m.get(c.uint32()),
  "q": (m, c) => m.put(c.uint8()),
  "r": (m, c) => m.put(c.uint32()),
  "\x94": (m) => m.put(m.memo.size),
  "c": (m, c) => m.global(m.text(c.line()), m.text(c.line())),
  "\x93": (m) => m.stackGlobal(),
  "R": (m) => m.call(),
  "\x81": (m) => m.call(),
  "b": (m) => m.build(),
  "Q": (m) => m.storage(),
  "i": (m, c) => {
    m.global(m.text(c.line()), m.text(c.line())); // refused by its name, where it can be
    m.refuse("its pickle makes an instance of a class");
  },
};

/**
 * Reads one pickle.
 *
 * @param start Its first byte.
 * @param refuse Called for whatever is not plain data about tensors.
 * @param onStorage Called for every storage that the pickle mentions.
 * @returns The value, and the position behind the pickle.
 * @throws {PickleEndError} If the bytes end before the pickle does.
 */
export function unpickle(
  bytes: Uint8Array,
  start: number,
  refuse: Refuse,
  onStorage: (storage: StorageReference) => void = () => {},
): { value: PickleValue; end: number } {
  const cursor = new PickleCursor(bytes, start);
  const machine = new Machine(cursor, refuse, onStorage);
  for (;;) {
    const code = cursor.uint8();
    const name = String.fromCharCode(code);
    if (name === ".") return { value: machine.pop(), end: cursor.position };
    const operation = Object.hasOwn(OPERATIONS, name) ? OPERATIONS[name] : undefined;
    if (operation === undefined) {
      const hex = code.toString(16).padStart(2, "0");
      return refuse(`its pickle has the opcode 0x${hex}, which tensors do not need`);
    }
    operation(machine, cursor);
  }
}

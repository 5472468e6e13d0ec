/** The arguments of pickle's opcodes, in order. @module */

/** A pickle that goes on behind the bytes given. */
export class PickleEndError extends Error {
  /** For callers that have more bytes. */
  override readonly name = "PickleEndError";
}

/** Reads pickle's arguments in order. */
export class PickleCursor {
  #view: DataView;

  /**
   * Starts at a position.
   *
   * @param bytes The pickle, and what is around it.
   * @param position Of the next byte to read.
   */
  constructor(readonly bytes: Uint8Array, public position: number) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /** Moves on and says from where; all that is read comes through here. */
  #advance(length: number): number {
    const start = this.position;
    if (length > this.bytes.length - start) {
      throw new PickleEndError("the pickle goes on");
    }
    this.position += length;
    return start;
  }

  /** The next bytes, without a copy. */
  take(length: number): Uint8Array {
    const start = this.#advance(length);
    return this.bytes.subarray(start, start + length);
  }

  /** One byte. */
  uint8(): number {
    return this.#view.getUint8(this.#advance(1));
  }

  /** Two bytes. */
  uint16(): number {
    return this.#view.getUint16(this.#advance(2), true);
  }

  /** Four bytes. */
  uint32(): number {
    return this.#view.getUint32(this.#advance(4), true);
  }

  /** Four bytes with a sign. */
  int32(): number {
    return this.#view.getInt32(this.#advance(4), true);
  }

  /** Rounded above 2⁵³, where it is longer than any file. */
  uint64(): number {
    return Number(this.#view.getBigUint64(this.#advance(8), true));
  }

  /** Pickle's one big-endian number. */
  float64(): number {
    return this.#view.getFloat64(this.#advance(8));
  }

  /** The bytes up to the end of the line, which is skipped. */
  line(): Uint8Array {
    const end = this.bytes.indexOf(0x0a, this.position);
    const line = this.take((end < 0 ? this.bytes.length : end) - this.position);
    this.#advance(1);
    return line;
  }
}

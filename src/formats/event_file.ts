/**
 * TensorBoard's event files: records of TensorFlow with an `Event` each.
 *
 * Source: TensorFlow, tensorflow/core/lib/io/record_writer.cc (records and the masked
 * checksum); the messages are in tensorboard_event.proto.
 *
 * @module
 */
import { protobuf } from "./protobuf.ts";
import definitions from "./tensorboard_event.proto" with { type: "text" };

/** One thing under a tag. */
export type EventValue =
  /** Stored as float32. */
  | { readonly tag: string; readonly scalar: number }
  | {
    readonly tag: string;
    /** A PNG or JPEG file. */
    readonly image: Uint8Array;
    readonly width: number;
    readonly height: number;
  }
  /** Markdown. */
  | { readonly tag: string; readonly text: string };

/** What an event holds besides its time. */
export interface EventContent {
  /** Iterations done. */
  readonly step: number;
  readonly values: readonly EventValue[];
}

// Parsed for the first event: most runs write none.
let eventType: protobuf.Type | null = null;

/** The record that every file begins with. @param wallTime Seconds since 1970. */
export function encodeFileStart(wallTime: number): Uint8Array<ArrayBuffer> {
  return encodeRecord({ wallTime, fileVersion: "brain.Event:2" });
}

/** One event as a record. @param wallTime Seconds since 1970. */
export function encodeEvent(
  wallTime: number,
  { step, values }: EventContent,
): Uint8Array<ArrayBuffer> {
  return encodeRecord({ wallTime, step, summary: { value: values.map(toMessage) } });
}

function toMessage(value: EventValue): Record<string, unknown> {
  const { tag } = value;
  if ("scalar" in value) return { tag, simpleValue: value.scalar };
  if ("image" in value) {
    const { width, height, image: encodedImageString } = value;
    return { tag, image: { width, height, colorspace: 3, encodedImageString } };
  }
  return {
    tag,
    metadata: { pluginData: { pluginName: "text" } },
    tensor: {
      dtype: 7, // DT_STRING
      tensorShape: { dim: [{ size: 1 }] },
      stringVal: [new TextEncoder().encode(value.text)],
    },
  };
}

/** uint64 length, its checksum, the message, its checksum; little-endian. */
function encodeRecord(message: Record<string, unknown>): Uint8Array<ArrayBuffer> {
  eventType ??= protobuf.parse(definitions).root.lookupType("Event");
  const data = eventType.encode(eventType.create(message)).finish();
  const record = new Uint8Array(12 + data.length + 4);
  const view = new DataView(record.buffer);
  view.setBigUint64(0, BigInt(data.length), true);
  view.setUint32(8, maskedCrc32c(record.subarray(0, 8)), true);
  record.set(data, 12);
  view.setUint32(12 + data.length, maskedCrc32c(data), true);
  return record;
}

/** Castagnoli's polynomial, its bits reversed. */
const CRC32C_POLYNOMIAL = 0x82f63b78;

const CRC32C_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) {
    crc = crc & 1 ? (crc >>> 1) ^ CRC32C_POLYNOMIAL : crc >>> 1;
  }
  return crc;
});

/** CRC-32C, rotated and shifted so that a checksum of data with checksums is no weaker. */
export function maskedCrc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc = (CRC32C_TABLE[(crc ^ byte) & 0xff] ?? 0) ^ (crc >>> 8);
  }
  crc ^= 0xffffffff;
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

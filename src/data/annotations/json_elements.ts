/**
 * The elements of arrays in a JSON file that may be larger than a string can be: the file
 * is never parsed as a whole.
 *
 * @module
 */

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const [OPEN_ARRAY, CLOSE_ARRAY] = [0x5b, 0x5d];
const [OPEN_OBJECT, CLOSE_OBJECT] = [0x7b, 0x7d];

const decoder = new TextDecoder("utf-8");

/** An object of which nothing is known. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Whether a value is an object, and no list. */
export const isJsonObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * Parses a part of a JSON file.
 *
 * @throws {SyntaxError} If it is no JSON; the message is the end of a sentence.
 */
export function parseJsonPart(bytes: Uint8Array): unknown {
  const text = decoder.decode(bytes);
  try {
    return JSON.parse(text);
  } catch {
    // Python writes and reads what JSON does not have.
    const [, value] = /[:[,]\s*(NaN|-?Infinity)\b/.exec(text) ?? [];
    if (value !== undefined) {
      throw new SyntaxError(`it holds "${value}", which is no JSON: export it without`);
    }
    throw new SyntaxError("it is no JSON: is it complete? copy or export it again");
  }
}

/**
 * Visits each element of the arrays of an object, in the order of the file.
 *
 * @param keys Of the arrays; what else the object holds is skipped.
 * @param visit Receives the bytes `from` … `to` − 1 of an element, which may be no JSON.
 * @returns The keys that were there and hold arrays.
 * @throws {SyntaxError} If the file ends early, is no object or has a key twice; the message
 * is the end of a sentence.
 */
export function visitJsonElements(
  bytes: Uint8Array,
  keys: readonly string[],
  visit: (key: string, from: number, to: number) => void,
): Set<string> {
  const found = new Set<string>();
  let at = 0;
  const fail = (): never => {
    throw new SyntaxError(
      at >= bytes.length
        ? "it ends too early: is it complete? copy or export it again"
        : `it is no JSON object (byte ${at}): export it again`,
    );
  };
  const skipBlank = (): number => {
    // Blank, tab, line feed, carriage return.
    for (;; at++) {
      const byte = bytes[at];
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) {
        return byte ?? fail();
      }
    }
  };
  const expect = (wanted: number) => {
    if (skipBlank() !== wanted) fail();
    at++;
  };
  const skipString = () => {
    at++;
    while (bytes[at] !== QUOTE) {
      if (at >= bytes.length) fail();
      at += bytes[at] === BACKSLASH ? 2 : 1;
    }
    at++;
  };
  const skipValue = () => {
    const start = skipBlank();
    if (start === QUOTE) return skipString();
    if (start !== OPEN_ARRAY && start !== OPEN_OBJECT) {
      const from = at;
      while (!isEnd(bytes[at])) at++;
      if (at >= bytes.length || at === from) fail();
      return;
    }
    let depth = 0;
    do {
      const byte = bytes[at] ?? fail();
      if (byte === QUOTE) {
        skipString();
        continue;
      }
      if (byte === OPEN_ARRAY || byte === OPEN_OBJECT) depth++;
      else if (byte === CLOSE_ARRAY || byte === CLOSE_OBJECT) depth--;
      at++;
    } while (depth > 0);
  };
  /** Visits what stands between commas, up to a closing bracket. */
  const forEachItem = (end: number, visitItem: () => void) => {
    at++;
    if (skipBlank() === end) return void at++;
    while (true) {
      skipBlank();
      visitItem();
      const next = skipBlank();
      at++;
      if (next === end) return;
      if (next !== COMMA) fail();
    }
  };

  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) at = 3; // UTF-8's mark
  if (skipBlank() !== OPEN_OBJECT) fail();
  forEachItem(CLOSE_OBJECT, () => {
    const keyStart = at;
    if (bytes[at] !== QUOTE) fail();
    skipString();
    const key = parseJsonPart(bytes.subarray(keyStart, at));
    expect(COLON);
    if (
      typeof key !== "string" || !keys.includes(key) || skipBlank() !== OPEN_ARRAY
    ) return skipValue();
    if (found.has(key)) {
      throw new SyntaxError(`it has "${key}" twice: join the lists, or remove one`);
    }
    found.add(key);
    forEachItem(CLOSE_ARRAY, () => {
      const from = at;
      skipValue();
      visit(key, from, at);
    });
  });
  while (at < bytes.length && isBlank(bytes[at])) at++;
  if (at < bytes.length) fail();
  return found;
}

const isBlank = (byte: number | undefined): boolean =>
  byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;

const isEnd = (byte: number | undefined): boolean =>
  byte === undefined || byte === COMMA || byte === CLOSE_ARRAY || byte === CLOSE_OBJECT ||
  isBlank(byte);

/** Text of one byte per character. @module */

import { Buffer } from "node:buffer";

/**
 * Decodes ISO 8859-1: every byte is the character of its number, U+0000 to U+00FF.
 *
 * A TextDecoder knows only windows-1252, also under the names "latin1" and "ascii" (WHATWG,
 * "Encoding Standard", section 4.2), which changes the bytes 0x80 to 0x9f.
 */
export const decodeLatin1 = ({ buffer, byteOffset, length }: Uint8Array): string =>
  Buffer.from(buffer, byteOffset, length).toString("latin1");

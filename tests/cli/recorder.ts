/** A terminal that remembers. */

import type { Terminal } from "../../src/cli/terminal.ts";

/** What a command has written so far. */
export interface Recorder extends Terminal {
  readonly written: { out: string; error: string };
}

/** @param isTerminal Whether it acts as if a person watched. */
export function recorder(isTerminal = false): Recorder {
  const written = { out: "", error: "" };
  return {
    written,
    writeOut: (text) => void (written.out += text),
    writeErr: (text) => void (written.error += text),
    isOutTty: isTerminal,
    isErrTty: isTerminal,
    color: false,
    columns: 120,
  };
}

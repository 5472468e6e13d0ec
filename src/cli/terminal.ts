/** Where a command's text goes: the terminal, a pipe, or a test. @module */

/** The two streams of a command and what they can show. */
export interface Terminal {
  /** Writes to standard output, as it is. */
  readonly writeOut: (text: string) => void;
  /** Writes to standard error, as it is. */
  readonly writeErr: (text: string) => void;
  /** Whether a person watches standard output. */
  readonly isOutTty: boolean;
  /** Whether a person watches standard error. */
  readonly isErrTty: boolean;
  /** Whether colors are wanted where a person watches. */
  readonly color: boolean;
  /** Characters per line. */
  readonly columns: number;
}

type Stream = typeof Deno.stdout | typeof Deno.stderr;

function streamWriter(stream: Stream): (text: string) => void {
  const encoder = new TextEncoder();
  let open = true;
  return (text) => {
    if (!open) return;
    const bytes = encoder.encode(text);
    try {
      for (let written = 0; written < bytes.length;) {
        written += stream.writeSync(bytes.subarray(written));
      }
    } catch (error) {
      // The reader has seen enough, as in `… | head`: no reason to stop working.
      if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
      open = false;
    }
  };
}

function terminalColumns(stream: Stream): number {
  if (!stream.isTerminal()) return 80;
  try {
    return Deno.consoleSize().columns || 80;
  } catch {
    return 80; // a terminal that does not tell
  }
}

/** The streams of this process; `NO_COLOR` in the environment switches colors off. */
export function processTerminal(): Terminal {
  return {
    writeOut: streamWriter(Deno.stdout),
    writeErr: streamWriter(Deno.stderr),
    isOutTty: Deno.stdout.isTerminal(),
    isErrTty: Deno.stderr.isTerminal(),
    color: !Deno.noColor,
    columns: terminalColumns(Deno.stderr),
  };
}

/**
 * What must not reach a terminal as it is: control characters, which move the cursor or
 * change its title, and those that turn the direction of writing. Lines, tabs, and the
 * colors of our own tables may.
 */
const CONTROLS =
  // deno-lint-ignore no-control-regex -- these are what is looked for
  /\x1b\[(?:1|22|3[129])m|[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** A text of which nothing is hidden: names in files are others' words. */
export const visibleText = (text: string): string =>
  text.replace(
    CONTROLS,
    (found) =>
      found.length > 1
        ? found
        : `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );

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

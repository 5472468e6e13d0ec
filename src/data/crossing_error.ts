/** Errors on their way from a worker, which loses what kind they are. @module */

/** An error as plain data. */
export interface CrossingError {
  readonly name: string;
  readonly message: string;
}

/** Kinds that cross as what they are. */
const KINDS: Readonly<Record<string, ErrorConstructor>> = {
  RangeError,
  SyntaxError,
  TypeError,
};

/** Packs an error in a worker. */
export function packError(error: unknown): CrossingError {
  if (!(error instanceof Error)) return { name: "Error", message: String(error) };
  return { name: error.name, message: error.message };
}

/** Makes it an error again: the same kind, the same sentence. */
export const unpackError = ({ name, message }: CrossingError): Error =>
  new (KINDS[name] ?? Error)(message);

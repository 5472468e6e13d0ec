/**
 * Whether WebAssembly has run out of memory, of which it can have 4 GB at most: it then
 * ends with whatever it stumbles over.
 */
export function isOutOfMemory(error: unknown): boolean {
  if (error instanceof WebAssembly.RuntimeError) return true;
  return error instanceof RangeError && error.message === "offset is out of bounds";
}

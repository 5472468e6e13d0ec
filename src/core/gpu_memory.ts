/** How much memory a GPU has, as far as it can be known. @module */
import { environmentVariable, systemMemory } from "./environment.ts";

/** What says whose memory a GPU uses. */
interface Gpu {
  /** The driver's name of it. */
  readonly name: string;
  /** Whether it is emulated on the CPU. */
  readonly software: boolean;
}

const UNITS: Readonly<Record<string, number>> = {
  "": 1,
  MB: 1e6,
  GB: 1e9,
  MIB: 2 ** 20,
  GIB: 2 ** 30,
};

/** Names of GPUs that have no memory of their own; Arc is the name of cards, too. */
const SHARES_MEMORY = /\bapple\b|\b(u?hd|iris\S*( xe)?|xe) graphics|radeon\S* graphics/i;

/**
 * The memory of a GPU: what FST_GPU_MEMORY says, as "8GB"; else that of the machine, where
 * the GPU has none of its own. WebGPU tells nothing of cards.
 *
 * @returns Bytes; null if it is unknown.
 * @throws {RangeError} If FST_GPU_MEMORY is no size.
 */
export function gpuMemory(
  { name, software }: Gpu,
  given: string | undefined = environmentVariable("FST_GPU_MEMORY"),
): number | null {
  if (given !== undefined) return parseBytes(given);
  return software || SHARES_MEMORY.test(name) ? systemMemory() : null;
}

function parseBytes(text: string): number {
  const [, digits, unit = ""] = /^\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*$/i.exec(text) ?? [];
  const factor = UNITS[unit.toUpperCase()];
  if (digits === undefined || factor === undefined || Number(digits) === 0) {
    throw new RangeError(
      `Cannot use FST_GPU_MEMORY="${text}": it must be a size such as 8GB or 8192MiB`,
    );
  }
  return Number(digits) * factor;
}

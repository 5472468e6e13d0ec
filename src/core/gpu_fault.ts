/** What the errors of a GPU mean, and what helps: a sentence each. @module */

/** How a GPU failed. */
export interface GpuFailure {
  /** As WebGPU sorts them; "lost": the device is gone. */
  readonly kind: "lost" | "out-of-memory" | "validation" | "internal";
  /** What the driver says, perhaps nothing. */
  readonly message: string;
}

/** Where it failed. */
export interface GpuCircumstances {
  /** As Deno names it. */
  readonly system: string;
  /** Bytes that tensors had on the GPU. */
  readonly allocated: number;
  /** Bytes that it has; null: unknown. */
  readonly memory: number | null;
}

const CHECKPOINT = "a run that is started again goes on from its last checkpoint";
const SMALLER = 'use a smaller "data.cropSize" or "data.batchSize"';

/** From this part of its memory on a GPU is full: other programs use it, too. */
const FULL_SHARE = 0.85;

/** What happened, and the cure. */
export function describeGpuFailure(
  { kind, message }: GpuFailure,
  { system, allocated, memory }: GpuCircumstances,
): string {
  const said = message.trim() || "no reason given";
  const used = `${Math.round(allocated / 2 ** 20)} MiB`;
  if (kind === "lost") {
    if (/out of memory|memory budget|OUTOFMEMORY/i.test(said)) {
      return `Cannot continue: the GPU was lost for want of memory (${said}): ${SMALLER}, ` +
        `and end other programs that use it; ${CHECKPOINT}`;
    }
    if (system === "windows" || /hung|time[d ]*out|TDR|887A000[67]/i.test(said)) {
      return `Cannot continue: the GPU was lost (${said}): Windows and some drivers reset ` +
        "a GPU that works longer than two seconds at one command (TDR); " +
        `${SMALLER}, or raise "TdrDelay" in the registry of Windows; ${CHECKPOINT}`;
    }
    return `Cannot continue: the GPU was lost (${said}): its driver was reset, or another ` +
      `program has filled its memory; ${CHECKPOINT}`;
  }
  if (kind === "out-of-memory") {
    const isFull = memory !== null && allocated >= FULL_SHARE * memory;
    return isFull
      ? `Cannot continue: the GPU ran out of memory with ${used} in use ("${said}"): ` +
        `${SMALLER}; ${CHECKPOINT}`
      : `Cannot continue: the GPU refused memory with ${used} in use ("${said}"): if it ` +
        "has more, this is a known fault of Deno where a card maps only a part of its " +
        "memory (deno issue 35195), so turn on Resizable BAR in the firmware; " +
        `else ${SMALLER}; ${CHECKPOINT}`;
  }
  if (
    system === "windows" && (kind === "internal" || /\b(FXC|DXC|HLSL|D3D)/i.test(said))
  ) {
    return `Cannot trust the GPU's results: Direct3D's compiler refused a kernel ` +
      `("${said}"): set DENO_WEBGPU_DX12_COMPILER=dxc, or DENO_WEBGPU_BACKEND=vulkan`;
  }
  return `Cannot trust the GPU's results: it reported "${said}"`;
}

/** Asking ranks to stop, to be resumed later. @module */
import { OPERATING_SYSTEM } from "../core/environment.ts";

/** Aborted when this process is asked to stop. */
export interface StopSignal extends Disposable {
  readonly signal: AbortSignal;
}

/**
 * Listens for SIGUSR1, which schedulers send before they take a machine away, and which
 * `mpirun` passes on to all ranks: not all of them receive it at the same iteration. Windows
 * has no such signal.
 */
export function listenForStop(): StopSignal {
  const controller = new AbortController();
  const { signal } = controller;
  if (OPERATING_SYSTEM === "windows") return { signal, [Symbol.dispose]: () => {} };
  const onSignal = () => controller.abort();
  Deno.addSignalListener("SIGUSR1", onSignal);
  return {
    signal,
    [Symbol.dispose]: () => Deno.removeSignalListener("SIGUSR1", onSignal),
  };
}

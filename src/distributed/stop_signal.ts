/** Asking ranks to stop, to be resumed later. @module */
import { OPERATING_SYSTEM } from "../core/environment.ts";

/** Aborted when this process is asked to stop. */
export interface StopSignal extends Disposable {
  /** For what is to end. */
  readonly signal: AbortSignal;
}

// mpirun passes both on. The first one also starts Deno's debugger, since 2.9.2.
const SIGNALS = ["SIGUSR1", "SIGUSR2"] as const;

/**
 * Listens for SIGUSR1 and SIGUSR2, which schedulers send before they take a machine away,
 * and which `mpirun` passes on to all ranks. Not all receive it at the same iteration, and
 * some twice: listen to the end, since it ends a process that does not. Windows has no such
 * signals.
 */
export function listenForStop(): StopSignal {
  const controller = new AbortController();
  const onSignal = () => controller.abort();
  const signals = OPERATING_SYSTEM === "windows" ? [] : SIGNALS;
  for (const name of signals) Deno.addSignalListener(name, onSignal);
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      for (const name of signals) Deno.removeSignalListener(name, onSignal);
    },
  };
}

/**
 * How many commands of tfjs's backend go to the device at a time, outside of recorded steps:
 * systems reset a GPU that works for seconds at one submit.
 *
 * The mean time of a command is known at every read-back, when all are done.
 *
 * @module
 */

/** Seconds that a submit is to take: half of what it may, since commands differ. */
const SUBMIT_SECONDS = 0.1;
// A submit costs more than the few smallest commands.
const LEAST = 8;
const MOST = 1024;
/** Before anything is known. */
const FIRST = 64;

/** Commands per submit. */
export interface SubmitPacing {
  /** So many at a time. */
  readonly commands: number;
  /** So many go to the device now. */
  onSubmit(commands: number): void;
  /** The device has done everything. */
  onIdle(): void;
}

/** @param now Seconds, for tests. */
export function createSubmitPacing(
  now: () => number = () => performance.now() / 1000,
): SubmitPacing {
  let commands = FIRST;
  let pending = 0;
  let start = 0;
  return {
    get commands() {
      return commands;
    },
    onSubmit(count) {
      if (pending === 0) start = now();
      pending += count;
    },
    onIdle() {
      // The host's own time counts, too: submits are rather too small than too large.
      const wanted = SUBMIT_SECONDS * pending / (now() - start);
      if (pending >= LEAST) {
        commands = Math.round(Math.min(Math.max(wanted, LEAST), MOST));
      }
      pending = 0;
    },
  };
}

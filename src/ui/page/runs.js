/** What the page knows of the runs, kept up to date by the server's stream of events. @module */

/** Seconds without news after which a run may have stopped. */
const SHORTEST_SILENCE = 60;

/** A run is expected to write within so many of its usual pauses. */
const PAUSES = 4;

/** Runs by their id, in order. */
export const runs = new Map();

/** Whether the server sends what happens. */
let isConnected = false;

/**
 * Follows the server's stream.
 *
 * @param {() => void} onChange Called after every change.
 * @param {(state: "open" | "closed") => void} onState Called as the server comes and goes.
 */
export function follow(onChange, onState) {
  const events = new EventSource("/events");
  const report = (state) => {
    isConnected = state === "open";
    onState(state);
  };
  events.onopen = () => report("open");
  events.onerror = () => report("closed"); // the browser goes on trying
  events.onmessage = ({ data }) => {
    const change = JSON.parse(data);
    // A server begins with the number of its runs, which may be others than before.
    if (change.runs !== undefined) keepRuns(change.runs);
    else applyChange(change);
    onChange();
  };
}

function keepRuns(count) {
  for (const id of [...runs.keys()]) if (id >= count) runs.delete(id);
}

function applyChange({ log, evaluations, ...change }) {
  const before = runs.get(change.id);
  const isSame = before?.path === change.path;
  const run = isSame ? before : {
    isShown: true,
    config: "",
    settings: null,
    pictures: [],
    log: [],
    evaluations: [],
  };
  Object.assign(run, change, { heard: Date.now() });
  splice(run.log, log);
  splice(run.evaluations, evaluations);
  runs.set(change.id, run);
}

function splice(lines, change) {
  if (change === undefined) return;
  lines.length = Math.min(lines.length, change.from);
  for (const line of change.lines) lines.push(line);
}

/** The runs that are shown, each with its place among all, which decides its color. */
export function shownRuns() {
  return [...runs.values()].filter(({ isShown }) => isShown);
}

/** Iterations that a run will have in the end; null: not known. */
export function iterationsOf({ settings }) {
  return Number.isSafeInteger(settings?.iterations) ? settings.iterations : null;
}

/** Seconds since a run wrote something. */
export const silenceOf = ({ quietSeconds, heard }) =>
  quietSeconds + (Date.now() - heard) / 1000;

/**
 * What a run is doing: "training" as long as something is written, "silent" when it should
 * have been.
 *
 * @returns {"waiting" | "training" | "silent" | "finished" | "gone" | "unknown"}
 */
export function stateOf(run) {
  if (run.status !== "training") return run.status;
  if (!isConnected) return "unknown";
  const [before, last] = run.log.slice(-2);
  const pause = last === undefined
    ? 0
    : (last.iteration - before.iteration) * (last.secondsPerIteration ?? 0);
  const isLate = silenceOf(run) > Math.max(SHORTEST_SILENCE, PAUSES * pause);
  return isLate ? "silent" : "training";
}

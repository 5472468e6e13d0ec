/**
 * The curves of runs over their iterations: what there is to draw, for the page and for
 * `curves.png`.
 *
 * @module
 */

/**
 * Colors that people with color blindness tell apart.
 *
 * Source: Okabe and Ito, "Color Universal Design" (2008), https://jfly.uni-koeln.de/color/;
 * some darker, and for a dark page lighter.
 */
export const COLORS = {
  light: ["#0072b2", "#d55e00", "#009e73", "#b5518c", "#b07a00", "#3a93c9", "#5b6168"],
  dark: ["#56b4e9", "#f0803c", "#2fc79a", "#e08fc0", "#e6b422", "#a5c8ff", "#b8c0c8"],
};

/** Lengths of dashes and gaps: curves of one color differ in them. */
export const DASHES = [[], [7, 4], [2, 3], [10, 3, 2, 3]];

const rounded = (value) => Number(value.toPrecision(3));
const plain = (value) => `${Number(value.toPrecision(4))}`;
const percent = (share) => `${rounded(100 * share)} %`;
const gigabytes = (bytes) => `${rounded(bytes / 1e9)} GB`;
const seconds = (time) => `${rounded(time)} s`;
const scientific = (value) =>
  value === 0 ? "0" : Number(value.toPrecision(2)).toExponential();

/** "confidentShare" → "Confident share" */
const inWords = (name) =>
  name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
    .replace(/^./, (letter) => letter.toUpperCase());

/** Whether what stands among the losses is a share of pixels. */
const isShare = (name) => name.endsWith("Share");

/** The name there of the gradient's norm. */
const GRADIENT_NORM = "gradientNorm";

const isLoss = (name) => !isShare(name) && name !== GRADIENT_NORM;

const LOSS = { format: plain, fromZero: false, isLoss: true, isNoisy: true };
const NORM = { ...LOSS, fromZero: true, isLoss: false };
const SCORE = { format: percent, fromZero: true, isLoss: false, isNoisy: false };
const SHARE = { ...SCORE, isNoisy: true };
const RATE = { ...SCORE, format: scientific };
const TIME = { ...SHARE, format: seconds };
const MEMORY = { ...SCORE, format: gigabytes };

/**
 * The charts of some runs. One run's losses share a chart; of several runs each loss has
 * its own, in which colors are the runs'.
 *
 * @param runs With `name`, `log` and `evaluations`, in order.
 * @param place A run's place among all, for its color.
 * @returns Charts, each with its curves and how to write a value: `isNoisy` where it may be
 * smoothed, `fromZero` where the axis begins at 0, `last` iteration of all runs.
 */
export function describeCharts(runs, place) {
  const isOne = runs.length === 1;
  const charts = new Map();
  const last = Math.max(1, ...runs.map(({ log }) => log.at(-1)?.iteration ?? 0));
  const add = (title, about, style, run, name, x, y) => {
    if (y.every((value) => value === null)) return;
    const chart = charts.get(title) ?? { title, about, ...style, last, curves: [] };
    charts.set(title, chart);
    const names = [...new Set(chart.curves.map((one) => one.name)), name];
    const index = names.indexOf(name);
    const label = isOne ? name || run.name : name ? `${run.name}, ${name}` : run.name;
    // Colors are the runs', dashes tell a run's curves apart; with one run colors do.
    const [color, dash] = isOne ? [index, 0] : [place(run), index];
    const rounds = Math.floor(color / COLORS.light.length);
    chart.curves.push({
      ...{ name, label, x, y },
      color: color % COLORS.light.length,
      dash: (dash + rounds) % DASHES.length,
    });
  };
  for (const run of runs) {
    const x = run.log.map(({ iteration }) => iteration);
    const column = (read) => run.log.map((line) => read(line) ?? null);
    const names = [...new Set(run.log.flatMap(({ losses }) => Object.keys(losses)))];
    for (const name of names.filter(isLoss)) {
      const [title, curve] = isOne ? ["Losses", name] : [`Loss: ${name}`, ""];
      add(title, "", LOSS, run, curve, x, column(({ losses }) => losses[name]));
    }
    for (const [name, curve] of evaluationCurves(run)) {
      const iterations = curve.map(({ iteration }) => iteration);
      add("mIoU", "", SCORE, run, name, iterations, curve.map((one) => one.figures.mIoU));
    }
    for (const name of names.filter(isShare)) {
      const share = column(({ losses }) => losses[name]);
      add(inWords(name), "of pixels", SHARE, run, "", x, share);
    }
    const norm = column(({ losses }) => losses[GRADIENT_NORM]);
    add("Gradient norm", "before it is clipped", NORM, run, "", x, norm);
    const rate = column(({ learningRate }) => learningRate);
    add("Learning rate", "of the encoder", RATE, run, "", x, rate);
    const time = column(({ secondsPerIteration }) => secondsPerIteration);
    add("Time per iteration", "", TIME, run, isOne ? "all" : "", x, time);
    const waiting = run.log.map(({ dataTimeShare, secondsPerIteration }) =>
      Number.isFinite(dataTimeShare) ? dataTimeShare * secondsPerIteration : null
    );
    if (isOne) add("Time per iteration", "", TIME, run, "waiting for data", x, waiting);
    add("Memory", "", MEMORY, run, "process", x, column((line) => line.residentBytes));
    add("Memory", "", MEMORY, run, "GPU", x, column((line) => line.deviceBytes));
  }
  return [...charts.values()];
}

/**
 * The evaluations of a run as curves: of each data set, and of whole images apart from
 * center crops.
 *
 * @returns {Map<string, { iteration: number, figures: object }[]>} By name; of several
 * evaluations of an iteration the last one counts.
 */
export function evaluationCurves({ evaluations }) {
  const hasCrops = evaluations.some(({ centerCrop }) => centerCrop !== null);
  const curves = new Map();
  for (const { iteration, centerCrop, results } of evaluations) {
    for (const [split, figures] of Object.entries(results)) {
      const name = hasCrops && centerCrop === null ? `${split}, whole images` : split;
      const curve = curves.get(name) ?? [];
      curves.set(name, curve);
      if (curve.at(-1)?.iteration === iteration) curve.pop();
      curve.push({ iteration, figures });
    }
  }
  return curves;
}

/** The curves of runs in the page, drawn by uPlot. @module */
// @ts-ignore -- the server has it from its package
import uPlot from "/uplot.js";
import { COLORS, DASHES, describeCharts } from "./curves.js";

const HEIGHT = 215;

/** Up to so many points, each is marked. */
const MOST_MARKED_POINTS = 24;

const darkMode = matchMedia("(prefers-color-scheme: dark)");

/** The color of a place in a list. */
export function colorAt(index) {
  const colors = darkMode.matches ? COLORS.dark : COLORS.light;
  return colors[index % colors.length];
}

/** Moving average whose start is not drawn to zero, as TensorBoard has it. */
function smoothed(values, smoothing) {
  let [average, weight] = [0, 0];
  return values.map((value) => {
    if (value === null) return null;
    average = smoothing * average + (1 - smoothing) * value;
    weight = smoothing * weight + (1 - smoothing);
    return average / weight;
  });
}

/**
 * One table for all curves of a chart: a row of iterations, from 0 to the last of all
 * charts, then a row per curve.
 */
function tableOf({ curves, last }, smoothing) {
  const rows = curves.flatMap(({ x, y }) =>
    smoothing > 0 ? [[x, smoothed(y, smoothing)], [x, y]] : [[x, y]]
  );
  return uPlot.join([[[0, last]], ...rows]);
}

/** New values for a plot; whoever has zoomed in stays there. */
function update(plot, table) {
  const { min, max } = plot.scales.x;
  const isZoomed = min > plot.data[0][0] || max < plot.data[0].at(-1);
  plot.setData(table, !isZoomed);
  if (isZoomed) plot.redraw();
}

/** The value at an index, or the last one before it. */
function valueBefore(values, index) {
  for (let i = index ?? values.length - 1; i >= 0; i--) {
    if (typeof values[i] === "number") return values[i];
  }
  return null;
}

function optionsOf({ curves, format, fromZero }, width, smoothing, isLogarithmic) {
  const style = getComputedStyle(document.documentElement);
  const [muted, line] = ["--muted", "--line"].map((name) => style.getPropertyValue(name));
  const axis = {
    stroke: muted,
    grid: { stroke: line, width: 1 },
    ticks: { stroke: line, width: 1, size: 4 },
    font: "12px system-ui, sans-serif",
  };
  const series = curves.flatMap((curve) => {
    const main = {
      label: curve.label,
      stroke: colorAt(curve.color),
      width: 1.8,
      dash: DASHES[curve.dash],
      spanGaps: true,
      points: { show: curve.x.length <= MOST_MARKED_POINTS, size: 5 },
      value: (plot, _, row, index) => {
        const value = valueBefore(plot.data[row], index);
        return value === null ? "–" : format(value);
      },
    };
    // What is smoothed is drawn behind, pale.
    const raw = {
      ...main,
      class: "raw",
      width: 1,
      alpha: 0.3,
      points: { show: false },
    };
    return smoothing > 0 ? [main, raw] : [main];
  });
  const showLast = (plot) => {
    if (typeof plot.cursor.idx !== "number") {
      plot.setLegend({ idx: plot.data[0].length - 1 }, false);
    }
  };
  return {
    width,
    height: HEIGHT,
    scales: {
      x: { time: false },
      y: isLogarithmic ? { distr: 3 } : {
        range: {
          min: fromZero ? { soft: 0, mode: 1 } : { pad: 0.1 },
          max: { pad: 0.1 },
        },
      },
    },
    axes: [{ ...axis, size: 34 }, {
      ...axis,
      size: 66,
      values: (_, ticks) => ticks.map((tick) => tick === null ? "" : format(tick)),
    }],
    series: [{ label: "iteration", value: (_, x) => x ?? "–" }, ...series],
    cursor: {
      sync: { key: "iterations" },
      points: { size: 7 },
      drag: { x: true, y: false },
    },
    legend: {
      isolate: true,
      markers: {
        width: 3,
        dash: ({ series }, row) => series[row].dash?.length > 0 ? "dashed" : "solid",
      },
    },
    hooks: { setCursor: [showLast], setData: [showLast], ready: [showLast] },
  };
}

/** Charts in the page, by their titles. */
const drawn = new Map();

const resizing = new ResizeObserver((entries) => {
  for (const { target, contentRect } of entries) {
    const chart = [...drawn.values()].find(({ place }) => place === target);
    if (contentRect.width > 0) {
      chart?.plot.setSize({ width: contentRect.width, height: HEIGHT });
    }
  }
});

/**
 * Draws the charts of some runs, and takes away those that there are no more.
 *
 * @param {HTMLElement} home Where they are.
 * @param options `smoothing` of noisy curves, 0 … 1, and whether losses are `isLogarithmic`.
 */
export function drawCharts(home, shown, place, options) {
  const charts = describeCharts(shown, place);
  const titles = new Set(charts.map(({ title }) => title));
  for (const [title, { plot, card, place: cell }] of drawn) {
    if (titles.has(title)) continue;
    resizing.unobserve(cell);
    plot.destroy();
    card.remove();
    drawn.delete(title);
  }
  for (const chart of charts) drawChart(home, chart, options);
  const cards = charts.map(({ title }) => drawn.get(title).card);
  if (cards.some((card, i) => home.children[i] !== card)) home.replaceChildren(...cards);
}

function drawChart(home, chart, options) {
  const smoothing = chart.isNoisy ? options.smoothing : 0;
  const isLogarithmic = chart.isLoss && options.isLogarithmic;
  const looks = chart.curves.map(({ label, color, dash, x }) =>
    [label, color, dash, x.length <= MOST_MARKED_POINTS].join()
  );
  // What a plot cannot change once it is there.
  const signature = [...looks, smoothing > 0, isLogarithmic, darkMode.matches].join("\n");
  const table = tableOf(chart, smoothing);
  const before = drawn.get(chart.title);
  if (before?.signature === signature) return update(before.plot, table);
  before?.plot.destroy();
  const { card, place } = before ?? makeCard(home, chart);
  const width = place.clientWidth || 400;
  const plot = new uPlot(optionsOf(chart, width, smoothing, isLogarithmic), table, place);
  drawn.set(chart.title, { plot, card, place, signature });
}

function makeCard(home, { title, about }) {
  const card = document.createElement("section");
  card.className = "card";
  const heading = document.createElement("h2");
  const small = document.createElement("small");
  small.textContent = about;
  heading.append(`${title} `, small);
  const place = document.createElement("div");
  place.className = "chart";
  card.append(heading, place);
  home.append(card);
  resizing.observe(place);
  return { card, place };
}

/** Calls back when the page turns dark or light. */
export function onDarkMode(redraw) {
  darkMode.addEventListener("change", redraw);
}

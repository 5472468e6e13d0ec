/** Runs, classes and settings as tables. @module */
import { colorAt } from "./charts.js";
import { evaluationCurves } from "./curves.js";
import { iterationsOf, silenceOf, stateOf } from "./runs.js";

/** An element with properties and children. */
export function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

/** A square in a color. */
export function swatch(color) {
  const made = element("span", { className: "swatch" });
  made.style.background = color;
  return made;
}

const isMissing = (value) => value === null || value === undefined;

const percent = (share) => isMissing(share) ? "–" : `${(100 * share).toFixed(1)} %`;

/** `42 s`, `3 min`, `2 h 07 min` */
function inTime(seconds) {
  if (seconds < 60) return `${Math.max(0, Math.round(seconds))} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
}

function stateText(run) {
  const state = stateOf(run);
  return state === "silent" ? `no news for ${inTime(silenceOf(run))}` : state;
}

/** Lines of the table by run: whoever clicks in one finds it still there. */
const lines = new Map();

const RUN_COLUMNS = ["State", "Iteration", "Time per iteration", "Time left", "mIoU"];

function makeLine(run, onToggle) {
  const box = element("input", { type: "checkbox", checked: run.isShown });
  box.addEventListener("change", () => onToggle(run, box.checked));
  const square = swatch("");
  const name = element("label", { title: run.path }, box, square, run.name);
  const bar = element("progress", { ariaLabel: "iterations done" });
  const count = element("span");
  const cells = RUN_COLUMNS.map(() => element("td"));
  cells[1].append(bar, count);
  const row = element("tr", {}, element("th", { scope: "row" }, name), ...cells);
  return { row, square, bar, count, cells };
}

function fillLine({ square, bar, count, cells }, run, index) {
  const last = run.log.at(-1);
  const total = iterationsOf(run);
  const done = last?.iteration ?? 0;
  const time = last?.secondsPerIteration;
  const [first] = evaluationCurves(run);
  const figures = first?.[1].map((one) => one.figures.mIoU ?? 0) ?? [];
  const best = Math.max(...figures);
  square.style.background = colorAt(index);
  bar.hidden = total === null;
  bar.max = total ?? 1;
  bar.value = done;
  count.textContent = total === null ? `${done}` : `${done} of ${total}`;
  cells[0].textContent = stateText(run);
  cells[2].textContent = time ? `${Number(time.toPrecision(3))} s` : "–";
  cells[3].textContent = time && total > done && stateOf(run) === "training"
    ? inTime((total - done) * time)
    : "–";
  cells[4].textContent = figures.length === 0
    ? "–"
    : `${percent(figures.at(-1))} on ${first[0]}` +
      (best > figures.at(-1) ? ` (best ${percent(best)})` : "");
}

/**
 * One line for each run.
 *
 * @param onToggle Called when a run is shown or hidden.
 */
export function fillRuns(table, all, place, onToggle) {
  if (table.tHead === null) {
    const heads = ["Run", ...RUN_COLUMNS].map((text) =>
      element("th", { scope: "col" }, text)
    );
    const head = element("thead", {}, element("tr", {}, ...heads));
    table.append(head, element("tbody"));
  }
  for (const run of all) {
    if (!lines.has(run)) lines.set(run, makeLine(run, onToggle));
    fillLine(lines.get(run), run, place(run));
  }
  const rows = all.map((run) => lines.get(run).row);
  const [body] = table.tBodies;
  const isSame = rows.length === body.rows.length &&
    rows.every((row, i) => row === body.rows[i]);
  if (!isSame) body.replaceChildren(...rows);
}

/** A share as a bar, with its change since the evaluation before. */
function shareCell(share, before) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const rect = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  rect.setAttribute("width", `${100 * (share ?? 0)}%`);
  rect.setAttribute("height", "100%");
  rect.setAttribute("rx", "3");
  svg.append(rect);
  svg.ariaHidden = "true";
  const hasChange = !isMissing(share) && !isMissing(before);
  const change = {
    className: "change",
    title: "since the evaluation before",
    textContent: hasChange ? signed(100 * (share - before)) : "",
  };
  return element(
    "td",
    {},
    element("div", { className: "bar" }, svg, element("span", {}, percent(share))),
    element("span", change),
  );
}

const signed = (value) => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(1)}`;

/** The latest evaluations: a row per class, a column per run and data set. */
export function fillClasses(table, shown) {
  const columns = shown.flatMap((run) =>
    [...evaluationCurves(run)].map(([name, curve]) => {
      const [last, before] = [curve.at(-1), curve.at(-2)];
      const iou = (figures, label) =>
        figures?.classes.find(({ name }) => name === label)?.iou;
      const title = shown.length === 1 ? name : `${run.name}, ${name}`;
      return {
        title: `${title}, iteration ${last.iteration}`,
        classes: last.figures.classes,
        cell: (label) => shareCell(iou(last.figures, label), iou(before?.figures, label)),
        mean: shareCell(last.figures.mIoU, before?.figures.mIoU),
      };
    })
  );
  const classes = new Map(
    columns.flatMap((one) => one.classes).map((one) => [one.name, one]),
  );
  const head = ["Class", ...columns.map(({ title }) => title)];
  const rows = [...classes.values()].map(({ name, color }) =>
    element(
      "tr",
      {},
      element("th", { scope: "row" }, ...classLabel(name, color)),
      ...columns.map(({ cell }) => cell(name)),
    )
  );
  const foot = element(
    "tr",
    {},
    element("th", { scope: "row" }, "mean"),
    ...columns.map(({ mean }) => mean),
  );
  table.replaceChildren(
    element(
      "thead",
      {},
      element("tr", {}, ...head.map((text) => element("th", { scope: "col" }, text))),
    ),
    element("tbody", {}, ...rows),
    element("tfoot", {}, foot),
  );
  return columns.length > 0;
}

const classLabel = (name, color) =>
  color === undefined ? [name] : [swatch(`rgb(${color.join(" ")})`), " ", name];

/** Names and colors of the classes that the runs have, once each. */
export function fillLegend(list, shown) {
  const classes = new Map();
  for (const run of shown) {
    for (const { results } of run.evaluations.slice(-1)) {
      for (const one of Object.values(results).flatMap((figures) => figures.classes)) {
        if (one.color !== undefined) classes.set(one.name, one.color);
      }
    }
  }
  list.replaceChildren(
    ...[...classes].map(([name, color]) => element("li", {}, ...classLabel(name, color))),
  );
}

/** The values of a configuration by their paths, as "optimizer.learningRate". */
function leavesOf(value, path = "", found = new Map()) {
  const isInner = typeof value === "object" && value !== null && !Array.isArray(value);
  if (!isInner) return found.set(path, JSON.stringify(value));
  for (const [key, one] of Object.entries(value)) {
    leavesOf(one, path === "" ? key : `${path}.${key}`, found);
  }
  return found;
}

/** What differs between the configurations of some runs. @returns Whether anything does. */
export function fillDifferences(table, shown) {
  const leaves = shown.map(({ settings }) => leavesOf(settings));
  const keys = [...new Set(leaves.flatMap((one) => [...one.keys()]))].filter((key) =>
    new Set(leaves.map((one) => one.get(key))).size > 1
  );
  const head = ["Setting", ...shown.map(({ name }) => name)];
  table.replaceChildren(
    element(
      "thead",
      {},
      element("tr", {}, ...head.map((text) => element("th", { scope: "col" }, text))),
    ),
    element(
      "tbody",
      {},
      ...keys.map((key) =>
        element(
          "tr",
          {},
          element("th", { scope: "row" }, key),
          ...leaves.map((one) => element("td", {}, one.get(key) ?? "–")),
        )
      ),
    ),
  );
  return keys.length > 0;
}
